using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>
/// A producer with idempotence against a naive model of a cluster's log (<see cref="ModelPartition"/>), by seed: requests and
/// answers are lost, lost requests arrive much later, leaders change and lose what was not committed, batches are refused alone
/// for a while or for good, time runs out for some. At the end: what was reported delivered is there exactly once, at the
/// offset given; what was reported failed is there at most once; and each partition's records are in the order given.
/// </summary>
public class IdempotenceSimulation
{
    private const int Seeds = 200;

    [Fact]
    public void Delivered_is_there_once_failed_at_most_once_and_order_holds()
    {
        var ended = 0;
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var run = new Run(seed);
            var faults = run.Go();
            Assert.True(faults.Count == 0, $"seed {seed}: {string.Join("; ", faults)}");
            ended += (int)run.EpochsEnded;
        }

        Assert.True(ended > Seeds, $"only {ended} epochs ended: the scenario is too tame");
    }

    /// <summary>Records of batches given up under an id that is used up can't be fenced: they may still be written late, but once.</summary>
    [Fact]
    public void It_holds_when_epochs_are_used_up_and_another_id_is_needed()
    {
        for (var seed = 1; seed <= 100; seed++)
        {
            var faults = new Run(seed, firstEpoch: short.MaxValue - 2).Go();
            Assert.True(faults.Count == 0, $"seed {seed}: {string.Join("; ", faults)}");
        }
    }

    /// <summary>Rules of the producer broken one at a time: this simulation must notice, or it proves nothing.</summary>
    [Theory]
    [InlineData(Sabotage.SameEpoch)]
    [InlineData(Sabotage.NoNumbers)]
    public void A_broken_rule_is_noticed(Sabotage sabotage) =>
        Assert.Contains(Enumerable.Range(1, Seeds), seed => new Run(seed, sabotage: sabotage).Go().Count > 0);

    public enum Sabotage
    {
        None,

        /// <summary>Sequences begin anew, but the epoch stays.</summary>
        SameEpoch,

        NoNumbers,
    }

    private sealed class Run
    {
        private const int Partitions = 2;

        private readonly Random _random;
        private readonly ProducerRig _rig;
        private readonly short _firstEpoch;
        private readonly Sabotage _sabotage;
        private readonly List<TestDelivery> _offered = [];
        private readonly ModelPartition[] _logs = [.. Enumerable.Range(0, Partitions).Select(_ => new ModelPartition())];
        private readonly List<Wire> _arriving = [];
        private readonly List<Wire> _late = [];
        private readonly List<(Wire Wire, ProduceResponse Response)> _answers = [];
        private BrokerId _leader = One;
        private int _epoch = 3;
        private int _seen;
        private int _asked;
        private int _ids;

        private sealed record Wire(ProducerEffect.Send Send, List<byte[]> Batches);

        public Run(int seed, short firstEpoch = 0, Sabotage sabotage = Sabotage.None)
        {
            (_firstEpoch, _sabotage, _random) = (firstEpoch, sabotage, new Random(seed));
            _rig = new ProducerRig(
                Producer($"""
                    actorbroker.producer.enable.idempotence = true
                    actorbroker.producer.batch.size = 200
                    actorbroker.producer.max.in.flight.requests.per.connection = {_random.Next(1, 6)}
                    actorbroker.producer.delivery.timeout.ms = {_random.Next(2000, 9000)}
                    actorbroker.client.request.timeout.ms = 1000
                    actorbroker.producer.retries = {(_random.Next(3) == 0 ? 3 : int.MaxValue)}
                    """),
                seed: seed);
        }

        public long EpochsEnded => _rig.Core.MetricsAt(_rig.Now).SequenceEpochsEnded;

        public List<string> Go()
        {
            for (var step = 0; step < 400; step++)
                Step();
            for (var i = 0; i < 2000 && _offered.Exists(delivery => delivery.Outcome is null); i++)
            {
                _rig.Metadata(Now());
                _rig.After(50);
                Collect();
                while (_arriving.Count > 0)
                    Arrive(refuse: false);
                while (_answers.Count > 0)
                    Answer();
            }

            return Faults();
        }

        private void Step()
        {
            switch (_random.Next(20))
            {
                case < 7:
                    for (var i = _random.Next(1, 6); i > 0; i--)
                        _offered.Add(_rig.Offer("t", _random.Next(Partitions), _random.Next(4, 150), mayWait: true));
                    break;
                case 7:
                    _rig.Metadata(Now());
                    break;
                case 8:
                    _rig.After(_random.Next(400));
                    break;
                case 9 when _random.Next(8) == 0:
                    _rig.After(_random.Next(10_000));
                    break;
                case 10 when _random.Next(3) == 0:
                    Elect();
                    break;
                case 11 when _random.Next(3) == 0:
                    Break();
                    break;
                case 12:
                    ArriveLate();
                    break;
                case < 17:
                    Arrive(refuse: true);
                    break;
                default:
                    Answer();
                    break;
            }

            Collect();
        }

        private ClusterImage Now() => Image(_epoch, ("t", [.. Enumerable.Repeat(_leader, Partitions)]));

        private void Collect()
        {
            for (; _seen < _rig.Sent.Count; _seen++)
                _arriving.Add(new Wire(_rig.Sent[_seen], [.. _rig.SentBytes[_seen].Select(Bytes)]));
            var asked = _rig.Others.Count(effect => effect is ProducerEffect.AskIdentity);
            if (asked == _asked)
                return;
            _asked = asked;
            if (_random.Next(3) == 0)
                _rig.Do(() => _rig.Core.OnNoIdentity("none today", _rig.Now));
            else
                _rig.Do(() => _rig.Core.OnIdentity(new ProducerId(7 + _ids++), new ProducerEpoch(_firstEpoch), _rig.Now));
        }

        private byte[] Bytes(byte[] bytes)
        {
            Assert.True(RecordBatchHeader.TryParse(bytes, out var header));
            Assert.True(header.IsIdempotent);
            if (_sabotage == Sabotage.SameEpoch)
                RecordBatchHeader.PatchProducer(bytes, header.ProducerId, ProducerEpoch.None, header.BaseSequence);
            if (_sabotage == Sabotage.NoNumbers)
                RecordBatchHeader.PatchProducer(bytes, new ProducerId(1_000_000 + _random.Next()), header.ProducerEpoch, header.BaseSequence);
            return bytes;
        }

        /// <summary>The old leader may have written what it then refuses.</summary>
        private void Elect()
        {
            while (_random.Next(3) > 0 && _arriving.Count > 0)
                Arrive(refuse: true, resigning: true);
            (_leader, _epoch) = (_leader == One ? Two : One, _epoch + 1);
            foreach (var log in _logs)
                log.Elect(_random);
            if (_random.Next(2) == 0)
                _rig.Metadata(Now());
        }

        private void Arrive(bool refuse, bool resigning = false)
        {
            if (_arriving.Count == 0)
                return;
            var wire = _arriving[0];
            _arriving.RemoveAt(0);
            _answers.Add((wire, Handle(wire, refuse, resigning)));
        }

        private ProduceResponse Handle(Wire wire, bool refuse, bool resigning)
        {
            var results = new Dictionary<ProducerBatch, (ErrorCode Error, long Offset)>();
            var refused = new Dictionary<int, ErrorCode>();
            for (var i = 0; i < wire.Batches.Count; i++)
            {
                var batch = wire.Send.Batches[i];
                var partition = batch.Queue.Partition.Partition;
                if (wire.Send.Broker != _leader)
                    refused[partition] = ErrorCode.NotLeaderOrFollower;
                else if (refuse && !refused.ContainsKey(partition) && _random.Next(8) == 0)
                    refused[partition] = _random.Next(6) == 0 ? ErrorCode.InvalidRecord : ErrorCode.NotEnoughReplicas;
                if (refused.TryGetValue(partition, out var error))
                {
                    // What follows a refused batch in its request is refused too, but only the first for its own sake.
                    results[batch] = (error, -1);
                    if (error == ErrorCode.InvalidRecord)
                        refused[partition] = ErrorCode.OutOfOrderSequenceNumber;
                    continue;
                }

                var (verdict, offset) = _logs[partition].Append(wire.Batches[i]);
                if (verdict != ErrorCode.None)
                    refused[partition] = verdict;
                else if (!resigning)
                    _logs[partition].Commit(offset);
                results[batch] = resigning && verdict == ErrorCode.None ? (ErrorCode.NotLeaderOrFollower, -1) : (verdict, offset);
            }

            return ProducerRig.Response(wire.Send, batch => results[batch]);
        }

        private void Answer()
        {
            if (_answers.Count == 0)
                return;
            var (wire, response) = _answers[0];
            _answers.RemoveAt(0);
            _rig.Do(() => _rig.Core.OnProduced(wire.Send.RequestId, response, _rig.Now));
        }

        /// <summary>Some requests are written and their answers lost, some arrive much later, some never.</summary>
        private void Break()
        {
            for (var i = _random.Next(3); i > 0; i--)
                Arrive(refuse: true);
            var lost = _answers.Select(answer => answer.Wire).Concat(_arriving).ToArray();
            _late.AddRange(_arriving.Where(_ => _random.Next(2) == 0));
            _answers.Clear();
            _arriving.Clear();
            var failure = _random.Next(2) == 0 ? RequestFailure.Disconnected : RequestFailure.TimedOut;
            foreach (var wire in lost)
                _rig.Do(() => _rig.Core.OnRequestEnded(wire.Send.RequestId, failure, ErrorCode.None, "lost", _rig.Now));
        }

        private void ArriveLate()
        {
            if (_late.Count == 0)
                return;
            Handle(_late[0], refuse: false, resigning: false);
            _late.RemoveAt(0);
        }

        private List<string> Faults()
        {
            var faults = new List<string>();
            foreach (var delivery in _offered)
            {
                var copies = _logs.Sum(log => log.Records.Count(id => id == delivery.Id));
                if (delivery.Outcome is null)
                    faults.Add($"record {delivery.Id} has no outcome");
                else if (delivery.Failure is null ? copies != 1 : copies > 1)
                    faults.Add($"record {delivery.Id}, {delivery.Outcome}, is there {copies} times");
                else if (delivery.Failure is null && !IsAt(delivery))
                    faults.Add($"record {delivery.Id} is not at {delivery.Outcome}");
            }

            foreach (var log in _logs)
            {
                var kept = log.Records.Where(id => _firstEpoch == 0 || _offered.Find(delivery => delivery.Id == id)!.Failure is null).ToList();
                if (!kept.SequenceEqual(kept.Order()))
                    faults.Add("a partition is out of order");
            }

            return faults;
        }

        private bool IsAt(TestDelivery delivery)
        {
            var at = delivery.Outcome!.Split('@');
            return _logs[at[0][^1] - '0'].Records.ElementAt(int.Parse(at[1])) == delivery.Id;
        }
    }
}

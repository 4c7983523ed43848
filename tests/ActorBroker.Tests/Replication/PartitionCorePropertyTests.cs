using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Replication;
using FsCheck.Xunit;

namespace ActorBroker.Tests.Replication;

/// <summary>
/// Random inputs to one partition's core, each decoded from a byte, compared after every step with a model that
/// recomputes everything from the whole history: offsets are dense, the high watermark never steps back and is the
/// lowest log end in the ISR, and every produce is answered at most once and never before it is as safe as it asked.
/// </summary>
public sealed class PartitionCorePropertyTests
{
    [Property(MaxTest = 400, EndSize = 300)]
    public void The_core_agrees_with_the_naive_model(byte[] inputs)
    {
        var run = new Run();
        foreach (var input in inputs) run.Step(input);
    }

    /// <summary>One produce as the model knows it.</summary>
    private sealed class Produce(int number, Acks acks)
    {
        public int Number { get; } = number;

        public Acks Acks { get; } = acks;

        public long? Base { get; set; }

        public long Next { get; set; }

        public bool Acked { get; set; }

        public bool Refused { get; set; }
    }

    private sealed class Run
    {
        private const int MinIsr = 2;
        private static readonly int[][] Isrs = [[1], [1, 2], [1, 3], [1, 2, 3]];

        private readonly PartitionCore _core = new(new PartitionState(Offset.Zero, Offset.Zero, LeaderEpoch.None), PartitionScript.Settings(MinIsr), new PartitionScript(), PartitionScript.LagTimeMs);
        private readonly List<PartitionEffect> _effects = [];
        private readonly List<Produce> _produces = [];
        private readonly Queue<Produce> _inFlight = new();
        private readonly Dictionary<int, long> _reported = [];
        private readonly Dictionary<int, long> _waits = [];
        private int[] _isr = [1];
        private bool _leads;
        private int _epoch = -1;
        private int _partitionEpoch;
        private long _end;
        private long _highWatermark;
        private int _waitCount;

        public void Step(byte input)
        {
            var argument = input >> 3;
            switch (input & 7)
            {
                case 0: Assign(argument); break;
                case 1: Report(argument); break;
                case 2: Wait(); break;
                case 3 or 4: Persisted(argument); break;
                default: Append(argument); break;
            }

            ModelHighWatermark();
            CheckEffects();
            CheckState();
        }

        private void Assign(int argument)
        {
            var leads = (argument & 12) != 0;
            var newTerm = !leads || !_leads || (argument & 16) != 0;
            _isr = Isrs[argument & 3];
            if (newTerm)
            {
                _epoch++;
                _reported.Clear();
            }

            if (!leads)
                foreach (var produce in _produces)
                    if (produce is { Acks: Acks.All, Acked: false, Base: not null }) produce.Refused = true;
            _leads = leads;
            _core.OnAssignment(
                new PartitionAssignment(
                    new BrokerId(1), new BrokerId(leads ? 1 : 2), new LeaderEpoch(_epoch), Ids([1, 2, 3]), Ids(_isr), [], _partitionEpoch++, BrokerStandings.None),
                0,
                _effects);
        }

        private void Report(int argument)
        {
            var replica = 2 + (argument & 1);
            var logEnd = Math.Min(_end, _reported.GetValueOrDefault(replica) + (argument >> 1));
            var epoch = (argument & 6) == 6 ? _epoch - 1 : _epoch;
            if (_leads && epoch == _epoch) _reported[replica] = logEnd;
            var key = new RequestKey("follower", 0, 0);
            _core.OnFollowerFetch(new FollowerFetch(key, new BrokerId(replica), 1, new LeaderEpoch(epoch), new Offset(logEnd), LeaderEpoch.None), 0, _effects);
        }

        private void Wait()
        {
            _waits[_waitCount] = _highWatermark;
            _core.OnWait(new WaitInput(new RequestKey("wait", _waitCount, 0), LeaderEpoch.None, new Offset(_highWatermark)), _effects);
            _waitCount++;
        }

        private void Append(int argument)
        {
            var acks = (Acks)((argument % 3) - 1);
            var produce = new Produce(_produces.Count, acks);
            _produces.Add(produce);
            if (_leads && (acks != Acks.All || _isr.Length >= MinIsr)) _inFlight.Enqueue(produce);
            else produce.Refused = true;
            _core.OnAppend(new AppendInput(new RequestKey("produce", produce.Number, 0), acks, LeaderEpoch.None, 50, ProducerStamp.None), 0, _effects);
        }

        private void Persisted(int argument)
        {
            if (!_inFlight.TryDequeue(out var produce)) return;
            produce.Base = _end;
            _end += argument + 1;
            produce.Next = _end;
            if (!_leads && produce.Acks == Acks.All) produce.Refused = true;
            _core.OnPersisted(
                new BatchAppended(new Offset(produce.Base.Value), new Offset(_end - 1), new LeaderEpoch(Math.Max(_epoch, 0)), -1, 50), [], 0, _effects);
        }

        private void ModelHighWatermark()
        {
            if (!_leads || _isr.Length < MinIsr) return;
            var lowest = _isr.Select(id => id == 1 ? _end : _reported.GetValueOrDefault(id)).Min();
            _highWatermark = Math.Max(_highWatermark, lowest);
        }

        private void CheckEffects()
        {
            foreach (var effect in _effects)
            {
                if (effect.Kind == PartitionEffectKind.WakeFetch)
                {
                    Assert.True(_waits.Remove((int)effect.Key.Call, out var seen));
                    Assert.Equal(effect.Error == PartitionError.None, _leads && seen < _highWatermark);
                }
                else if (effect.Kind == PartitionEffectKind.ProduceReply)
                {
                    CheckReply(effect, _produces[(int)effect.Key.Call]);
                }
            }

            _effects.Clear();
        }

        private void CheckReply(PartitionEffect effect, Produce produce)
        {
            Assert.False(produce.Acked, "answered twice");
            Assert.Equal(produce.Refused, effect.Error != PartitionError.None);
            if (produce.Refused) return;
            Assert.Equal(produce.Base, effect.Offset.Value);
            Assert.True(produce.Acks != Acks.All || produce.Next <= _highWatermark, "acknowledged before it was committed");
            produce.Acked = true;
        }

        private void CheckState()
        {
            Assert.Equal(_highWatermark, _core.State.HighWatermark.Value);
            Assert.Equal(_end, _core.State.LogEnd.Value);
            Assert.Equal(_inFlight.Count, _core.InFlight);
            foreach (var produce in _produces)
            {
                if (produce.Refused || produce.Base is null) continue;
                Assert.Equal(produce.Acks != Acks.All || produce.Next <= _highWatermark, produce.Acked);
            }

            foreach (var (number, seen) in _waits)
                Assert.True(_leads && seen == _highWatermark, $"wait {number} was forgotten");
        }

        private static ImmutableArray<BrokerId> Ids(int[] ids) => [.. ids.Select(id => new BrokerId(id))];
    }
}

using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>
/// A producer against a model broker, by seed: records of random sizes, partitions and patience; answers late, refused
/// or lost; connections broken; leaders killed or moved while metadata lags behind; time passing. Checked after each step: buffer.memory and the request window hold. At the
/// end: each record has exactly one outcome (a second one fails in <see cref="TestDelivery"/>), what was acknowledged is
/// in the log at the offset acknowledged, and each partition's first occurrences are in the order given.
/// </summary>
public class ProducerCoreSimulation
{
    private const int Partitions = 3;

    [Fact]
    public void One_request_at_a_time_keeps_order_whatever_fails()
    {
        for (var seed = 1; seed <= 150; seed++)
            new Run(seed, inFlight: 1, refuseSingly: true).Go();
    }

    [Fact]
    public void Pipelining_keeps_order_when_connections_break_or_a_broker_refuses_for_a_while()
    {
        for (var seed = 1; seed <= 150; seed++)
            new Run(seed, inFlight: 5, refuseSingly: false).Go();
    }

    [Fact]
    public void Pipelining_keeps_order_when_leaders_are_killed_or_move()
    {
        for (var seed = 1; seed <= 150; seed++)
            new Run(seed, inFlight: 5, refuseSingly: false, leadersMove: true).Go();
    }

    private sealed class Run
    {
        private const int Memory = 2000;

        private readonly int _seed;
        private readonly Random _random;
        private readonly int _inFlight;
        private readonly bool _refuseSingly;
        private readonly ProducerRig _rig;
        private readonly List<TestDelivery> _offered = [];
        private readonly Dictionary<TopicPartition, List<int>> _logs = [];
        private readonly Queue<ProducerEffect.Send> _arriving = new();
        private readonly Queue<(ProducerEffect.Send Send, ProduceResponse Response)> _answers = new();
        private int _seen;
        private readonly bool _leadersMove;
        private bool _refusing;
        private BrokerId _leader = One;
        private int _epoch = 3;

        public Run(int seed, int inFlight, bool refuseSingly, bool leadersMove = false)
        {
            (_seed, _inFlight, _refuseSingly, _leadersMove) = (seed, inFlight, refuseSingly, leadersMove);
            _random = new Random(seed);
            var hocon = $"""
                actorbroker.producer.batch.size = 200
                actorbroker.producer.buffer.memory = {Memory}
                actorbroker.producer.max.in.flight.requests.per.connection = {inFlight}
                actorbroker.producer.delivery.timeout.ms = 40000
                actorbroker.producer.max.block.ms = {_random.Next(1, 20000)}
                actorbroker.producer.retries = {(_random.Next(3) == 0 ? 4 : int.MaxValue)}
                """;
            _rig = new ProducerRig(Producer(hocon), seed: seed);
            for (var p = 0; p < Partitions; p++)
                _logs.Add(new TopicPartition("t", p), []);
        }

        public void Go()
        {
            try
            {
                for (var step = 0; step < 400; step++)
                {
                    Step();
                    CheckBounds();
                }

                End();
                CheckEnd();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {_seed}: {e.Message}", e);
            }
        }

        private void Step()
        {
            switch (_random.Next(12))
            {
                case < 5:
                    for (var i = _random.Next(1, 6); i > 0; i--)
                        _offered.Add(_rig.Offer("t", _random.Next(-1, Partitions), _random.Next(4, 300), mayWait: _random.Next(3) > 0));
                    break;
                case 5:
                    _rig.Metadata(Now());
                    break;
                case 6 when _leadersMove && _random.Next(3) == 0:
                    Elect(killed: _random.Next(2) == 0);
                    break;
                case 6:
                    _rig.After(_random.Next(0, 400));
                    break;
                case 7 when _random.Next(4) == 0:
                    Break();
                    break;
                case 8 when _arriving.Count == 0 && _answers.Count == 0 && !_refuseSingly && _random.Next(3) == 0:
                    // Only when all refusals have been heard: what was pipelined is then refused as a whole.
                    _refusing = !_refusing;
                    break;
                case < 11:
                    Arrive();
                    break;
                default:
                    Answer();
                    break;
            }

            Collect();
        }

        private ClusterImage Now() => Image(_epoch, ("t", [.. Enumerable.Repeat(_leader, Partitions)]));

        /// <summary>The other broker leads from now on; what is on its way to the old one is lost, or still gets there and is refused.</summary>
        private void Elect(bool killed)
        {
            if (killed)
                Break();
            (_leader, _epoch) = (_leader == One ? Two : One, _epoch + 1);
            if (killed && _random.Next(2) == 0)
                _rig.Metadata(Now());
        }

        private void Collect()
        {
            for (; _seen < _rig.Sent.Count; _seen++)
                _arriving.Enqueue(_rig.Sent[_seen]);
        }

        private void Arrive()
        {
            if (!_arriving.TryDequeue(out var send))
                return;
            var results = new Dictionary<ProducerBatch, (ErrorCode, long)>();
            foreach (var batch in send.Batches)
            {
                var log = _logs[batch.Queue.Partition];
                if (_refusing || send.Broker != _leader || (_refuseSingly && _random.Next(4) == 0))
                {
                    results[batch] = (_random.Next(8) == 0 && _refuseSingly ? ErrorCode.InvalidRecord : ErrorCode.NotLeaderOrFollower, -1);
                    continue;
                }

                results[batch] = (ErrorCode.None, log.Count);
                // A batch given up while it was on its way has let go of its bytes here, not on the wire.
                log.AddRange(batch.Bytes.IsEmpty ? batch.Deliveries.ToArray().Select(d => ((TestDelivery)d).Id) : ProducerRig.IdsOf(batch.Bytes.Span));
            }

            _answers.Enqueue((send, ProducerRig.Response(send, batch => results[batch])));
        }

        private void Answer()
        {
            if (_answers.TryDequeue(out var answer))
                _rig.Do(() => _rig.Core.OnProduced(answer.Send.RequestId, answer.Response, _rig.Now));
        }

        /// <summary>What is on its way either way is lost: some of it after it was written.</summary>
        private void Break()
        {
            for (var i = _random.Next(3); i > 0; i--)
                Arrive();
            var lost = _answers.Select(answer => answer.Send).Concat(_arriving).ToArray();
            _answers.Clear();
            _arriving.Clear();
            foreach (var send in lost)
                _rig.Do(() => _rig.Core.OnRequestEnded(send.RequestId, RequestFailure.Disconnected, ErrorCode.None, "lost", _rig.Now));
        }

        private void End()
        {
            _refusing = false;
            _rig.Metadata(Now());
            for (var i = 0; i < 1000 && _offered.Exists(delivery => delivery.Outcome is null); i++)
            {
                _rig.After(100);
                Collect();
                Arrive();
                Answer();
            }
        }

        private void CheckBounds()
        {
            Assert.InRange(_rig.Core.BytesUsed, 0, Memory);
            Assert.InRange(_rig.Core.RequestsInFlight, 0, _leadersMove ? 2 * _inFlight : _inFlight);
        }

        private void CheckEnd()
        {
            Assert.All(_offered, delivery => Assert.NotNull(delivery.Outcome));
            Assert.Equal(0, _rig.Core.BytesUsed);
            foreach (var (partition, log) in _logs)
            {
                var firsts = log.Distinct().ToList();
                Assert.Equal(firsts.Order(), firsts);
                foreach (var delivery in _offered)
                {
                    if (delivery.Outcome!.StartsWith(partition + "@", StringComparison.Ordinal))
                        Assert.Equal(delivery.Id, log[int.Parse(delivery.Outcome[(delivery.Outcome.IndexOf('@') + 1)..])]);
                }
            }

            Assert.Contains(_offered, delivery => delivery.Failure is null);
        }
    }
}

using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Groups;

/// <summary>
/// Many members against a naive coordinator in simulated time: messages take random times and get lost, members come, hang,
/// crash, leave and come back, subscriptions and partition counts change, the coordinator fails over.
/// After every step: no two members have a partition in one generation, and with cooperative assignment never at all except by
/// whoever the group has given up on. In the end: every partition has one owner.
/// </summary>
internal sealed class MembershipSimulation
{
    private readonly Random _random;
    private readonly PriorityQueue<Action, (TimeSpan, int)> _events = new();
    private readonly Dictionary<string, int> _topics = new(StringComparer.Ordinal) { ["a"] = 5, ["b"] = 3 };
    private readonly AssignmentStrategy[] _strategies;
    private int _sequence;
    private int _tickets;
    private bool _isCalm;

    public MembershipSimulation(int seed, params AssignmentStrategy[] strategies)
    {
        _random = new Random(seed);
        _strategies = strategies;
        Coordinator = new NaiveCoordinator(Answer);
        Watch();
    }

    public TimeSpan Now { get; private set; } = Ms(1);

    public NaiveCoordinator Coordinator { get; }

    public List<SimulatedMember> Members { get; } = [];

    public Dictionary<string, int> Topics => _topics;

    private Dictionary<long, (SimulatedMember Member, long Id)> Routes { get; } = [];

    public ConsumerSettings Settings(string instance = "") => Consumer("""
        actorbroker.consumer { session.timeout.ms = 10000, heartbeat.interval.ms = 1000, max.poll.interval.ms = 20000 }
        """).WithGroup("g", instance).WithAssignment([.. _strategies]).Subscribe("a", "b");

    public SimulatedMember Start(string instance = "")
    {
        var member = new SimulatedMember(this, Settings(instance), _random.Next());
        Members.Add(member);
        return member;
    }

    public void At(TimeSpan delay, Action action) => _events.Enqueue(action, (Now + delay, _sequence++));

    /// <summary>A random one up to this.</summary>
    public TimeSpan Some(double milliseconds) => Ms(_random.NextDouble() * milliseconds);

    public bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    public void Send(SimulatedMember member, GroupEffect.Send send)
    {
        if (send.Request is FindCoordinatorRequest)
        {
            At(Some(50), () => member.Take(send.RequestId, new FindCoordinatorResponse { Coordinators = [new FindCoordinatorResponse.Coordinator { Key = "g", NodeId = 1 }] }));
            return;
        }

        if (!_isCalm && Chance(30))
        {
            // Lost on the way there.
            At(Some(2000), () => member.Fail(send.RequestId));
            return;
        }

        var ticket = ++_tickets;
        At(Some(50), () =>
        {
            Routes.Add(ticket, (member, send.RequestId));
            Coordinator.On(ticket, send.Request, Now);
        });
    }

    /// <summary>Until this time, checking after every step.</summary>
    public void Run(TimeSpan until)
    {
        for (var guard = 0; _events.TryPeek(out _, out var at) && at.Item1 <= until; guard++)
        {
            Assert.True(guard < 500_000, "the simulation does not come to rest");
            var action = _events.Dequeue();
            Now = at.Item1;
            action();
            Coordinator.Tick(Now);
            Check();
        }

        Now = until;
    }

    public void FailOver() => Coordinator.Fail(Now, ticket =>
    {
        if (Routes.Remove(ticket, out var route))
            At(Some(2000), () => route.Member.Fail(route.Id));
    });

    public void Calm() => _isCalm = true;

    public ClusterImage Image() => TestClusters.Image([.. _topics.Select(topic => (topic.Key, Enumerable.Repeat(One, topic.Value).ToArray()))]);

    /// <summary>Sessions end though nobody says anything.</summary>
    private void Watch() => At(Ms(100), Watch);

    private void Answer(long ticket, IResponse response)
    {
        if (!Routes.Remove(ticket, out var route))
            return;
        if (!_isCalm && Chance(30))
            At(Some(2000), () => route.Member.Fail(route.Id));
        else
            At(Some(50), () => route.Member.Take(route.Id, response));
    }

    private void Check()
    {
        var owners = new Dictionary<(TopicPartition, int), SimulatedMember>();
        foreach (var member in Members.Where(member => member.IsAlive && Coordinator.Members.Contains(member.Core.MemberId)))
        {
            foreach (var partition in member.Reading)
            {
                Assert.True(
                    owners.TryAdd((partition, member.AssignedIn[partition]), member),
                    $"at {Now}: {partition} is read by {member.Core.MemberId} and {owners[(partition, member.AssignedIn[partition])].Core.MemberId}");
            }
        }
    }
}

/// <summary>A member with its clock: takes its core's effects, drains for a while when told to revoke.</summary>
internal sealed class SimulatedMember
{
    private readonly MembershipSimulation _world;
    private readonly CoordinatorFinder _coordinator;
    private readonly List<GroupEffect> _effects = [];
    private TimeSpan _armed = TimeSpan.MaxValue;

    public SimulatedMember(MembershipSimulation world, ConsumerSettings settings, int seed)
    {
        _world = world;
        var (ids, random) = (new RequestIds(), new Random(seed));
        _coordinator = new CoordinatorFinder(settings, ids, random, _effects);
        Core = new MembershipCore(settings, _coordinator, ids, random, _effects);
        Do(core =>
        {
            core.OnMetadata(world.Image(), world.Now);
            core.Subscribe(settings.Topics, world.Now);
        });
    }

    public MembershipCore Core { get; }

    /// <summary>False: crashed or closed.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>What its application works on.</summary>
    public HashSet<TopicPartition> Reading { get; } = [];

    /// <summary>The generation that last confirmed each.</summary>
    public Dictionary<TopicPartition, int> AssignedIn { get; } = [];

    public List<string> Story { get; } = [];

    /// <summary>How long it takes to finish what is in hand.</summary>
    public TimeSpan Drain { get; set; } = Ms(30);

    public void Crash()
    {
        IsAlive = false;
        Reading.Clear();
    }

    public void Leave() => Do(core => core.Leave(_world.Now));

    public void Do(Action<MembershipCore> action)
    {
        if (!IsAlive)
            return;
        action(Core);
        Core.Advance(_world.Now);
        Perform();
        Arm();
    }

    public void Take(long id, IResponse response) => Do(core =>
    {
        if (response is FindCoordinatorResponse found)
            _coordinator.TryTake(id, found, _world.Now);
        else
            core.TryTake(id, response, _world.Now);
    });

    public void Fail(long id) => Do(core => core.TryTakeFailure(id, ErrorCode.None, "lost", _world.Now));

    private void Perform()
    {
        for (var i = 0; i < _effects.Count; i++)
        {
            switch (_effects[i])
            {
                case GroupEffect.Send send:
                    _world.Send(this, send);
                    break;
                case GroupEffect.WantTopics:
                    _world.At(_world.Some(100), () => Do(core => core.OnMetadata(_world.Image(), _world.Now)));
                    break;
                case GroupEffect.Assigned assigned:
                    Story.Add($"{Core.Generation}: +{assigned.Added.Count} ={assigned.All.Count}");
                    Reading.UnionWith(assigned.All);
                    foreach (var partition in assigned.All)
                        AssignedIn[partition] = Core.Generation;
                    break;
                case GroupEffect.Revoke revoke:
                    var generation = Core.Generation;
                    _world.At(Drain, () => Do(core =>
                    {
                        if (Core.Generation != generation)
                            return;
                        Story.Add($"{Core.Generation}: -{revoke.Partitions.Count}");
                        Reading.ExceptWith(revoke.Partitions);
                        core.OnRevoked(_world.Now);
                    }));
                    break;
                case GroupEffect.Lost lost:
                    Story.Add($"lost {lost.Partitions.Count}");
                    Reading.ExceptWith(lost.Partitions);
                    break;
                case GroupEffect.Left:
                    IsAlive = false;
                    Reading.Clear();
                    break;
                case GroupEffect.Failed failed:
                    Story.Add($"failed {failed.Error}");
                    break;
            }
        }

        _effects.Clear();
    }

    private void Arm()
    {
        var next = Core.NextWakeup < _coordinator.NextWakeup ? Core.NextWakeup : _coordinator.NextWakeup;
        if (next == TimeSpan.MaxValue || next >= _armed && _armed > _world.Now)
            return;
        _armed = next;
        _world.At(next > _world.Now ? next - _world.Now : Ms(1), () =>
        {
            _armed = TimeSpan.MaxValue;
            Do(_ => { });
        });
    }
}

using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Cluster;

/// <summary>
/// <c>/system/cluster</c>: the parent of all that makes this node a member. It lasts as long as the membership; what it is told it passes on.
/// </summary>
internal sealed class ClusterDaemon : UntypedActor, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    private readonly Cluster _cluster;
    private readonly CoordinatedShutdown _shutdown = CoordinatedShutdown.Get(Context.System);
    private readonly TaskCompletionSource<Done> _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IActorRef _core = ActorRefs.Nobody;

    public ClusterDaemon(Cluster cluster) => _cluster = cluster;

    protected override SupervisorStrategy SupervisorStrategy() => Actor.SupervisorStrategy.StoppingStrategy;

    protected override void PreStart()
    {
        Context.ActorOf(Props.Of(() => new HeartbeatReceiver(_cluster)).WithDispatcher(_cluster.Settings.UseDispatcher), "heartbeatReceiver");
        _core = Context.ActorOf(Props.Of(() => new ClusterCoreSupervisor(_cluster)).WithDispatcher(_cluster.Settings.UseDispatcher), "core");
        var self = Self;
        _shutdown.AddTask(CoordinatedShutdown.PhaseClusterLeave, "leave", () =>
        {
            if (_cluster.IsTerminated || _cluster.SelfMember.Status == MemberStatus.Down)
                return Task.FromResult(Done.Instance);
            var left = new TaskCompletionSource<Done>(TaskCreationOptions.RunContinuationsAsynchronously);
            self.Tell(new LeaveNow(left), ActorRefs.NoSender);
            return left.Task;
        });
        _shutdown.AddTask(CoordinatedShutdown.PhaseClusterShutdown, "wait-shutdown", () => _stopped.Task);
    }

    private sealed record LeaveNow(TaskCompletionSource<Done> Left) : INoSerializationVerificationNeeded;

    protected override void OnReceive(object message)
    {
        if (message is LeaveNow leave)
            Context.ActorOf(Props.Of(() => new CoordinatedLeave(_cluster, leave.Left)));
        else
            _core.Forward(message);
    }

    protected override void PostStop()
    {
        _cluster.OnDaemonStopped();
        _stopped.TrySetResult(Done.Instance);
        // A node that was downed has no more business; when it is leaving, the shutdown is running already.
        if (_cluster.Settings.RunCoordinatedShutdownWhenDown)
            _ = _shutdown.Run(CoordinatedShutdown.ClusterDowningReason.Instance);
    }
}

/// <summary><c>/system/cluster/core</c>. A core that fails has lost its state: this node's membership ends with it.</summary>
internal sealed class ClusterCoreSupervisor : UntypedActor, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    private readonly Cluster _cluster;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private IActorRef _publisher = ActorRefs.Nobody;
    private IActorRef _core = ActorRefs.Nobody;

    public ClusterCoreSupervisor(Cluster cluster) => _cluster = cluster;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        _log.Error(cause, "Cluster node [{0}] crashed, [{1}] - shutting down...", _cluster.SelfAddress, cause.Message);
        Self.Tell(PoisonPill.Instance);
        return Directive.Stop;
    });

    protected override void PreStart()
    {
        _publisher = Context.ActorOf(Props.Of(() => new ClusterDomainEventPublisher(_cluster)).WithDispatcher(_cluster.Settings.UseDispatcher), "publisher");
        var publisher = _publisher;
        _core = Context.ActorOf(Props.Of(() => new ClusterCoreDaemon(_cluster, publisher)).WithDispatcher(_cluster.Settings.UseDispatcher), "daemon");
    }

    protected override void OnReceive(object message)
    {
        var child = message is ClusterProtocol.Subscribe or ClusterProtocol.Unsubscribe or ClusterProtocol.SendCurrentState ? _publisher : _core;
        child.Forward(message);
    }

    protected override void PostStop() => _cluster.Shutdown();
}

/// <summary>Leaves, for the coordinated shutdown, and ends once the others know.</summary>
internal sealed class CoordinatedLeave : UntypedActor
{
    private readonly Cluster _cluster;
    private readonly TaskCompletionSource<Done> _left;

    public CoordinatedLeave(Cluster cluster, TaskCompletionSource<Done> left)
    {
        _cluster = cluster;
        _left = left;
    }

    protected override void PreStart()
        => _cluster.Subscribe(Self, typeof(ClusterEvent.MemberLeft), typeof(ClusterEvent.MemberExited), typeof(ClusterEvent.MemberDowned), typeof(ClusterEvent.MemberRemoved));

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.CurrentClusterState state:
                var self = state.Members.FirstOrDefault(m => m.UniqueAddress.Equals(_cluster.SelfUniqueAddress));
                if (self?.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up)
                    _cluster.Leave(_cluster.SelfAddress);
                else
                    Context.Stop(Self);
                break;
            case ClusterEvent.IMemberEvent change when change.Member.UniqueAddress.Equals(_cluster.SelfUniqueAddress):
                Context.Stop(Self);
                break;
        }
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        _left.TrySetResult(Done.Instance);
    }
}

/// <summary>Turns changes of this node's view into events, and keeps the view that <see cref="Cluster.State"/> shows.</summary>
internal sealed class ClusterDomainEventPublisher : UntypedActor, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    private readonly Cluster _cluster;
    private readonly EventStream _events = Context.System.EventStream;
    private readonly Dictionary<IActorRef, HashSet<Type>> _subscriptions = [];
    private MembershipState _state;

    public ClusterDomainEventPublisher(Cluster cluster)
    {
        _cluster = cluster;
        _state = new MembershipState(Gossip.Empty, cluster.SelfUniqueAddress);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterProtocol.Publish publish:
                Publish(publish.State);
                break;
            case ClusterProtocol.ShutdownWhenPublished:
                _cluster.Shutdown();
                break;
            case ClusterProtocol.SendCurrentState send:
                send.Receiver.Tell(EventDiff.Snapshot(_state));
                break;
            case ClusterProtocol.Subscribe subscribe:
                Subscribe(subscribe);
                break;
            case ClusterProtocol.Unsubscribe unsubscribe:
                Unsubscribe(unsubscribe);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Publish(MembershipState state)
    {
        var events = EventDiff.Between(_state, state);
        _state = state;
        _cluster.SetView(state);
        foreach (var e in events)
            _events.Publish(e);
    }

    private void Subscribe(ClusterProtocol.Subscribe subscribe)
    {
        if (subscribe.Mode == ClusterEvent.InitialStateAsSnapshot)
            subscribe.Subscriber.Tell(EventDiff.Snapshot(_state));
        else
            foreach (var e in EventDiff.Between(new MembershipState(Gossip.Empty, _state.Self), _state))
                if (subscribe.To.Any(type => type.IsInstanceOfType(e)))
                    subscribe.Subscriber.Tell(e);
        if (!_subscriptions.TryGetValue(subscribe.Subscriber, out var types))
            _subscriptions.Add(subscribe.Subscriber, types = []);
        foreach (var type in subscribe.To)
            if (types.Add(type))
                _events.Subscribe(subscribe.Subscriber, type);
    }

    private void Unsubscribe(ClusterProtocol.Unsubscribe unsubscribe)
    {
        if (!_subscriptions.TryGetValue(unsubscribe.Subscriber, out var types))
            return;
        foreach (var type in unsubscribe.To is { } one ? (Type[])[one] : [.. types])
            if (types.Remove(type))
                _events.Unsubscribe(unsubscribe.Subscriber, type);
        if (types.Count == 0)
            _subscriptions.Remove(unsubscribe.Subscriber);
    }

    protected override void PostStop()
    {
        _events.Publish(ClusterEvent.ClusterShuttingDown.Instance);
        Publish(new MembershipState(Gossip.Empty, _state.Self));
        foreach (var (subscriber, types) in _subscriptions)
            foreach (var type in types)
                _events.Unsubscribe(subscriber, type);
    }
}

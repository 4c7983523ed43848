using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Cluster;

/// <summary><c>/system/cluster/heartbeatReceiver</c>: answers.</summary>
internal sealed class HeartbeatReceiver : UntypedActor, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    private readonly Cluster _cluster;

    public HeartbeatReceiver(Cluster cluster) => _cluster = cluster;

    protected override void OnReceive(object message)
    {
        if (message is ClusterProtocol.Heartbeat heartbeat)
            Sender.Tell(new ClusterProtocol.HeartbeatRsp(_cluster.SelfUniqueAddress, heartbeat.SequenceNr));
        else
            Unhandled(message);
    }
}

/// <summary>
/// Asks the neighbours on the ring whether they live, and tells the failure detector of their answers. A neighbour that was unreachable when it
/// ceased to be one is asked on until it answers: nobody else may know that it is back.
/// </summary>
internal sealed class HeartbeatSender : UntypedActor, IWithTimers, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record ExpectFirst(UniqueAddress From);

    private readonly Cluster _cluster;
    private readonly IActorRefProvider _provider = ((ExtendedActorSystem)Context.System).Provider;
    private readonly HashSet<UniqueAddress> _formerUnreachable = [];
    private HeartbeatRing _ring;
    private long _sequence;

    public HeartbeatSender(Cluster cluster)
    {
        _cluster = cluster;
        _ring = HeartbeatRing.Of(cluster.SelfUniqueAddress, cluster.Settings.MonitoredByNrOfMembers);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var settings = _cluster.Settings;
        var interval = settings.HeartbeatInterval;
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, settings.PeriodicTasksInitialDelay > interval ? settings.PeriodicTasksInitialDelay : interval, interval);
        _cluster.Subscribe(Self, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent));
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        foreach (var node in _ring.Receivers)
            _cluster.FailureDetector.Remove(node.Address);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick:
                SendHeartbeats();
                break;
            case ClusterProtocol.HeartbeatRsp response:
                OnResponse(response.From);
                break;
            case ExpectFirst expected:
                // It never answered: as if it had once, so that its silence counts.
                if (IsReceiver(expected.From) && !_cluster.FailureDetector.IsMonitoring(expected.From.Address))
                    _cluster.FailureDetector.Heartbeat(expected.From.Address);
                break;
            case ClusterEvent.MemberRemoved removed:
                if (removed.Member.UniqueAddress.Equals(_cluster.SelfUniqueAddress))
                    break;
                _formerUnreachable.Remove(removed.Member.UniqueAddress);
                _cluster.FailureDetector.Remove(removed.Member.Address);
                Move(_ring.Without(removed.Member.UniqueAddress));
                break;
            case ClusterEvent.IMemberEvent change:
                Move(_ring.With(change.Member.UniqueAddress));
                break;
            case ClusterEvent.UnreachableMember unreachable:
                Move(_ring.WithUnreachable(unreachable.Member.UniqueAddress));
                break;
            case ClusterEvent.ReachableMember reachable:
                Move(_ring.WithReachable(reachable.Member.UniqueAddress));
                break;
            case ClusterEvent.CurrentClusterState state:
                foreach (var m in state.Members)
                    _ring = _ring.With(m.UniqueAddress);
                foreach (var m in state.Unreachable)
                    _ring = _ring.WithUnreachable(m.UniqueAddress);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private bool IsReceiver(UniqueAddress node) => _ring.Receivers.Contains(node) || _formerUnreachable.Contains(node);

    private void Move(HeartbeatRing ring)
    {
        foreach (var node in _ring.Receivers.Except(ring.Receivers))
        {
            if (!ring.Contains(node))
                continue;
            if (_cluster.FailureDetector.IsAvailable(node.Address))
                _cluster.FailureDetector.Remove(node.Address);
            else
                _formerUnreachable.Add(node);
        }

        _formerUnreachable.ExceptWith(ring.Receivers);
        _ring = ring;
    }

    private void OnResponse(UniqueAddress from)
    {
        if (!IsReceiver(from))
            return;
        _cluster.FailureDetector.Heartbeat(from.Address);
        // It lives, and is somebody else's to watch.
        if (_formerUnreachable.Remove(from))
            _cluster.FailureDetector.Remove(from.Address);
    }

    private void SendHeartbeats()
    {
        var heartbeat = new ClusterProtocol.Heartbeat(_cluster.SelfAddress, ++_sequence);
        foreach (var node in _ring.Receivers)
            Send(node, heartbeat);
        foreach (var node in _formerUnreachable)
            Send(node, heartbeat);
    }

    private void Send(UniqueAddress node, ClusterProtocol.Heartbeat heartbeat)
    {
        if (!_cluster.FailureDetector.IsMonitoring(node.Address))
            Context.System.Scheduler.ScheduleTellOnce(_cluster.Settings.HeartbeatExpectedResponseAfter, Self, new ExpectFirst(node), Self);
        _provider.ResolveActorRef(new RootActorPath(node.Address) / (string[])["system", "cluster", "heartbeatReceiver"]).Tell(heartbeat, Self);
    }
}

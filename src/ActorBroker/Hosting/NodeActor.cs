using System.Collections.Immutable;
using ActorBroker.Api;
using ActorBroker.Control;
using ActorBroker.Metadata;
using ActorBroker.Replication;
using Akka;
using Akka.Actor;
using Akka.Event;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Hosting;

/// <summary>
/// Brings one node up and down: replicas, controller, registration, and once the node serves what the metadata says,
/// the endpoint for clients. Down in the opposite order, and only then the data folder is closed as clean.
/// </summary>
internal sealed class NodeActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(500);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly BrokerNode _node;
    private readonly TaskCompletionSource<BrokerInfo> _ready;
    private readonly RegisterBroker _registration;
    private readonly IActorRef _replicas;
    private readonly IActorRef _controller;
    private IActorRef? _endpoint;
    private readonly MetadataFollower _metadata = new();
    private long? _epoch;
    private long _reconciled = -1;
    private IActorRef? _stopper;

    public NodeActor(BrokerNode node, TaskCompletionSource<BrokerInfo> ready)
    {
        _node = node;
        _ready = ready;
        _controller = Context.ActorOf(node.Controller(), "controller");
        _replicas = Context.ActorOf(node.ReplicaManager(_controller), "replicas");
        _registration = node.Registration();
        Context.Watch(_replicas);
        Context.Watch(_controller);

        Receive<BrokerAccepted>(OnAccepted);
        Receive<BrokerRefused>(OnRefused);
        Receive<BrokerUnknown>(_ => OnUnknown());
        Receive<HeartbeatAnswered>(OnHeartbeatAnswered);
        Receive<ControllerUnavailable>(_ => OnUnavailable());
        Receive<Register>(_ => _controller.Tell(_registration));
        Receive<Heartbeat>(_ => OnHeartbeat());
        Receive<MetadataDelta>(delta => OnMetadata(_metadata.On(delta)));
        Receive<MetadataSnapshot>(snapshot => OnMetadata(_metadata.On(snapshot)));
        Receive<ReplicasReconciled>(OnReconciled);
        Receive<ReplicaManagerProtocol.ShutdownCompleted>(OnShutdownCompleted);
        Receive<Stop>(_ => OnStop());
        Receive<Terminated>(terminated => OnChildStopped(terminated.ActorRef));
    }

    /// <summary>Answered with <see cref="Done"/> once everything is flushed and the data folder is closed.</summary>
    public sealed class Stop
    {
        public static readonly Stop Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(BrokerNode node, TaskCompletionSource<BrokerInfo> ready) =>
        Akka.Actor.Props.Create(() => new NodeActor(node, ready));

    protected override void PreStart() => Self.Tell(Register.Instance);

    /// <summary>Its children answer for themselves: the controller is re-created by its supervisor, partitions by the replica manager.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        _log.Error(cause, "A part of the broker failed; the node stops");
        return Directive.Stop;
    });

    private void OnAccepted(BrokerAccepted accepted)
    {
        _log.Info("Broker {0} registered in cluster {1} under epoch {2}", _node.Options.NodeId, accepted.ClusterId, accepted.BrokerEpoch);
        _replicas.Tell(new ReplicaManagerProtocol.Registered(accepted.BrokerEpoch));
        _epoch = accepted.BrokerEpoch;
        Timers.StartPeriodicTimer(Heartbeat.Instance, Heartbeat.Instance, TimeSpan.Zero, _node.Options.HeartbeatInterval);
    }

    private void OnUnknown()
    {
        _epoch = null;
        Timers.Cancel(Heartbeat.Instance);
        Self.Tell(Register.Instance);
    }

    /// <summary>A heartbeat is sent again anyway.</summary>
    private void OnUnavailable()
    {
        if (_epoch is null) Timers.StartSingleTimer(Register.Instance, Register.Instance, RetryPause);
    }

    private void OnHeartbeat()
    {
        if (_epoch is { } epoch) _controller.Tell(new BrokerHeartbeat(_node.Options.NodeId, epoch, _reconciled, WantsShutdown: false));
    }

    private void OnHeartbeatAnswered(HeartbeatAnswered answered) => OnMetadata(_metadata.OnVersion(answered.MetadataVersion));

    /// <summary>The node's one publisher: its cache, then those who act on it.</summary>
    private void OnMetadata(FollowResult result)
    {
        if (result == FollowResult.Gap && _epoch is { } epoch)
            _controller.Tell(new MetadataRequest(_node.Options.NodeId, epoch, _metadata.Image.Version));
        if (result == FollowResult.Advanced && _node.Cache.TryPublish(_metadata.Image))
            _replicas.Tell(new MetadataChanged(_metadata.Image));
    }

    private void OnReconciled(ReplicasReconciled done)
    {
        _reconciled = done.Version;
        if (_epoch is not { } epoch) return;
        if (IsActive(epoch)) _controller.Tell(new ReconcileCompleted(_node.Options.NodeId, epoch, done.Version));
        else OnHeartbeat(); // the controller activates this broker once it has heard of it
        TryServe();
    }

    private void OnRefused(BrokerRefused refused)
    {
        _log.Error("The cluster refused this node: {0}", refused.Reason);
        _ready.TrySetException(new BrokerStartException(refused.Reason));
    }

    private void TryServe()
    {
        if (_endpoint is not null || _stopper is not null || _epoch is not { } epoch || !IsActive(epoch) || _reconciled < _metadata.Image.Version) return;
        _endpoint = _node.StartEndpoint(_controller);
        _ready.TrySetResult(_node.Info());
    }

    /// <summary>As the metadata says that is served here.</summary>
    private bool IsActive(long epoch) =>
        _metadata.Image.Brokers.TryGetValue(_node.Options.NodeId, out var self) && self.Epoch == epoch && !self.Fenced;

    private void OnStop()
    {
        _stopper = Sender;
        if (_endpoint is not null) Context.Stop(_endpoint);
        Context.Stop(_controller);
    }

    private void OnChildStopped(IActorRef child)
    {
        if (_stopper is null)
        {
            // Nothing here can go on without it, and a node that looks alive but serves nothing is worse than one that is gone.
            _ready.TrySetException(new BrokerStartException("A part of the broker failed; the log says why."));
            _ = CoordinatedShutdown.Get(Context.System).Run(CoordinatedShutdown.ClrExitReason.Instance);
            return;
        }

        if (child.Equals(_controller)) _replicas.Tell(ReplicaManagerProtocol.Shutdown.Instance);
    }

    private void OnShutdownCompleted(ReplicaManagerProtocol.ShutdownCompleted completed)
    {
        if (!completed.IsClean) _log.Warning("The data folder was not closed cleanly: its logs will be checked at the next start");
        _stopper?.Tell(Done.Instance);
    }

    private sealed class Heartbeat
    {
        public static readonly Heartbeat Instance = new();
    }

    private sealed class Register
    {
        public static readonly Register Instance = new();
    }
}

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
    private long? _servingFrom;
    private long _reconciled = -1;
    private IActorRef? _stopper;

    public NodeActor(BrokerNode node, TaskCompletionSource<BrokerInfo> ready)
    {
        _node = node;
        _ready = ready;
        _controller = Context.ActorOf(node.Controller(Self), "controller");
        _replicas = Context.ActorOf(node.ReplicaManager(_controller), "replicas");
        _registration = node.Registration();
        Context.Watch(_replicas);
        Context.Watch(_controller);

        Receive<BrokerAccepted>(OnAccepted);
        Receive<BrokerRefused>(OnRefused);
        Receive<ControllerUnavailable>(_ => Timers.StartSingleTimer(Register.Instance, Register.Instance, RetryPause));
        Receive<Register>(_ => _controller.Tell(_registration));
        Receive<MetadataChanged>(OnMetadata);
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
        _servingFrom = _node.Cache.Current.Version; // the controller sent that image before it accepted
        TryServe();
    }

    /// <summary>The node's one publisher: its cache, then those who act on it.</summary>
    private void OnMetadata(MetadataChanged changed)
    {
        if (_node.Cache.TryPublish(changed.Image)) _replicas.Tell(changed);
    }

    private void OnReconciled(ReplicasReconciled done)
    {
        _reconciled = done.Version;
        _controller.Tell(done);
        TryServe();
    }

    private void OnRefused(BrokerRefused refused)
    {
        _log.Error("The cluster refused this node: {0}", refused.Reason);
        _ready.TrySetException(new BrokerStartException(refused.Reason));
    }

    private void TryServe()
    {
        if (_endpoint is not null || _stopper is not null || _servingFrom is not { } from || _reconciled < from) return;
        _endpoint = _node.StartEndpoint(_controller);
        _ready.TrySetResult(_node.Info());
    }

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

    private sealed class Register
    {
        public static readonly Register Instance = new();
    }
}

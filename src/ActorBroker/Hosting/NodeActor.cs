using ActorBroker.Control;
using ActorBroker.Forming;
using ActorBroker.Metadata;
using ActorBroker.Replication;
using Akka;
using Akka.Actor;
using Akka.Event;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Downing.DowningProtocol;

namespace ActorBroker.Hosting;

/// <summary>
/// Brings one node up and down: into its cluster, registered with the controller, and once the node serves what the metadata
/// says, the endpoint for clients. It performs what <see cref="NodeLifecycleCore"/> decides, and is the one publisher of
/// this node's metadata. Down in the opposite order, and only when the node has left its cluster the data folder is closed.
/// </summary>
internal sealed class NodeActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(50);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly BrokerNode _node;
    private readonly TaskCompletionSource<BrokerInfo> _ready;
    private readonly NodeLifecycleCore _core;
    private readonly MetadataFollower _metadata = new();
    private readonly RegisterBroker _registration;
    private readonly IActorRef _replicas;
    private readonly IActorRef _groups;
    private readonly ControllerRefs _controller;
    private readonly Suspects _suspects = new();
    private readonly long _started;
    private IActorRef? _localController;
    private readonly HashSet<IActorRef> _endpoints = [];
    private IActorRef? _stopper;
    private IActorRef? _closer;
    private bool _controllerIsGone;

    public NodeActor(BrokerNode node, TaskCompletionSource<BrokerInfo> ready)
    {
        _node = node;
        _ready = ready;
        _started = node.Time.GetTimestamp();
        _core = new NodeLifecycleCore(node.Options.Lifecycle);
        Context.System.EventStream.Subscribe(Self, typeof(FailureEvidence));
        Context.System.EventStream.Subscribe(Self, typeof(ControllerSupervisor.RunsHere));
        _controller = node.StartController();
        _replicas = Context.ActorOf(node.ReplicaManager(_controller.Hasty), "replicas");
        _groups = Context.ActorOf(node.GroupCoordinators(), "groups");
        _registration = node.Registration();
        Context.Watch(_replicas);
        Context.Watch(_groups);
        Context.Watch(_controller.Host);

        Receive<Tick>(_ => OnTick());
        Receive<FormationProtocol.Joined>(_ => _core.OnJoined(Now));
        Receive<FormationProtocol.Refused>(refused => OnRefused(refused.Reason));
        Receive<BrokerAccepted>(OnAccepted);
        Receive<BrokerRefused>(refused => OnRefused(refused.Reason));
        Receive<BrokerUnknown>(_ => _core.OnUnknown(Now));
        Receive<HeartbeatAnswered>(OnHeartbeatAnswered);
        Receive<ControllerUnavailable>(_ => { }); // Whatever it was is sent again anyway.
        Receive<MetadataDelta>(delta => OnMetadata(_metadata.On(delta)));
        Receive<MetadataSnapshot>(snapshot => OnMetadata(_metadata.On(snapshot)));
        Receive<ReplicasReconciled>(done => _core.OnReconciled(done.Version, Now));
        Receive<FailureEvidence>(OnEvidence);
        Receive<ControllerSupervisor.RunsHere>(here => _localController = here.Controller);
        Receive<ReplicaManagerProtocol.ShutdownCompleted>(OnShutdownCompleted);
        Receive<Stop>(_ => OnStop());
        Receive<Close>(_ => OnClose());
        Receive<Terminated>(terminated => OnTerminated(terminated.ActorRef));
    }

    /// <summary>Answered with <see cref="Done"/> once no client is served any more.</summary>
    public sealed class Stop
    {
        public static readonly Stop Instance = new();
    }

    /// <summary>After <see cref="Stop"/>, and after this node has left the cluster. Answered with <see cref="Done"/> once everything is flushed and the data folder is closed.</summary>
    public sealed class Close
    {
        public static readonly Close Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => _node.Time.GetElapsedTime(_started);

    public static Props Props(BrokerNode node, TaskCompletionSource<BrokerInfo> ready) =>
        Akka.Actor.Props.Create(() => new NodeActor(node, ready));

    protected override bool AroundReceive(Receive receive, object message)
    {
        var handled = base.AroundReceive(receive, message);
        Perform();
        return handled;
    }

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, TickInterval);
        _node.StartForming(Self);
    }

    /// <summary>Its children answer for themselves: partitions are re-created by the replica manager.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        _log.Error(cause, "A part of the broker failed; the node stops");
        return Directive.Stop;
    });

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        // However it ended: the next system in this process needs the ports.
        _node.StopListening();
    }

    private void OnTick()
    {
        _core.OnTick(Now);
        TellSuspects();
    }

    private void OnEvidence(FailureEvidence evidence)
    {
        var broker = _metadata.Image.Brokers.Values.FirstOrDefault(broker => _node.RunsAt(broker, evidence.Node));
        if (broker is not { Fenced: false }) return;
        _suspects.Add(new SuspectBroker(broker.Id, broker.Epoch, evidence.Evidence), Now);
        TellSuspects();
    }

    /// <summary>Again and again while this node runs the controller, which may have begun only after the death of its predecessor.</summary>
    private void TellSuspects()
    {
        if (_localController is null) return;
        foreach (var suspect in _suspects.Due(_metadata.Image, Now)) _localController.Tell(suspect);
    }

    private void OnAccepted(BrokerAccepted accepted)
    {
        _node.Adopt(accepted.ClusterId);
        if (_core.Epoch is null)
            _log.Info("Broker {0} registered in cluster {1} under epoch {2}", _node.Options.NodeId, accepted.ClusterId, accepted.BrokerEpoch);
        _core.OnAccepted(accepted.BrokerEpoch, Now);
    }

    private void OnRefused(string reason)
    {
        _log.Error("The cluster refused this node: {0}", reason);
        Fail(reason);
    }

    private void OnHeartbeatAnswered(HeartbeatAnswered answered)
    {
        OnMetadata(_metadata.OnVersion(answered.MetadataVersion));
        _core.OnHeartbeatAnswered(answered.BrokerEpoch, answered.MetadataVersion, answered.MayShutDown, Now);
    }

    /// <summary>The node's one publisher: its cache, then those who act on it.</summary>
    private void OnMetadata(FollowResult result)
    {
        if (result == FollowResult.Gap && _core.Epoch is { } epoch)
            _controller.Hasty.Tell(new MetadataRequest(_node.Options.NodeId, epoch, _metadata.Image.Version));
        if (result != FollowResult.Advanced || !_node.Cache.TryPublish(_metadata.Image)) return;
        var image = _metadata.Image;
        _node.Remember(image);
        _replicas.Tell(new MetadataChanged(image));
        _groups.Tell(new MetadataChanged(image));
        var id = _node.Options.NodeId;
        _core.OnMetadata(
            image.Version,
            own => image.Brokers.TryGetValue(id, out var self) && self.Epoch == own && !self.Fenced,
            image.Brokers.Values.Any(broker => broker.Id != id && broker.IsActive),
            Now);
    }

    private void Perform()
    {
        foreach (var effect in _core.Effects)
        {
            switch (effect)
            {
                case NodeEffect.Register:
                    _controller.Patient.Tell(_registration);
                    break;
                case NodeEffect.Heartbeat heartbeat:
                    _controller.Hasty.Tell(new BrokerHeartbeat(_node.Options.NodeId, heartbeat.Epoch, heartbeat.Reconciled, heartbeat.WantsShutdown));
                    break;
                case NodeEffect.TellReconciled told:
                    _controller.Hasty.Tell(new ReconcileCompleted(_node.Options.NodeId, told.Epoch, told.Version));
                    break;
                case NodeEffect.Registered registered:
                    _replicas.Tell(new ReplicaManagerProtocol.Registered(registered.Epoch));
                    break;
                case NodeEffect.SelfFence fence:
                    OnSelfFence(fence.IsFenced);
                    break;
                case NodeEffect.Serve:
                    foreach (var endpoint in _node.StartEndpoints(_controller.Patient)) _endpoints.Add(Context.Watch(endpoint));
                    _ready.TrySetResult(_node.Info());
                    break;
                case NodeEffect.MayStop:
                    StopEndpoints();
                    break;
            }
        }

        _core.Effects.Clear();
    }

    private void OnSelfFence(bool isFenced)
    {
        if (isFenced) _log.Warning("Nothing was heard from the controller for {0} ms: this broker serves nothing until it is", (long)_node.Options.Lifecycle.Session.TotalMilliseconds);
        else _log.Info("The controller is heard again: this broker serves what it leads");
        _replicas.Tell(new ReplicaManagerProtocol.SelfFenced(isFenced));
        _node.OnController(isHeard: !isFenced);
    }

    private void OnStop()
    {
        _stopper = Sender;
        _core.OnStop(_node.IsMember, Now);
    }

    private void StopEndpoints()
    {
        if (_endpoints.Count == 0) _stopper?.Tell(Done.Instance);
        foreach (var endpoint in _endpoints) Context.Stop(endpoint);
    }

    private void OnClose()
    {
        _closer = Sender;
        if (_controllerIsGone) CloseReplicas();
        else Context.System.Stop(_controller.Host);
    }

    private void OnTerminated(IActorRef gone)
    {
        if (_stopper is null && (!gone.Equals(_controller.Host) || _node.IsMember))
        {
            // A node that was downed is stopped by its cluster; but here nothing can go on.
            Fail(NodeGuard.PartFailed);
            return;
        }

        if (_endpoints.Remove(gone) && _endpoints.Count == 0) _stopper?.Tell(Done.Instance);
        if (!gone.Equals(_controller.Host)) return;
        _controllerIsGone = true;
        if (_closer is not null) CloseReplicas();
    }

    private void CloseReplicas()
    {
        _node.StopReplication();
        _replicas.Tell(ReplicaManagerProtocol.Shutdown.Instance);
    }

    private void OnShutdownCompleted(ReplicaManagerProtocol.ShutdownCompleted completed)
    {
        if (!completed.IsClean) _log.Warning("The data folder was not closed cleanly: its logs will be checked at the next start");
        _closer?.Tell(Done.Instance);
    }

    private void Fail(string reason)
    {
        _ready.TrySetException(new BrokerStartException(reason));
        _ = CoordinatedShutdown.Get(Context.System).Run(CoordinatedShutdown.ClrExitReason.Instance);
    }

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}

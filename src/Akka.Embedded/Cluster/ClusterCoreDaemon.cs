using System.Collections.Immutable;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using Akka.Remote;

namespace Akka.Cluster;

/// <summary>
/// <c>/system/cluster/core/daemon</c>: holds this node's view, joins, gossips, and does the leader's work. What a change of membership is
/// stands in <see cref="MembershipRules"/>; this sends, times and publishes.
/// <code>
/// Uninitialized --JoinTo--> TryingToJoin --Welcome--> Initialized
///               --JoinTo self-----------------------> Initialized
/// </code>
/// </summary>
internal sealed partial class ClusterCoreDaemon : UntypedActor, IWithTimers, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    private enum Phase
    {
        Uninitialized,
        TryingToJoin,
        Initialized,
    }

    private enum Tick
    {
        Gossip,
        SpeedUpGossip,
        Reap,
        Lead,
        RetryJoin,
        GiveUpJoining,
        EndFarewell,
    }

    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(1);

    /// <summary>Gossips sent at once by a node that is about to go.</summary>
    private const int FarewellGossips = 5;

    /// <summary>Leader turns that a downed node waits for the others to know.</summary>
    private const int TurnsBeforeStop = 4;

    private readonly Cluster _cluster;
    private readonly ClusterSettings _settings;
    private readonly IActorRef _publisher;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRefProvider _provider = ((ExtendedActorSystem)Context.System).Provider;
    private readonly CoordinatedShutdown _shutdown = CoordinatedShutdown.Get(Context.System);
    private readonly TaskCompletionSource<Done> _exiting = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // By the system's uid, which a simulation gives: the same run has the same gossip.
    private readonly Random _random;
    private MembershipState _state;
    private Phase _phase;
    private bool _exitingInProgress;
    private bool _exitingDone;

    public ClusterCoreDaemon(Cluster cluster, IActorRef publisher)
    {
        _cluster = cluster;
        _settings = cluster.Settings;
        _publisher = publisher;
        _seedNodes = _settings.SeedNodes;
        _random = new Random(cluster.SelfUniqueAddress.Uid);
        _state = new MembershipState(Gossip.Empty, Me);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private UniqueAddress Me => _cluster.SelfUniqueAddress;

    private TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private Gossip Current => _state.Gossip;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(QuarantinedEvent));
        AddShutdownTasks();
        Context.ActorOf(Props.Of(() => new HeartbeatSender(_cluster)).WithDispatcher(_settings.UseDispatcher), "heartbeatSender");
        if (_cluster.DowningProvider.DowningActorProps is { } downing)
            Context.ActorOf(downing, "downingProvider");
        StartTicking(Tick.Gossip, _settings.GossipInterval);
        StartTicking(Tick.Lead, _settings.LeaderActionsInterval);
        StartTicking(Tick.Reap, _settings.UnreachableNodesReaperInterval);
        if (_seedNodes.IsEmpty)
            _cluster.Log("No seed nodes found in configuration, relying on Cluster.Join to join");
        else
            Self.Tell(new ClusterProtocol.JoinSeedNodes(_seedNodes));
    }

    private void StartTicking(Tick tick, TimeSpan interval)
        => Timers.StartPeriodicTimer(tick, tick, _settings.PeriodicTasksInitialDelay > interval ? _settings.PeriodicTasksInitialDelay : interval, interval);

    private void AddShutdownTasks()
    {
        var self = Self;
        _shutdown.AddTask(CoordinatedShutdown.PhaseClusterExiting, "wait-exiting", () => _cluster.State.Members.IsEmpty || _cluster.IsTerminated
            ? Task.FromResult(Done.Instance)
            : _exiting.Task);
        _shutdown.AddTask(CoordinatedShutdown.PhaseClusterExitingDone, "exiting-completed", () =>
            _cluster.IsTerminated || _cluster.SelfMember.Status == MemberStatus.Down
                ? Task.FromResult(Done.Instance)
                : self.Ask<Done>(ClusterProtocol.ExitingCompleted.Instance, _shutdown.Timeout(CoordinatedShutdown.PhaseClusterExitingDone)));
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        _exiting.TrySetResult(Done.Instance);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterProtocol.ExitingCompleted:
                OnExitingCompleted();
                break;
            case ClusterProtocol.Foreign foreign:
                Refuse(foreign, Sender);
                break;
            case Tick tick:
                OnTick(tick);
                break;
            case ClusterProtocol.GossipEnvelope or ClusterProtocol.GossipStatus or ClusterProtocol.ExitingConfirmed or ClusterProtocol.Leave
                or ClusterProtocol.Down or QuarantinedEvent when _phase != Phase.Initialized:
                // From a member to an earlier incarnation of this node, or of no concern to one that is in no cluster.
                break;
            default:
                OnMessage(message);
                break;
        }
    }

    private void OnMessage(object message)
    {
        switch (message)
        {
            case ClusterProtocol.InitJoin:
                OnInitJoin();
                break;
            case ClusterProtocol.InitJoinAck or ClusterProtocol.InitJoinNack:
                // Late answers: whoever asked has decided by now.
                break;
            case ClusterProtocol.JoinSeedNodes join:
                OnJoinSeedNodes(join.Nodes);
                break;
            case ClusterProtocol.JoinTo to:
                OnJoinTo(to.Address);
                break;
            case ClusterProtocol.Join join:
                OnJoin(join.Node, join.Roles);
                break;
            case ClusterProtocol.Welcome welcome:
                OnWelcome(welcome);
                break;
            case ClusterProtocol.GossipEnvelope envelope:
                OnGossip(envelope);
                break;
            case ClusterProtocol.GossipStatus status:
                OnGossipStatus(status);
                break;
            case ClusterProtocol.ExitingConfirmed confirmed:
                OnExitingConfirmed(confirmed.Node);
                break;
            case ClusterProtocol.Leave leave:
                OnLeave(leave.Address);
                break;
            case ClusterProtocol.Down down:
                OnDown(down.Address);
                break;
            case QuarantinedEvent quarantined:
                OnQuarantined(new UniqueAddress(quarantined.Address, quarantined.Uid));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OnTick(Tick tick)
    {
        switch (tick)
        {
            case Tick.RetryJoin:
                RetryJoin();
                break;
            case Tick.GiveUpJoining:
                GiveUpJoining();
                break;
            case Tick.EndFarewell:
                EndFarewell();
                break;
            case var _ when _phase != Phase.Initialized:
                break;
            case Tick.Gossip:
                SendGossip();
                if (IsSpeedUpNeeded)
                    Timers.StartSingleTimer(Tick.SpeedUpGossip, Tick.SpeedUpGossip, _settings.GossipInterval / 3);
                break;
            case Tick.SpeedUpGossip:
                SendGossip();
                break;
            case Tick.Reap:
                ReapUnreachable();
                break;
            case Tick.Lead:
                LeaderTurn();
                break;
        }
    }

    /// <summary>A change made here.</summary>
    private void Change(Gossip gossip)
    {
        _state = _state.Changed(gossip, hold: _exitingInProgress);
        PublishState();
    }

    private void PublishState()
    {
        if (Current.Members.Any(m => m.Status == MemberStatus.Removed))
            throw new InvalidOperationException($"A gossip must not hold removed members: {Current}");
        _publisher.Tell(new ClusterProtocol.Publish(_state));
    }

    private IActorRef CoreAt(Address address) => _provider.ResolveActorRef(new RootActorPath(address) / (string[])["system", "cluster", "core", "daemon"]);

    private void Refuse(ClusterProtocol.Foreign foreign, IActorRef sender)
    {
        _log.Error(
            "Cluster Node [{0}] - Refused [{1}] from [{2}]: it runs official Akka.NET, and this node the embedded engine. Clusters of both can't form: run all nodes of a cluster on the same engine.",
            _cluster.SelfAddress, foreign.Manifest, sender.Path.Address);
        if (foreign.Manifest == Serialization.ClusterMessageSerializer.InitJoinManifest)
            sender.Tell(new ClusterProtocol.InitJoinNack(_cluster.SelfAddress));
    }
}

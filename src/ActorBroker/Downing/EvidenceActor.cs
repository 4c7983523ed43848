using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using static ActorBroker.Downing.DowningProtocol;

namespace ActorBroker.Downing;

/// <summary>
/// The downing provider's actor: parent of the split brain resolver, and performs what <see cref="EvidenceCore"/> decides. On
/// every member it has the same path, by which they tell each other.
/// </summary>
internal sealed class EvidenceActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly IRemoteActorRefProvider _provider = (IRemoteActorRefProvider)((ExtendedActorSystem)Context.System).Provider;
    private readonly Dictionary<string, Address> _addresses = new(StringComparer.Ordinal);
    private readonly EvidenceCore _core;
    private readonly NodeIncarnation _self;
    private readonly TimeProvider _time;
    private readonly long _started;

    public EvidenceActor(Props resolver, TimeProvider time)
    {
        _time = time;
        _started = time.GetTimestamp();
        _self = Incarnation(_cluster.SelfUniqueAddress);
        _core = new EvidenceCore(_self);
        Context.ActorOf(resolver, "resolver");

        Receive<Tick>(_ => _core.OnTick(Now));
        Receive<ClusterEvent.UnreachableMember>(unreachable => _core.OnTrouble(unreachable.Member.Address.ToString(), Now));
        Receive<ClusterEvent.MemberDowned>(downed => OnDowned(downed.Member));
        Receive<ClusterEvent.MemberRemoved>(removed => OnGone(removed.Member));
        Receive<ClusterEvent.IMemberEvent>(change => OnMember(change.Member));
        Receive<ClusterEvent.IClusterDomainEvent>(_ => { });
        Receive<DisassociatedEvent>(trouble => _core.OnTrouble(trouble.RemoteAddress.ToString(), Now));
        Receive<AssociationErrorEvent>(trouble => _core.OnTrouble(trouble.RemoteAddress.ToString(), Now));
        Receive<Probed>(probed => _core.OnProbed(probed.Node, probed.Outcome, Now));
        Receive<FoundDead>(found => _core.OnWitness(found.Witness, found.Dead, Now));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => _time.GetElapsedTime(_started);

    public static Props Props(Props resolver, TimeProvider time) => Akka.Actor.Props.Create(() => new EvidenceActor(resolver, time));

    protected override bool AroundReceive(Receive receive, object message)
    {
        var handled = base.AroundReceive(receive, message);
        Perform();
        KeepTime();
        return handled;
    }

    protected override void PreStart()
    {
        _cluster.Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.UnreachableMember));
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
        Context.System.EventStream.Subscribe(Self, typeof(AssociationErrorEvent));
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        Context.System.EventStream.Unsubscribe(Self);
    }

    private static NodeIncarnation Incarnation(UniqueAddress node) => new(node.Address.ToString(), node.Uid);

    private void OnMember(Member member)
    {
        // One on its way out closes its connections in order.
        if (member.Status is not (MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up))
        {
            OnGone(member);
            return;
        }

        var node = Incarnation(member.UniqueAddress);
        _addresses[node.Address] = member.Address;
        _core.OnMember(node);
    }

    private void OnGone(Member member) => _core.OnGone(Incarnation(member.UniqueAddress));

    private void OnDowned(Member member)
    {
        OnGone(member);
        if (!member.UniqueAddress.Equals(_cluster.SelfUniqueAddress)) Publish(member.Address, "the cluster has given its node up");
    }

    private void Perform()
    {
        foreach (var effect in _core.Effects)
        {
            switch (effect)
            {
                case EvidenceEffect.Probe probe:
                    Probe(probe.Node);
                    break;
                case EvidenceEffect.Tell tell:
                    _provider.ResolveActorRef(new RootActorPath(_addresses[tell.Member.Address]) / Self.Path.Elements).Tell(new FoundDead(_self, tell.Dead), Self);
                    break;
                case EvidenceEffect.Report report:
                    _log.Warning("{0} refuses connections: its process is dead", report.Dead.Address);
                    Publish(_addresses[report.Dead.Address], "its node refuses connections: the process is dead");
                    break;
                case EvidenceEffect.Down down:
                    _log.Warning("{0} is downed: {1} of {2} members found its process dead", down.Dead.Address, down.Witnesses, down.Members);
                    Down(down.Dead);
                    break;
            }
        }

        _core.Effects.Clear();
    }

    /// <summary>Time passes only while something is looked into.</summary>
    private void KeepTime()
    {
        if (_core.IsBusy == Timers.IsTimerActive(Tick.Instance)) return;
        if (_core.IsBusy) Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, TickInterval);
        else Timers.Cancel(Tick.Instance);
    }

    /// <summary>
    /// A member that is down, but not known to be unreachable, stays until the failure detector has missed it. Remoting's word
    /// that it refuses this incarnation for good lets the leader remove it at once.
    /// </summary>
    private void Down(NodeIncarnation dead)
    {
        _cluster.Down(_addresses[dead.Address]);
        _provider.Quarantine(_addresses[dead.Address], dead.Uid);
    }

    private void Publish(Address node, string evidence) => Context.System.EventStream.Publish(new FailureEvidence(node, evidence));

    private void Probe(NodeIncarnation node)
    {
        var address = _addresses[node.Address];
        _ = ProbeAsync(address.Host!, address.Port!.Value).PipeTo(Self, success: outcome => new Probed(node, outcome));
    }

    /// <summary>A connection, nothing more: only who listens can take it, and only a machine where nobody does refuses it.</summary>
    private async Task<ProbeOutcome> ProbeAsync(string host, int port)
    {
        using var timeout = new CancellationTokenSource(ProbeTimeout, _time);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(host.Trim('[', ']'), port, timeout.Token);
            return ProbeOutcome.Answered;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused ? ProbeOutcome.Refused : ProbeOutcome.Silent;
        }
        catch (OperationCanceledException)
        {
            return ProbeOutcome.Silent;
        }
    }

    private sealed record Probed(NodeIncarnation Node, ProbeOutcome Outcome);

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}

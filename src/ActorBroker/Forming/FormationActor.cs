using System.Collections.Immutable;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using static ActorBroker.Forming.FormationProtocol;

namespace ActorBroker.Forming;

/// <summary>
/// <c>/system/actorbroker-contact</c>: performs what <see cref="FormationCore"/> decides, for as long as this node runs. It
/// tells the node once that it is a member. A node that its cluster has given up shuts its ActorSystem down as one
/// that was downed: who started it makes a new one.
/// </summary>
internal sealed class FormationActor : ReceiveActor, IWithTimers
{
    public const string Name = "actorbroker-contact";

    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly HashSet<Address> _members = [];
    private readonly FormationCore _core;
    private readonly ImmutableArray<Address> _contacts;
    private readonly ImmutableHashSet<Address> _voters;
    private readonly ActorSelection[] _refs;
    private readonly IActorRef _node;
    private readonly TimeProvider _time;
    private readonly long _started;

    /// <param name="contacts">As in <paramref name="setup"/>, in the same order.</param>
    /// <param name="node">Gets <see cref="Joined"/>, or <see cref="Refused"/>.</param>
    public FormationActor(FormationSetup setup, ImmutableArray<Address> contacts, ClusterId? cluster, IActorRef node, TimeProvider time)
    {
        _contacts = contacts;
        _voters = [.. contacts.Where((_, i) => setup.Contacts[i].Voter is not null)];
        if (setup.Voters.Contains(setup.Self)) _voters = _voters.Add(_cluster.SelfAddress);
        _refs = [.. contacts.Select(contact => Context.ActorSelection(new RootActorPath(contact) / "system" / Name))];
        _node = node;
        _time = time;
        _started = time.GetTimestamp();
        _core = new FormationCore(setup, cluster, Now);

        Receive<Tick>(_ => _core.OnTick(Now));
        Receive<Hail>(hail => Sender.Tell(_core.OnHail(hail, Now)));
        Receive<HailAnswer>(answer => _core.OnAnswer(answer, Now));
        Receive<Accepted>(accepted => _core.OnAccepted(accepted.ClusterId));
        Receive<Led>(led => _core.OnController(led.IsLed));
        Receive<ClusterEvent.CurrentClusterState>(_ => { });
        Receive<ClusterEvent.MemberRemoved>(removed => OnGone(removed.Member));
        Receive<ClusterEvent.IMemberEvent>(change => OnMember(change.Member));
        Receive<ThisActorSystemQuarantinedEvent>(OnQuarantined);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => _time.GetElapsedTime(_started);

    public static Props Props(FormationSetup setup, ImmutableArray<Address> contacts, ClusterId? cluster, IActorRef node, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new FormationActor(setup, contacts, cluster, node, time));

    protected override bool AroundReceive(Receive receive, object message)
    {
        var handled = base.AroundReceive(receive, message);
        Perform();
        return handled;
    }

    protected override void PreStart()
    {
        _cluster.Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));
        Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, TimeSpan.Zero, TickInterval);
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        Context.System.EventStream.Unsubscribe(Self);
    }

    private void OnMember(Member member)
    {
        if (member.Status is not (MemberStatus.Up or MemberStatus.Leaving)) return;
        if (_members.Add(member.Address)) CountVoters();
        if (!_core.IsMember && member.UniqueAddress.Equals(_cluster.SelfUniqueAddress))
        {
            _core.OnUp();
            _log.Info("This node is a member of the cluster now");
            _node.Tell(Joined.Instance);
        }
    }

    private void OnGone(Member member)
    {
        if (_members.Remove(member.Address)) CountVoters();
    }

    private void CountVoters() => _core.OnStrength(_members.Count(_voters.Contains));

    /// <summary>Only members count: a client that refuses this node is the client's affair.</summary>
    private void OnQuarantined(ThisActorSystemQuarantinedEvent quarantined)
    {
        if (_members.Contains(quarantined.RemoteAddress)) StartAnew($"{quarantined.RemoteAddress} has given this node up");
    }

    private void Perform()
    {
        foreach (var effect in _core.Effects)
        {
            switch (effect)
            {
                case FormationEffect.Send send:
                    _refs[send.Contact].Tell(send.Hail, Self);
                    break;
                case FormationEffect.Join join:
                    _log.Info("Joining the cluster of {0}", _contacts[join.Contact]);
                    _cluster.Join(_contacts[join.Contact]);
                    break;
                case FormationEffect.Form:
                    _log.Info("Forming the cluster");
                    _cluster.Join(_cluster.SelfAddress);
                    break;
                case FormationEffect.GiveWay giveWay:
                    StartAnew(giveWay.Reason);
                    break;
                case FormationEffect.Refuse refuse:
                    _node.Tell(new Refused(refuse.Reason));
                    break;
                case FormationEffect.Warn warn:
                    _log.Warning("{0}", warn.Text);
                    break;
            }
        }

        _core.Effects.Clear();
    }

    private void StartAnew(string reason)
    {
        _log.Warning("{0}: the ActorSystem stops, and joins again under a new incarnation", reason);
        _ = CoordinatedShutdown.Get(Context.System).Run(CoordinatedShutdown.ClusterDowningReason.Instance);
    }

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}

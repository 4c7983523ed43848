using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace Akka.Cluster;

public interface IClusterActorRefProvider : IRemoteActorRefProvider;

/// <summary>The remote provider of a node that can be a member: the cluster, not remoting, decides when a member is lost.</summary>
public class ClusterActorRefProvider : RemoteActorRefProvider, IClusterActorRefProvider
{
    public ClusterActorRefProvider(string systemName, Settings settings, EventStream eventStream)
        : base(systemName, settings, eventStream)
        => settings.InjectTopLevelFallback(ConfigurationFactory.FromResource("cluster.conf", typeof(ClusterActorRefProvider).Assembly));

    public override void Init(ActorSystemImpl system)
    {
        base.Init(system);
        // Starts it: a node with seed nodes joins by itself.
        Cluster.Get(system);
    }

    protected override IActorRef CreateRemoteWatcher(ActorSystemImpl system)
        => system.SystemActorOf(RemoteSettings.ConfigureDispatcher(ClusterRemoteWatcher.Props(CreateWatchDetectors(), RemoteSettings)), "remote-watcher");
}

/// <summary>
/// Watches members through the cluster: its failure detector, and its decision that one is lost. Nodes that are no members are watched as
/// remoting does.
/// </summary>
internal sealed class ClusterRemoteWatcher : RemoteWatcher
{
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly HashSet<Address> _members = [];

    public ClusterRemoteWatcher(IFailureDetectorRegistry<Address> detectors, RemoteSettings settings)
        : base(detectors, settings.WatchHeartBeatInterval, settings.WatchUnreachableReaperInterval, settings.WatchHeartbeatExpectedResponseAfter) { }

    public static Props Props(IFailureDetectorRegistry<Address> detectors, RemoteSettings settings)
        => Actor.Props.Of(() => new ClusterRemoteWatcher(detectors, settings));

    protected override void PreStart()
    {
        base.PreStart();
        _cluster.Subscribe(Self, typeof(ClusterEvent.IMemberEvent));
    }

    protected override void PostStop()
    {
        base.PostStop();
        _cluster.Unsubscribe(Self);
    }

    protected override bool Monitors(Address node) => !_members.Contains(node);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.CurrentClusterState state:
                foreach (var member in state.Members)
                    TakeOver(member.Address);
                break;
            case ClusterEvent.MemberJoined joined:
                TakeOver(joined.Member.Address);
                break;
            case ClusterEvent.MemberUp up:
                TakeOver(up.Member.Address);
                break;
            case ClusterEvent.MemberRemoved removed when !removed.Member.Address.Equals(_cluster.SelfAddress):
                _members.Remove(removed.Member.Address);
                // Without the other side's word that it has ended it may come back and act as if nothing had been: never listen to it again.
                Lose(removed.Member.Address, removed.PreviousStatus == MemberStatus.Down ? removed.Member.UniqueAddress.Uid : null);
                break;
            case ClusterEvent.IMemberEvent:
                break;
            default:
                base.OnReceive(message);
                break;
        }
    }

    private void TakeOver(Address node)
    {
        if (!node.Equals(_cluster.SelfAddress) && _members.Add(node))
            StopMonitoring(node);
    }
}

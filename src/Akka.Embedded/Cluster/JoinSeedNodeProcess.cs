using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster;

/// <summary>
/// Asks the seed nodes for one that is in a cluster, again and again until one answers. The first of the list also forms a cluster of its own:
/// once all others have said that they are in none, or nobody has said anything for the seed-node timeout.
/// </summary>
internal sealed class JoinSeedNodeProcess : UntypedActor, IWithTimers
{
    private enum Tick
    {
        Ask,
        FormCluster,
    }

    /// <summary>A first seed node asks often: until then nobody can join anybody.</summary>
    private static readonly TimeSpan AskAsFirst = TimeSpan.FromSeconds(1);

    private readonly Cluster _cluster;
    private readonly ImmutableArray<Address> _others;
    private readonly bool _first;
    private readonly HashSet<Address> _silent;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRefProvider _provider = ((ExtendedActorSystem)Context.System).Provider;
    private int _attempts;
    private bool _done;

    public JoinSeedNodeProcess(Cluster cluster, ImmutableArray<Address> others, bool first)
    {
        _cluster = cluster;
        _others = others;
        _first = first;
        _silent = [.. others];
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var timeout = _cluster.Settings.SeedNodeTimeout;
        if (_first)
            Timers.StartSingleTimer(Tick.FormCluster, Tick.FormCluster, timeout);
        var interval = _first && AskAsFirst < timeout ? AskAsFirst : timeout;
        Timers.StartPeriodicTimer(Tick.Ask, Tick.Ask, interval);
        Ask();
    }

    protected override void OnReceive(object message)
    {
        if (_done)
            return;
        switch (message)
        {
            case ClusterProtocol.InitJoinAck ack:
                _cluster.Log($"Received InitJoinAck message from [{Sender.Path.Address}] to [{_cluster.SelfAddress}]");
                End(ack.Address);
                break;
            case ClusterProtocol.InitJoinNack nack:
                _cluster.Log($"Received InitJoinNack message from [{Sender.Path.Address}] to [{_cluster.SelfAddress}]");
                _silent.Remove(nack.Address);
                if (_first && _silent.Count == 0)
                    End(_cluster.SelfAddress);
                break;
            case ClusterProtocol.Foreign:
                _log.Error(
                    "Cluster Node [{0}] - Can't join seed node [{1}]: it runs official Akka.NET, and this node the embedded engine. Clusters of both can't form: run all nodes of a cluster on the same engine.",
                    _cluster.SelfAddress, Sender.Path.Address);
                break;
            case Tick.FormCluster:
                if (_log.IsDebugEnabled)
                    _log.Debug("Couldn't join other seed nodes, will join myself. seed-nodes=[{0}]", string.Join(", ", _others));
                End(_cluster.SelfAddress);
                break;
            case Tick.Ask:
                if (!_first && ++_attempts >= 2)
                    _log.Warning("Couldn't join seed nodes after [{0}] attempts, will try again. seed-nodes=[{1}]", _attempts, string.Join(", ", _others));
                Ask();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Ask()
    {
        foreach (var other in _others)
            _provider.ResolveActorRef(new RootActorPath(other) / (string[])["system", "cluster", "core", "daemon"]).Tell(ClusterProtocol.InitJoin.Instance, Self);
    }

    private void End(Address join)
    {
        // The core decides now; what still arrives is of no use.
        _done = true;
        Timers.CancelAll();
        Context.Parent.Tell(new ClusterProtocol.JoinTo(join));
    }
}

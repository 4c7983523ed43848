using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>
/// Whom a node watches: its next neighbours on a ring of all members. The order is by a mix of the unique address, the same on all nodes, so
/// that neighbours on the ring are rarely neighbours in the rack. Immutable.
/// Unreachable members among the neighbours are watched too, but don't count: somebody reachable must take their place.
/// </summary>
internal sealed class HeartbeatRing
{
    private readonly UniqueAddress _self;
    private readonly int _monitoredBy;
    private readonly ImmutableHashSet<UniqueAddress> _nodes;
    private readonly ImmutableHashSet<UniqueAddress> _unreachable;
    private ImmutableHashSet<UniqueAddress>? _receivers;

    private HeartbeatRing(UniqueAddress self, int monitoredBy, ImmutableHashSet<UniqueAddress> nodes, ImmutableHashSet<UniqueAddress> unreachable)
    {
        _self = self;
        _monitoredBy = monitoredBy;
        _nodes = nodes;
        _unreachable = unreachable;
    }

    public static HeartbeatRing Of(UniqueAddress self, int monitoredByNrOfMembers) => new(self, monitoredByNrOfMembers, [self], []);

    /// <summary>Those that get heartbeats from this node.</summary>
    public ImmutableHashSet<UniqueAddress> Receivers => _receivers ??= Choose();

    public bool Contains(UniqueAddress node) => _nodes.Contains(node);

    public HeartbeatRing With(UniqueAddress node) => new(_self, _monitoredBy, _nodes.Add(node), _unreachable);

    public HeartbeatRing Without(UniqueAddress node) => new(_self, _monitoredBy, _nodes.Remove(node), _unreachable.Remove(node));

    public HeartbeatRing WithUnreachable(UniqueAddress node) => new(_self, _monitoredBy, _nodes, _unreachable.Add(node));

    public HeartbeatRing WithReachable(UniqueAddress node) => new(_self, _monitoredBy, _nodes, _unreachable.Remove(node));

    private ImmutableHashSet<UniqueAddress> Choose()
    {
        var others = _nodes.Remove(_self);
        if (others.Count <= _monitoredBy)
            return others;
        var start = (Mix(_self), _self);
        var chosen = ImmutableHashSet.CreateBuilder<UniqueAddress>();
        var reachable = 0;
        foreach (var node in others.OrderBy(n => IsAfter(n, start) ? 0 : 1).ThenBy(static n => Mix(n)).ThenBy(static n => n))
        {
            chosen.Add(node);
            if (!_unreachable.Contains(node) && ++reachable == _monitoredBy)
                break;
        }

        return chosen.ToImmutable();
    }

    private static bool IsAfter(UniqueAddress node, (uint Place, UniqueAddress Node) start)
    {
        var place = Mix(node);
        return place > start.Place || (place == start.Place && node.CompareTo(start.Node) > 0);
    }

    /// <summary>FNV-1a: the same in every process, unlike the hash codes of .NET.</summary>
    private static uint Mix(UniqueAddress node)
    {
        var hash = 2166136261;
        foreach (var c in node.Address.ToString())
            hash = (hash ^ c) * 16777619;
        for (var uid = unchecked((uint)node.Uid); uid != 0; uid >>= 8)
            hash = (hash ^ (byte)uid) * 16777619;
        return hash;
    }
}

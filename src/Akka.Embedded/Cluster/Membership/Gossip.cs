using System.Collections.Immutable;
using System.Globalization;

namespace Akka.Cluster;

/// <summary>
/// What a node believes about the cluster, as it travels between nodes. Immutable.
/// Invariants: members are unique by <see cref="UniqueAddress"/>; only members are in <see cref="SeenBy"/> and <see cref="Reachability"/>; any
/// change of members or reachability raises <see cref="Version"/> by the node that makes it (<see cref="ChangedBy"/>), and then only that node
/// has seen it. <see cref="SeenBy"/> is not part of the version.
/// </summary>
internal sealed record Gossip(ImmutableSortedSet<Member> Members, ImmutableHashSet<UniqueAddress> SeenBy, Reachability Reachability, VectorClock Version)
{
    public static readonly Gossip Empty = new([], [], Reachability.Empty, VectorClock.Create());

    public Member? Find(UniqueAddress node)
    {
        // Members are found by their unique address alone.
        return Members.TryGetValue(Member.Removed(node, []), out var found) ? found : null;
    }

    public bool Has(UniqueAddress node) => Find(node) is not null;

    public bool IsSeenBy(UniqueAddress node) => SeenBy.Contains(node);

    public Gossip WithSeen(UniqueAddress node) => IsSeenBy(node) ? this : this with { SeenBy = SeenBy.Add(node) };

    public Gossip WithOnlySeen(UniqueAddress? node) => this with { SeenBy = node is null ? [] : [node] };

    /// <summary>Two copies of one version.</summary>
    public Gossip MergeSeen(Gossip that) => this with { SeenBy = SeenBy.Union(that.SeenBy) };

    public Gossip ChangedBy(UniqueAddress node) => this with { Version = Version.Increment(ClockOf(node)) };

    public static VectorClock.Node ClockOf(UniqueAddress node)
        => VectorClock.Node.Create(string.Create(CultureInfo.InvariantCulture, $"{node.Address}-{node.Uid}"));

    /// <summary>Replaces members of the same unique address.</summary>
    public Gossip WithMembers(IEnumerable<Member> changed)
    {
        var members = Members;
        foreach (var m in changed)
            members = members.Remove(m).Add(m);
        return this with { Members = members };
    }

    /// <summary>Forgets removed members everywhere, in the version too, so that it does not grow with every node that ever was.</summary>
    public Gossip Without(IReadOnlyCollection<UniqueAddress> nodes)
    {
        if (nodes.Count == 0)
            return this;
        var version = Version;
        foreach (var node in nodes)
            version = version.Prune(ClockOf(node));
        return new Gossip(Members.Except(Members.Where(m => nodes.Contains(m.UniqueAddress))), SeenBy.Except(nodes), Reachability.Remove(nodes), version);
    }

    /// <summary>
    /// One view out of two that know of different changes. Nobody has seen it. A member that is missing on one side and down or exiting on the
    /// other has been removed: the clock entry goes as it did on the side that removed it.
    /// </summary>
    public Gossip Merge(Gossip that)
    {
        var members = Member.PickHighestPriority(Members, that.Members).ToImmutableSortedSet();
        var allowed = members.Select(static m => m.UniqueAddress).ToHashSet();
        return new Gossip(members, [], Reachability.Merge(allowed, that.Reachability), PrunedFor(that).Merge(that.PrunedFor(this)));
    }

    private VectorClock PrunedFor(Gossip that)
    {
        var version = Version;
        foreach (var m in Members)
            if (Member.IsRemovable(m.Status) && !that.Members.Contains(m))
                version = version.Prune(ClockOf(m.UniqueAddress));
        return version;
    }

    public override string ToString()
        => $"Gossip(members = [{string.Join(", ", Members)}], unreachable = [{Reachability}], seen = [{string.Join(", ", SeenBy.Select(static n => n.Address))}], {Version})";
}

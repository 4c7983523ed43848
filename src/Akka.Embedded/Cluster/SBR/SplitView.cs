using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster.SBR;

/// <summary>What a downing decision is made of: the members, who of them is unreachable, and for whom. Immutable.</summary>
internal sealed record SplitView(ImmutableDictionary<UniqueAddress, Member> Members, ImmutableHashSet<UniqueAddress> Unreachable, Reachability Reachability, ImmutableHashSet<Address> SeenBy)
{
    // By reference: members that differ in status are equal, and an equal value would not be replaced.
    public static readonly SplitView Empty = new(
        ImmutableDictionary.Create<UniqueAddress, Member>(keyComparer: null, ReferenceEqualityComparer.Instance), [], Reachability.Empty, []);

    public SplitView With(Member member) => this with { Members = Members.SetItem(member.UniqueAddress, member) };

    public SplitView WithUnreachable(Member member) => With(member) with { Unreachable = Unreachable.Add(member.UniqueAddress) };

    public SplitView WithReachable(Member member) => With(member) with { Unreachable = Unreachable.Remove(member.UniqueAddress) };

    public SplitView Without(Member member)
        => this with { Members = Members.Remove(member.UniqueAddress), Unreachable = Unreachable.Remove(member.UniqueAddress) };

    public bool IsUnreachable(Member member) => Unreachable.Contains(member.UniqueAddress);

    public bool AllUnreachableAreOnTheirWayOut => Unreachable.All(n => !Members.TryGetValue(n, out var m) || Member.IsRemovable(m.Status));

    /// <summary>
    /// Nodes that some can reach and others can't: those that are both observer and subject of a suspicion, and those around a suspected node that
    /// has nevertheless seen the latest gossip. No clean split runs between them.
    /// </summary>
    public ImmutableHashSet<UniqueAddress> IndirectlyConnected => ObserversThatAreSubjects.Union(AroundThoseWhoHaveSeen);

    private ImmutableHashSet<UniqueAddress> ObserversThatAreSubjects => Reachability.AllObservers.Intersect(Reachability.AllUnreachableOrTerminated);

    private ImmutableHashSet<UniqueAddress> AroundThoseWhoHaveSeen
        => [.. Reachability.Records.Where(r => SeenBy.Contains(r.Subject.Address)).SelectMany(static r => (UniqueAddress[])[r.Observer, r.Subject])];

    /// <summary>Members that can still be downed to effect.</summary>
    public ImmutableHashSet<UniqueAddress> Downable
        => [.. Members.Values.Where(static m => !Member.IsRemovable(m.Status)).Select(static m => m.UniqueAddress)];

    /// <summary>
    /// The view that remains when the suspicions among indirectly connected nodes are left out, and those of nodes that everybody who is reachable
    /// suspects: what they say comes from the other side.
    /// </summary>
    public SplitView CleanSplit()
    {
        var downable = Downable;
        var cycle = ObserversThatAreSubjects;
        var seen = AroundThoseWhoHaveSeen;
        var reachable = Members.Keys.Where(n => !Unreachable.Contains(n)).ToHashSet();
        var islands = Reachability.AllObservers
            .Where(o => Unreachable.Contains(o) && reachable.All(r => !Reachability.IsReachable(r, o)))
            .ToHashSet();
        var rest = Reachability.Where((observer, subject) =>
            downable.Contains(observer) && downable.Contains(subject) && !islands.Contains(observer)
            && !(cycle.Contains(observer) && cycle.Contains(subject)) && !(seen.Contains(observer) && seen.Contains(subject)));
        return this with { Reachability = rest, Unreachable = rest.AllUnreachableOrTerminated };
    }
}

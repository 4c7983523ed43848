using System.Collections.Immutable;

namespace Akka.Cluster.SBR;

internal enum Decision
{
    DownUnreachable,

    /// <summary>The other side stays.</summary>
    DownReachable,
    DownAll,
    DownIndirectlyConnected,
}

/// <summary>
/// Says which side of a split stays. Every node decides by itself, from what it last knew, so both sides must come to the same answer: hence the
/// care about members whose status the other side may know differently.
/// </summary>
internal abstract class DowningStrategy
{
    public abstract Decision Decide(SplitView view);

    public ImmutableHashSet<UniqueAddress> NodesToDown(SplitView view, Decision decision)
    {
        var downable = view.Downable;
        switch (decision)
        {
            case Decision.DownUnreachable:
                return downable.Intersect(view.Unreachable);
            case Decision.DownReachable:
                return downable.Except(view.Unreachable);
            case Decision.DownAll:
                return downable;
        }

        // Those in the middle go. What lies behind is a split as any other.
        var middle = view.IndirectlyConnected;
        if (view.Unreachable.IsSubsetOf(middle))
            return downable.Intersect(middle);
        var rest = view.CleanSplit();
        var second = Decide(rest);
        // Still no clean split: nobody can tell who would stay.
        return second == Decision.DownIndirectlyConnected ? downable : downable.Intersect(middle.Union(NodesToDown(rest, second)));
    }
}

internal sealed class DownAllNodes : DowningStrategy
{
    public override Decision Decide(SplitView view) => Decision.DownAll;
}

/// <summary>The side with more members stays; of two halves the one with the lowest address.</summary>
/// <param name="role">only members of that role count; null: all</param>
internal sealed class KeepMajority(string? role) : DowningStrategy
{
    public override Decision Decide(SplitView view)
    {
        if (!view.IndirectlyConnected.IsEmpty)
            return Decision.DownIndirectlyConnected;
        var decision = Compare(view, Count(view, joining: false, leaving: true), Count(view, joining: false, leaving: true));
        if (decision != Decision.DownUnreachable)
            return decision;
        // The other side may have seen members come up, or leave, that this one has not: it must not be able to win either.
        return Compare(view, Count(view, joining: false, leaving: false), Count(view, joining: true, leaving: true)) == Decision.DownUnreachable
            ? Decision.DownUnreachable
            : Decision.DownAll;
    }

    private static Decision Compare(SplitView view, ImmutableSortedSet<Member> ours, ImmutableSortedSet<Member> theirs)
    {
        if (ours.IsEmpty)
            return Decision.DownAll;
        var here = ours.Count(m => !view.IsUnreachable(m));
        var there = theirs.Count(view.IsUnreachable);
        if (here == there)
            return view.IsUnreachable(ours.Min!) ? Decision.DownReachable : Decision.DownUnreachable;
        return here > there ? Decision.DownUnreachable : Decision.DownReachable;
    }

    private ImmutableSortedSet<Member> Count(SplitView view, bool joining, bool leaving)
        => [.. view.Members.Values.Where(m => (role is null || m.HasRole(role)) && m.Status switch
        {
            MemberStatus.Up => true,
            MemberStatus.Joining or MemberStatus.WeaklyUp => joining,
            MemberStatus.Leaving => leaving,
            _ => false,
        })];
}

using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster;

internal enum JoinVerdict
{
    /// <summary>In the gossip now.</summary>
    Joined,

    /// <summary>It was in already; its welcome got lost.</summary>
    Again,

    /// <summary>An earlier incarnation at that address is in the way, and has been marked down: the node must ask again.</summary>
    OldIncarnation,

    /// <summary>This node is on its way out itself.</summary>
    NotNow,
}

/// <summary>What a leader changed, for the log and for who must be told first.</summary>
internal sealed record LeaderTurn(Gossip Gossip, ImmutableList<Member> Changed, ImmutableList<Member> Removed)
{
    public bool IsIdle => Changed.IsEmpty && Removed.IsEmpty;
}

/// <summary>
/// The changes of membership, as functions from gossip to gossip. No clock, no chance, no network.
/// <code>
/// Joining --leader, enough members--> Up --leave--> Leaving --leader--> Exiting --confirmed or unreachable, leader--> removed
///    any but Exiting --down--> Down --unreachable, leader--> removed
/// </code>
/// "leader" moves need convergence, which the caller has checked. What they return is not stamped: <see cref="MembershipState.Changed"/> does.
/// </summary>
internal static class MembershipRules
{
    public static (JoinVerdict Verdict, Gossip Gossip) Join(MembershipState state, Member joining, Member self)
    {
        if (Member.IsRemovable(state.SelfStatus))
            return (JoinVerdict.NotNow, state.Gossip);
        var known = state.FindByAddress(joining.Address);
        if (known is null)
            // The joining node may be first, before this one: then both come in.
            return (JoinVerdict.Joined, state.Gossip with { Members = state.Members.Add(joining).Add(self) });
        if (known.UniqueAddress.Equals(joining.UniqueAddress))
            return (JoinVerdict.Again, state.Gossip);
        if (known.Status == MemberStatus.Down)
            return (JoinVerdict.OldIncarnation, state.Gossip);
        // Two incarnations can't share an address: the old one has ended.
        var ended = state.Gossip with { Reachability = state.Gossip.Reachability.Terminated(state.Self, known.UniqueAddress) };
        return (JoinVerdict.OldIncarnation, MarkDown(ended, known));
    }

    /// <returns>null: nobody of that address can leave</returns>
    public static Gossip? Leave(MembershipState state, Address address)
        => state.FindByAddress(address) is { Status: MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up } member
            ? state.Gossip.WithMembers([member.Copy(MemberStatus.Leaving)])
            : null;

    /// <returns>null: no member has that address, or it is down already</returns>
    public static Gossip? Down(MembershipState state, Address address)
        => state.FindByAddress(address) is { } member && member.Status != MemberStatus.Down ? MarkDown(state.Gossip, member) : null;

    // A downed member's own opinion no longer matters for who has seen what.
    private static Gossip MarkDown(Gossip gossip, Member member)
        => gossip.WithMembers([member.Copy(MemberStatus.Down)]) with { SeenBy = gossip.SeenBy.Remove(member.UniqueAddress) };

    public static bool HasEnoughMembers(Gossip gossip, int minNrOfMembers, IReadOnlyDictionary<string, int> minOfRole)
    {
        if (gossip.Members.Count < minNrOfMembers)
            return false;
        foreach (var (role, min) in minOfRole)
            if (gossip.Members.Count(m => m.HasRole(role)) < min)
                return false;
        return true;
    }

    /// <summary>The leader's moves once there is convergence.</summary>
    public static LeaderTurn Lead(MembershipState state, bool enoughMembers, IReadOnlySet<UniqueAddress> exitingConfirmed)
    {
        var gossip = state.Gossip;
        var removed = ImmutableList.CreateBuilder<Member>();
        var changed = ImmutableList.CreateBuilder<Member>();
        var nextUpNumber = 1 + gossip.Members.Max(static m => m.UpNumber == Member.NeverUp ? 0 : m.UpNumber);
        foreach (var m in gossip.Members)
        {
            if (Member.IsRemovable(m.Status) && !gossip.Reachability.IsReachable(m.UniqueAddress))
                removed.Add(m);
            else if (m.Status == MemberStatus.Exiting && exitingConfirmed.Contains(m.UniqueAddress))
                removed.Add(m);
            else if (enoughMembers && m.Status is MemberStatus.Joining or MemberStatus.WeaklyUp)
                changed.Add(m.CopyUp(nextUpNumber++));
            else if (m.Status == MemberStatus.Leaving)
                changed.Add(m.Copy(MemberStatus.Exiting));
        }

        var turn = gossip.WithMembers(changed).Without([.. removed.Select(static m => m.UniqueAddress)]);
        return new LeaderTurn(turn, changed.ToImmutable(), removed.ToImmutable());
    }

    /// <summary>What a leader may do without convergence: reachable nodes that wait may take part, though not count.</summary>
    public static LeaderTurn MoveToWeaklyUp(MembershipState state, bool enoughMembers)
    {
        ImmutableList<Member> changed = !enoughMembers ? [] :
        [
            .. state.Members
                .Where(m => m.Status == MemberStatus.Joining && state.TrustedReachability.IsReachable(m.UniqueAddress))
                .Select(static m => m.Copy(MemberStatus.WeaklyUp)),
        ];
        return new LeaderTurn(state.Gossip.WithMembers(changed), changed, []);
    }

    /// <summary>
    /// The downed node itself may stop: all other downed members that it could reach know of it too. Stopping earlier would leave them
    /// to find out by themselves.
    /// </summary>
    public static bool MayStopAfterDown(Gossip gossip)
    {
        foreach (var m in gossip.Members)
            if (m.Status == MemberStatus.Down && gossip.Reachability.IsReachable(m.UniqueAddress) && !gossip.IsSeenBy(m.UniqueAddress))
                return false;
        return true;
    }

    /// <summary>How a gossip that arrived compares with one's own, and what to do with both.</summary>
    public static (VectorClock.Ordering Remote, Gossip Winner, bool TalkBack) Receive(Gossip local, Gossip remote, UniqueAddress self)
    {
        var ordering = remote.Version.CompareTo(local.Version);
        return ordering switch
        {
            VectorClock.Ordering.Same => (ordering, remote.MergeSeen(local), !remote.IsSeenBy(self)),
            VectorClock.Ordering.Before => (ordering, local, true),
            VectorClock.Ordering.After => (ordering, remote, !remote.IsSeenBy(self)),
            _ => (ordering, remote.Merge(local), true),
        };
    }
}

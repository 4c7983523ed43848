using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster;

/// <summary>Two views of the cluster, as the events between them.</summary>
internal static class EventDiff
{
    private static readonly HashSet<UniqueAddress> NoneConfirmed = [];

    /// <summary>
    /// Reachability first, then members, then leaders: whoever hears that a member is gone knows already that it was unreachable.
    /// </summary>
    public static List<ClusterEvent.IClusterDomainEvent> Between(MembershipState before, MembershipState after)
    {
        var events = new List<ClusterEvent.IClusterDomainEvent>();
        if (ReferenceEquals(before, after))
            return events;
        AddReachability(events, before, after);
        if (!ReferenceEquals(before.Members, after.Members))
            AddMembers(events, before.Gossip, after.Gossip);
        AddLeaders(events, before, after);
        if (!before.Gossip.SeenBy.SetEquals(after.Gossip.SeenBy))
            events.Add(new ClusterEvent.SeenChanged(after.HasConvergence(NoneConfirmed), SeenBy(after)));
        if (!before.Gossip.Reachability.SameAs(after.Gossip.Reachability))
            events.Add(new ClusterEvent.ReachabilityChanged(after.Gossip.Reachability));
        return events;
    }

    public static ClusterEvent.CurrentClusterState Snapshot(MembershipState state)
    {
        var roles = state.Members.SelectMany(static m => m.Roles).Distinct(StringComparer.Ordinal);
        return new ClusterEvent.CurrentClusterState(
            state.Members,
            [.. Unreachable(state).Select(state.Gossip.Find).OfType<Member>()],
            SeenBy(state),
            state.Leader?.Address,
            roles.ToImmutableDictionary(static r => r, r => state.RoleLeader(r)?.Address, StringComparer.Ordinal));
    }

    private static ImmutableHashSet<Address> SeenBy(MembershipState state) => [.. state.Gossip.SeenBy.Select(static n => n.Address)];

    private static ImmutableHashSet<UniqueAddress> Unreachable(MembershipState state)
        => state.Gossip.Reachability.AllUnreachableOrTerminated.Remove(state.Self);

    private static void AddReachability(List<ClusterEvent.IClusterDomainEvent> events, MembershipState before, MembershipState after)
    {
        var was = Unreachable(before);
        var now = Unreachable(after);
        foreach (var node in now.Except(was))
            if (after.Gossip.Find(node) is { } member)
                events.Add(new ClusterEvent.UnreachableMember(member));
        foreach (var node in was.Except(now))
            if (after.Gossip.Find(node) is { } member)
                events.Add(new ClusterEvent.ReachableMember(member));
    }

    private static void AddMembers(List<ClusterEvent.IClusterDomainEvent> events, Gossip before, Gossip after)
    {
        foreach (var member in after.Members)
        {
            var known = before.Find(member.UniqueAddress);
            if (known?.Status != member.Status && ChangeOf(member) is { } change)
                events.Add(change);
        }

        foreach (var member in before.Members)
            if (!after.Has(member.UniqueAddress))
                events.Add(new ClusterEvent.MemberRemoved(Ended(member), member.Status));
    }

    // Any member can be gone from one view to the next, so this is no transition to check.
    private static Member Ended(Member member) => new(member.UniqueAddress, member.UpNumber, MemberStatus.Removed, member.Roles);

    private static ClusterEvent.IClusterDomainEvent? ChangeOf(Member member) => member.Status switch
    {
        MemberStatus.Joining => new ClusterEvent.MemberJoined(member),
        MemberStatus.WeaklyUp => new ClusterEvent.MemberWeaklyUp(member),
        MemberStatus.Up => new ClusterEvent.MemberUp(member),
        MemberStatus.Leaving => new ClusterEvent.MemberLeft(member),
        MemberStatus.Exiting => new ClusterEvent.MemberExited(member),
        MemberStatus.Down => new ClusterEvent.MemberDowned(member),
        _ => null,
    };

    private static void AddLeaders(List<ClusterEvent.IClusterDomainEvent> events, MembershipState before, MembershipState after)
    {
        if (before.Leader != after.Leader)
            events.Add(new ClusterEvent.LeaderChanged(after.Leader?.Address));
        foreach (var role in before.Members.Union(after.Members).SelectMany(static m => m.Roles).Distinct(StringComparer.Ordinal))
        {
            var now = after.RoleLeader(role);
            if (before.RoleLeader(role) != now)
                events.Add(new ClusterEvent.RoleLeaderChanged(role, now?.Address));
        }
    }
}

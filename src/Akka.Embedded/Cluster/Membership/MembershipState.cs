using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster;

/// <summary>The gossip as one node sees it: who leads, and whether all who count have seen it. Immutable.</summary>
internal sealed class MembershipState(Gossip gossip, UniqueAddress self)
{
    private Reachability? _trusted;

    public Gossip Gossip { get; } = gossip;

    public UniqueAddress Self { get; } = self;

    public ImmutableSortedSet<Member> Members => Gossip.Members;

    public Member? SelfMember => Gossip.Find(Self);

    public MemberStatus SelfStatus => SelfMember?.Status ?? MemberStatus.Removed;

    /// <summary>Without what members say that are down: theirs is the other side of a split.</summary>
    public Reachability TrustedReachability => _trusted ??= Gossip.Reachability.RemoveObservers(
        [.. Members.Where(static m => m.Status == MemberStatus.Down).Select(static m => m.UniqueAddress)]);

    public UniqueAddress? Leader => LeaderOf(Members);

    public bool IsLeader => Leader is { } leader && leader.Equals(Self);

    public UniqueAddress? RoleLeader(string role) => LeaderOf(Members.Where(m => m.HasRole(role)));

    /// <summary>The first reachable member by address that is up or leaving; failing that the one that is closest to it.</summary>
    public UniqueAddress? LeaderOf(IEnumerable<Member> members)
    {
        Member? first = null;
        foreach (var m in members)
        {
            if (m.Status == MemberStatus.Down || !(Gossip.Reachability.IsReachable(m.UniqueAddress) || m.UniqueAddress.Equals(Self)))
                continue;
            if (first is null || Member.LeaderStatusOrdering.Compare(m, first) < 0)
                first = m;
        }

        return first?.UniqueAddress;
    }

    /// <summary>
    /// Every member that is up or leaving has seen this version, and nobody is unreachable but those on their way out. Only then may a leader
    /// act: no two leaders of one cluster have convergence on different views.
    /// </summary>
    /// <param name="exitingConfirmed">members that said good-bye; they are not waited for</param>
    public bool HasConvergence(IReadOnlySet<UniqueAddress> exitingConfirmed)
    {
        foreach (var node in TrustedReachability.AllUnreachableOrTerminated)
            if (!node.Equals(Self) && !exitingConfirmed.Contains(node) && Gossip.Find(node) is { } m && !Member.IsRemovable(m.Status))
                return false;
        foreach (var m in Members)
            if (m.Status is MemberStatus.Up or MemberStatus.Leaving && !Gossip.IsSeenBy(m.UniqueAddress) && !exitingConfirmed.Contains(m.UniqueAddress))
                return false;
        return true;
    }

    public bool CanGossipTo(UniqueAddress node) => !node.Equals(Self) && Gossip.Has(node) && Gossip.Reachability.IsReachable(Self, node);

    public Member? FindByAddress(Address address)
    {
        foreach (var m in Members)
            if (m.Address.Equals(address))
                return m;
        return null;
    }

    /// <summary>The node has seen what it knows.</summary>
    public MembershipState Seen() => With(Gossip.WithSeen(Self));

    public MembershipState With(Gossip gossip) => ReferenceEquals(gossip, Gossip) ? this : new MembershipState(gossip, Self);

    /// <summary>A change made by this node, which alone has seen it.</summary>
    /// <param name="hold">it does not count as seen: this node is on its way out and not done yet</param>
    public MembershipState Changed(Gossip gossip, bool hold) => With(gossip.ChangedBy(Self).WithOnlySeen(hold ? null : Self));
}

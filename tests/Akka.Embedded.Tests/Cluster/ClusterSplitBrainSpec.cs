using Akka.Cluster;
using Akka.Cluster.SBR;
using static Akka.Embedded.Tests.Cluster.Membership;

namespace Akka.Embedded.Tests.Cluster;

/// <summary>Which side of a split stays.</summary>
public sealed class ClusterSplitBrainSpec
{
    private static readonly KeepMajority Strategy = new(role: null);

    /// <summary>The view of a node on the side of those that are not in <paramref name="unreachable"/>, each of which suspects each of the others.</summary>
    private static SplitView Split(Member[] members, params UniqueAddress[] unreachable)
    {
        var view = members.Aggregate(SplitView.Empty, (v, m) => unreachable.Contains(m.UniqueAddress) ? v.WithUnreachable(m) : v.With(m));
        var reachability = Reachability.Empty;
        foreach (var observer in members.Select(m => m.UniqueAddress).Except(unreachable))
            foreach (var subject in unreachable)
                reachability = reachability.Unreachable(observer, subject);
        return view with { Reachability = reachability };
    }

    [Theory]
    [InlineData("45", "DownUnreachable")]
    [InlineData("345", "DownReachable")]
    [InlineData("1234", "DownReachable")]
    [InlineData("12", "DownUnreachable")]
    public void The_larger_side_stays(string unreachable, string decision)
        => Assert.Equal(decision, Strategy.Decide(Split([A.Up(), B.Up(), C.Up(), D.Up(), E.Up()], [.. unreachable.Select(c => Node(c - '0'))])).ToString());

    [Fact]
    public void Of_two_halves_the_one_with_the_lowest_address_stays()
    {
        Member[] members = [A.Up(), B.Up(), C.Up(), D.Up()];
        Assert.Equal(Decision.DownUnreachable, Strategy.Decide(Split(members, C, D)));
        Assert.Equal(Decision.DownReachable, Strategy.Decide(Split(members, A, B)));
    }

    [Fact]
    public void A_change_that_the_other_side_may_have_seen_can_cost_both()
    {
        // Here it is 2 against 1; there the joining one may have come up.
        Assert.Equal(Decision.DownUnreachable, Strategy.Decide(Split([A.Up(), B.Up(), C.Up(), D.Is(MemberStatus.Joining)], C, D)));
        Assert.Equal(Decision.DownAll, Strategy.Decide(Split([B.Up(), C.Up(), A.Up(), D.Is(MemberStatus.Joining), E.Is(MemberStatus.Joining)], A, D, E)));
    }

    [Fact]
    public void Only_members_of_the_role_count()
    {
        var strategy = new KeepMajority("x");
        Member[] members = [A.Up(), B.Up(), C.Is(MemberStatus.Up, 0, "x")];
        Assert.Equal(Decision.DownReachable, strategy.Decide(Split(members, C)));
        Assert.Equal([A, B], strategy.NodesToDown(Split(members, C), Decision.DownReachable).Order());
        Assert.Equal(Decision.DownAll, new KeepMajority("y").Decide(Split(members, C)));
    }

    [Fact]
    public void Members_on_their_way_out_are_neither_counted_nor_downed()
    {
        var view = Split([A.Up(), B.Up(), C.Is(MemberStatus.Exiting), D.Is(MemberStatus.Down), E.Up()], C, D, E);
        Assert.Equal(Decision.DownUnreachable, Strategy.Decide(view));
        Assert.Equal([E], Strategy.NodesToDown(view, Decision.DownUnreachable));
    }

    [Fact]
    public void Nodes_that_see_each_other_through_others_go_and_the_rest_stays()
    {
        // B and C suspect each other; everyone else reaches both.
        Member[] members = [A.Up(), B.Up(), C.Up(), D.Up(), E.Up()];
        var view = Split(members) with { Reachability = Reachability.Empty.Unreachable(B, C).Unreachable(C, B), Unreachable = [B, C] };
        var decision = Strategy.Decide(view);
        Assert.Equal(Decision.DownIndirectlyConnected, decision);
        Assert.Equal([B, C], Strategy.NodesToDown(view, decision).Order());
    }

    [Fact]
    public void A_split_behind_indirectly_connected_nodes_is_decided_too()
    {
        // A and B suspect each other; E is lost to all.
        Member[] members = [A.Up(), B.Up(), C.Up(), D.Up(), E.Up()];
        var reachability = Reachability.Empty.Unreachable(A, B).Unreachable(B, A);
        foreach (var observer in (UniqueAddress[])[A, B, C, D])
            reachability = reachability.Unreachable(observer, E);
        var view = Split(members) with { Reachability = reachability, Unreachable = [A, B, E] };
        Assert.Equal([A, B, E], Strategy.NodesToDown(view, Strategy.Decide(view)).Order());
    }

    /// <summary>However five members are split in two, exactly one side stays: both sides decide, neither knows the other's decision.</summary>
    [Fact]
    public void Both_sides_of_any_clean_split_agree()
    {
        Member[] members = [A.Up(), B.Up(), C.Up(), D.Up(), E.Up()];
        for (var size = 2; size <= 5; size++)
        {
            var some = members[..size];
            for (var mask = 1; mask < (1 << size) - 1; mask++)
            {
                var left = some.Where((_, i) => (mask >> i & 1) == 0).Select(m => m.UniqueAddress).ToArray();
                var right = some.Where((_, i) => (mask >> i & 1) == 1).Select(m => m.UniqueAddress).ToArray();
                var leftView = Split(some, right);
                var rightView = Split(some, left);
                var downedByLeft = Strategy.NodesToDown(leftView, Strategy.Decide(leftView));
                var downedByRight = Strategy.NodesToDown(rightView, Strategy.Decide(rightView));
                Assert.Equal(downedByLeft.Order(), downedByRight.Order());
                Assert.True(downedByLeft.SetEquals(left) || downedByLeft.SetEquals(right));
            }
        }
    }

    [Fact]
    public void A_later_status_replaces_the_earlier()
        => Assert.Equal(MemberStatus.Up, SplitView.Empty.With(A.Is(MemberStatus.Joining)).With(A.Up()).Members[A].Status);
}

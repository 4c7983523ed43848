using Akka.Cluster;
using static Akka.Embedded.Tests.Cluster.Membership;

namespace Akka.Embedded.Tests.Cluster;

/// <summary>Who leads, when all agree, and what a leader then does.</summary>
public sealed class ClusterMembershipRulesSpec
{
    [Fact]
    public void The_first_reachable_member_that_is_up_leads()
    {
        var gossip = Of(A.Is(MemberStatus.Joining), B.Up(), C.Up());
        Assert.Equal(B, gossip.At(A).Leader);
        Assert.Equal(C, gossip.With(r => r.Unreachable(C, B)).At(A).Leader);
        // A node counts itself as reachable, whatever others say.
        Assert.Equal(B, gossip.With(r => r.Unreachable(C, B)).At(B).Leader);
        Assert.Equal(A, Of(A.Is(MemberStatus.Joining), B.Is(MemberStatus.Exiting)).At(A).Leader);
        Assert.Null(Of(A.Is(MemberStatus.Down)).At(A).Leader);
    }

    [Theory]
    [InlineData(MemberStatus.Up, false)]
    [InlineData(MemberStatus.Leaving, false)]
    [InlineData(MemberStatus.Joining, true)]
    [InlineData(MemberStatus.WeaklyUp, true)]
    [InlineData(MemberStatus.Exiting, true)]
    [InlineData(MemberStatus.Down, true)]
    public void Only_members_that_are_up_or_leaving_must_have_seen(MemberStatus status, bool convergence)
        => Assert.Equal(convergence, Of(A.Up(), B.Is(status)).WithSeen(A).At(A).HasConvergence(Nobody));

    [Fact]
    public void An_unreachable_member_hinders_until_it_is_down_or_has_said_good_bye()
    {
        var gossip = Of(A.Up(), B.Up()).SeenByAll().With(r => r.Unreachable(A, B));
        Assert.False(gossip.At(A).HasConvergence(Nobody));
        Assert.True(gossip.At(A).HasConvergence(new HashSet<UniqueAddress> { B }));
        Assert.True(MembershipRules.Down(gossip.At(A), B.Address)!.WithSeen(A).At(A).HasConvergence(Nobody));
        // What a downed member says about others does not count.
        Assert.True(Of(A.Up(), B.Up(), C.Is(MemberStatus.Down)).SeenByAll().With(r => r.Unreachable(C, A)).At(B).HasConvergence(Nobody));
    }

    [Fact]
    public void A_leader_moves_everyone_on()
    {
        var gossip = Of(A.Up(), B.Is(MemberStatus.Joining), C.Is(MemberStatus.Leaving), D.Is(MemberStatus.Down), E.Is(MemberStatus.Exiting))
            .SeenByAll().With(r => r.Unreachable(A, D));
        var turn = MembershipRules.Lead(gossip.At(A), enoughMembers: true, exitingConfirmed: new HashSet<UniqueAddress> { E });
        Assert.Equal(MemberStatus.Up, turn.Gossip.StatusOf(B));
        Assert.Equal(6, turn.Gossip.Find(B)!.UpNumber);
        Assert.Equal(MemberStatus.Exiting, turn.Gossip.StatusOf(C));
        Assert.Equal([D, E], turn.Removed.Select(m => m.UniqueAddress));
        Assert.Equal([A, B, C], turn.Gossip.Members.Select(m => m.UniqueAddress));
        Assert.DoesNotContain(D, turn.Gossip.SeenBy);
        Assert.True(turn.Gossip.Reachability.IsAllReachable);
    }

    [Fact]
    public void What_is_not_due_stays()
    {
        // Down but reachable: it must hear of it first. Exiting and silent: it has not said that it is done.
        var gossip = Of(A.Up(), B.Is(MemberStatus.Joining), D.Is(MemberStatus.Down), E.Is(MemberStatus.Exiting)).SeenByAll();
        Assert.True(MembershipRules.Lead(gossip.At(A), enoughMembers: false, Nobody).IsIdle);
    }

    [Fact]
    public void Numbers_of_those_who_come_up_together_differ()
    {
        var turn = MembershipRules.Lead(Of(B.Is(MemberStatus.Joining), A.Is(MemberStatus.Joining)).At(A), enoughMembers: true, Nobody);
        Assert.Equal([1, 2], turn.Gossip.Members.Select(m => m.UpNumber));
    }

    [Fact]
    public void Enough_members_can_be_asked_for_by_role()
    {
        var gossip = Of(A.Is(MemberStatus.Joining, 0, "x"), B.Is(MemberStatus.Joining));
        Assert.True(MembershipRules.HasEnoughMembers(gossip, 2, new Dictionary<string, int>(StringComparer.Ordinal) { ["x"] = 1 }));
        Assert.False(MembershipRules.HasEnoughMembers(gossip, 2, new Dictionary<string, int>(StringComparer.Ordinal) { ["x"] = 2 }));
        Assert.False(MembershipRules.HasEnoughMembers(gossip, 3, new Dictionary<string, int>(StringComparer.Ordinal)));
    }

    [Fact]
    public void A_restarted_node_gets_its_former_self_downed_before_it_may_join()
    {
        var reborn = Node(2, uid: 8);
        var state = Of(A.Up(), B.Up()).SeenByAll().At(A);
        var self = A.Up();
        var (verdict, gossip) = MembershipRules.Join(state, Member.Create(reborn, []), self);
        Assert.Equal(JoinVerdict.OldIncarnation, verdict);
        Assert.Equal(MemberStatus.Down, gossip.StatusOf(B));
        Assert.False(gossip.Has(reborn));
        // Known to have ended, so that the leader removes it without waiting for the failure detector.
        var turn = MembershipRules.Lead(gossip.WithSeen(A).At(A), enoughMembers: true, Nobody);
        Assert.Equal([B], turn.Removed.Select(m => m.UniqueAddress));
        (verdict, gossip) = MembershipRules.Join(turn.Gossip.At(A), Member.Create(reborn, []), self);
        Assert.Equal(JoinVerdict.Joined, verdict);
        Assert.Equal(MemberStatus.Joining, gossip.StatusOf(reborn));
        Assert.Equal(JoinVerdict.Again, MembershipRules.Join(gossip.At(A), Member.Create(reborn, []), self).Verdict);
        Assert.Equal(JoinVerdict.NotNow, MembershipRules.Join(Of(A.Is(MemberStatus.Exiting)).At(A), Member.Create(B, []), self).Verdict);
    }

    [Fact]
    public void Leaving_and_downing_apply_once()
    {
        var state = Of(A.Up(), B.Up()).SeenByAll().At(A);
        var leaving = MembershipRules.Leave(state, B.Address)!;
        Assert.Equal(MemberStatus.Leaving, leaving.StatusOf(B));
        Assert.Null(MembershipRules.Leave(leaving.At(A), B.Address));
        Assert.Null(MembershipRules.Leave(state, D.Address));
        var down = MembershipRules.Down(leaving.At(A), B.Address)!;
        Assert.Null(MembershipRules.Down(down.At(A), B.Address));
        Assert.DoesNotContain(B, down.SeenBy);
    }

    [Fact]
    public void A_downed_node_stops_once_the_other_reachable_downed_ones_know()
    {
        var gossip = Of(A.Is(MemberStatus.Down), B.Is(MemberStatus.Down), C.Up()).WithSeen(A);
        Assert.False(MembershipRules.MayStopAfterDown(gossip));
        Assert.True(MembershipRules.MayStopAfterDown(gossip.WithSeen(B)));
        Assert.True(MembershipRules.MayStopAfterDown(gossip.With(r => r.Unreachable(A, B))));
    }

    /// <summary>Nodes that change things and gossip in any order, with losses, all end with one view once they are left alone.</summary>
    [Fact]
    public void Gossip_in_any_order_ends_in_agreement()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            UniqueAddress[] nodes = [A, B, C, D];
            var start = Of(A.Up(), B.Up(), C.Up(), D.Up()).ChangedBy(A);
            var views = nodes.ToDictionary(n => n, n => start.WithSeen(n).At(n));
            for (var step = 0; step < 30; step++)
            {
                var node = nodes[random.Next(4)];
                var state = views[node];
                var about = nodes[random.Next(4)];
                var change = random.Next(6) switch
                {
                    0 => MembershipRules.Leave(state, about.Address),
                    1 when random.Next(4) == 0 => MembershipRules.Down(state, about.Address),
                    2 => state.Gossip.With(r => r.Unreachable(node, about)),
                    3 => state.Gossip.With(r => r.Reachable(node, about)),
                    _ => null,
                };
                if (change is not null)
                    views[node] = state.Changed(change, hold: false);
                Gossip(node, nodes[random.Next(4)]);
            }

            for (var round = 0; round < 4; round++)
                foreach (var from in nodes)
                    foreach (var to in nodes)
                        Gossip(from, to);
            var expected = views[A].Gossip;
            foreach (var state in views.Values)
            {
                Assert.Equal(expected.Members.Select(m => (m.UniqueAddress, m.Status)), state.Gossip.Members.Select(m => (m.UniqueAddress, m.Status)));
                Assert.True(expected.Version.IsSameAs(state.Gossip.Version), $"seed {seed}");
                Assert.True(expected.Reachability.SameAs(state.Gossip.Reachability), $"seed {seed}");
                Assert.Equal(4, state.Gossip.SeenBy.Count);
            }

            void Gossip(UniqueAddress from, UniqueAddress to)
            {
                var (_, winner, _) = MembershipRules.Receive(views[to].Gossip, views[from].Gossip, to);
                views[to] = winner.WithSeen(to).At(to);
            }
        }
    }
}

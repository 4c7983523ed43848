using Akka.Actor;
using Akka.Cluster;
using Akka.Conformance.Tests.Remote;

namespace Akka.Conformance.Tests.Cluster;

/// <summary>Joining, leaving and being downed, as members and subscribers see it.</summary>
public sealed class ClusterMembershipSpec
{
    [Fact]
    public async Task A_node_that_joins_itself_is_up_and_leads()
    {
        await using var a = ClusterNode.Start();
        Assert.Equal(MemberStatus.Removed, a.Cluster.SelfMember.Status);
        Assert.False(a.Cluster.IsUp);
        Assert.Empty(a.Cluster.State.Members);
        await a.Cluster.JoinAsync(a.Address).WaitAsync(RemoteProbe.Deadline);
        await a.Until(state => state.Leader is not null);
        Assert.True(a.Cluster.IsUp);
        Assert.Equal(a.Address, a.Cluster.State.Leader);
        Assert.Equal(a.Cluster.SelfUniqueAddress, Assert.Single(a.Cluster.State.Members).UniqueAddress);
        Assert.False(a.Cluster.IsTerminated);
    }

    [Fact]
    public async Task Three_nodes_agree_on_members_leader_and_ages()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await using var c = ClusterNode.Start();
        await ClusterNode.Form(a, b, c);
        Address[] byAge = [a.Address, b.Address, c.Address];
        foreach (var node in (ClusterNode[])[a, b, c])
        {
            var state = node.Cluster.State;
            Assert.Equal(byAge, state.Members.Order(Member.AgeOrdering).Select(m => m.Address));
            Assert.Equal(byAge.Order(Member.AddressOrdering), state.Members.Select(m => m.Address));
            Assert.Equal(byAge.Order(Member.AddressOrdering).First(), state.Leader);
            Assert.Empty(state.Unreachable);
        }
    }

    [Fact]
    public async Task Seed_nodes_form_one_cluster_whichever_starts_first()
    {
        int[] ports = [Ports.Next(), Ports.Next()];
        var seeds = $"akka.cluster.seed-nodes = [\"akka.tcp://{ClusterNode.Name}@127.0.0.1:{ports[0]}\", \"akka.tcp://{ClusterNode.Name}@127.0.0.1:{ports[1]}\"]";
        await using var second = ClusterNode.Start(ports[1], seeds);
        await using var joining = ClusterNode.Start(0, seeds);
        await using var first = ClusterNode.Start(ports[0], seeds);
        foreach (var node in (ClusterNode[])[first, second, joining])
            await node.Until(state => state.Members.Count(m => m.Status == MemberStatus.Up) == 3);
        // Only the first forms a cluster.
        Assert.Equal(first.Address, first.Cluster.State.Members.Order(Member.AgeOrdering).First().Address);
    }

    [Fact]
    public async Task Nobody_comes_up_before_there_are_enough()
    {
        const string three = "akka.cluster.min-nr-of-members = 3\nakka.cluster.allow-weakly-up-members = off";
        await using var a = ClusterNode.Start(hocon: three);
        await using var b = ClusterNode.Start(hocon: three);
        await using var c = ClusterNode.Start(hocon: three);
        var up = a.Listen(ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.MemberUp));
        var joined = a.Listen(ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.MemberJoined));
        a.Cluster.Join(a.Address);
        b.Cluster.Join(a.Address);
        joined.Expect<ClusterEvent.MemberJoined>();
        joined.Expect<ClusterEvent.MemberJoined>();
        Assert.DoesNotContain(a.Cluster.State.Members, m => m.Status == MemberStatus.Up);
        c.Cluster.Join(a.Address);
        for (var i = 0; i < 3; i++)
            up.Expect<ClusterEvent.MemberUp>();
    }

    [Fact]
    public async Task A_subscriber_gets_the_state_and_then_the_life_of_a_member_in_order()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await ClusterNode.Form(a);
        var events = a.Listen(typeof(ClusterEvent.IMemberEvent));
        Assert.Equal(a.Address, Assert.Single(events.Expect<ClusterEvent.CurrentClusterState>().Members).Address);
        await b.Cluster.JoinAsync(a.Address).WaitAsync(RemoteProbe.Deadline);
        await b.Cluster.LeaveAsync().WaitAsync(RemoteProbe.Deadline);
        Assert.Equal(b.Address, events.Expect<ClusterEvent.MemberJoined>().Member.Address);
        Assert.Equal(b.Cluster.SelfUniqueAddress, events.Expect<ClusterEvent.MemberUp>().Member.UniqueAddress);
        Assert.Equal(b.Address, events.Expect<ClusterEvent.MemberLeft>().Member.Address);
        Assert.Equal(MemberStatus.Exiting, events.Expect<ClusterEvent.MemberExited>().Member.Status);
        var removed = events.Expect<ClusterEvent.MemberRemoved>();
        Assert.Equal(MemberStatus.Removed, removed.Member.Status);
        Assert.Equal(MemberStatus.Exiting, removed.PreviousStatus);
    }

    [Fact]
    public async Task A_late_subscriber_can_have_the_past_as_events()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await ClusterNode.Form(a, b);
        var events = a.Listen(ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.LeaderChanged));
        var up = new[] { events.Expect<ClusterEvent.MemberUp>().Member.Address, events.Expect<ClusterEvent.MemberUp>().Member.Address };
        Assert.Equal([a.Address, b.Address], up.OrderBy(x => x != a.Address));
        Assert.Equal(a.Cluster.State.Leader, events.Expect<ClusterEvent.LeaderChanged>().Leader);
    }

    [Fact]
    public async Task Leaving_ends_the_cluster_of_that_node_and_its_system_by_a_coordinated_shutdown()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await ClusterNode.Form(a, b);
        var removed = new TaskCompletionSource();
        b.Cluster.RegisterOnMemberRemoved(() => removed.TrySetResult());
        a.Cluster.Leave(b.Address);
        await removed.Task.WaitAsync(RemoteProbe.Deadline);
        await b.System.WhenTerminated.WaitAsync(RemoteProbe.Deadline);
        Assert.True(b.Cluster.IsTerminated);
        Assert.IsType<CoordinatedShutdown.ClusterLeavingReason>(CoordinatedShutdown.Get(b.System).ShutdownReason);
        await a.UntilGone(b.Address);
        Assert.Equal(a.Address, a.Cluster.State.Leader);
    }

    [Fact]
    public async Task Terminating_a_system_leaves_the_cluster_first()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await ClusterNode.Form(a, b);
        var events = b.Listen(typeof(ClusterEvent.MemberLeft), typeof(ClusterEvent.MemberRemoved), typeof(ClusterEvent.MemberDowned));
        events.Expect<ClusterEvent.CurrentClusterState>();
        await a.Terminate();
        Assert.Equal(a.Address, events.Expect<ClusterEvent.MemberLeft>().Member.Address);
        Assert.Equal(MemberStatus.Exiting, events.Expect<ClusterEvent.MemberRemoved>().PreviousStatus);
    }

    [Fact]
    public async Task A_single_node_can_leave()
    {
        await using var a = ClusterNode.Start();
        await ClusterNode.Form(a);
        await a.Cluster.LeaveAsync().WaitAsync(RemoteProbe.Deadline);
        await a.System.WhenTerminated.WaitAsync(RemoteProbe.Deadline);
    }

    [Fact]
    public async Task A_node_that_never_joined_terminates_in_order()
    {
        await using var a = ClusterNode.Start();
        var removed = new TaskCompletionSource();
        a.Cluster.RegisterOnMemberRemoved(() => removed.TrySetResult());
        await a.Terminate();
        await removed.Task.WaitAsync(RemoteProbe.Deadline);
        Assert.True(a.Cluster.IsTerminated);
    }

    [Fact]
    public async Task A_downed_node_is_removed_and_stops_itself()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await using var c = ClusterNode.Start();
        await ClusterNode.Form(a, b, c);
        var events = a.Listen(typeof(ClusterEvent.MemberDowned), typeof(ClusterEvent.MemberRemoved));
        events.Expect<ClusterEvent.CurrentClusterState>();
        var last = c.Listen(typeof(ClusterEvent.MemberDowned), typeof(ClusterEvent.MemberRemoved), typeof(ClusterEvent.ClusterShuttingDown));
        last.Expect<ClusterEvent.CurrentClusterState>();
        a.Cluster.Down(c.Address);
        // Why it ends is known there before it ends.
        Assert.Equal(c.Address, last.Expect<ClusterEvent.MemberDowned>().Member.Address);
        last.Expect<ClusterEvent.ClusterShuttingDown>();
        Assert.Equal(c.Address, events.Expect<ClusterEvent.MemberDowned>().Member.Address);
        Assert.Equal(MemberStatus.Down, events.Expect<ClusterEvent.MemberRemoved>().PreviousStatus);
        await b.UntilGone(c.Address);
        await c.System.WhenTerminated.WaitAsync(RemoteProbe.Deadline);
        Assert.IsType<CoordinatedShutdown.ClusterDowningReason>(CoordinatedShutdown.Get(c.System).ShutdownReason);
        Assert.True(c.Cluster.IsTerminated);
    }

    [Fact]
    public async Task Roles_have_leaders_of_their_own()
    {
        await using var a = ClusterNode.Start(hocon: "akka.cluster.roles = [x]");
        await using var b = ClusterNode.Start(hocon: "akka.cluster.roles = [x, y]");
        await ClusterNode.Form(a, b);
        Assert.Equal(["x"], a.Cluster.SelfRoles);
        Assert.True(a.Cluster.State.Members.Single(m => m.Address == b.Address).HasRole("y"));
        await a.Until(state => state.RoleLeader("y") == b.Address);
        Assert.Equal(a.Cluster.State.Leader, a.Cluster.State.RoleLeader("x"));
        Assert.Equal(["x", "y"], a.Cluster.State.AllRoles.Order(StringComparer.Ordinal));
        var events = a.Listen(typeof(ClusterEvent.RoleLeaderChanged));
        events.Expect<ClusterEvent.CurrentClusterState>();
        await b.Cluster.LeaveAsync().WaitAsync(RemoteProbe.Deadline);
        Assert.Null(events.FishFor<ClusterEvent.RoleLeaderChanged>(e => e.Role == "y").Leader);
    }

    [Fact]
    public async Task A_node_of_another_system_name_is_not_let_in()
    {
        await using var a = ClusterNode.Start();
        await ClusterNode.Form(a);
        await using var b = ClusterNode.Start();
        using var soon = new CancellationTokenSource(300);
        var other = new Address(a.Address.Protocol, "other", a.Address.Host, a.Address.Port);
        await Assert.ThrowsAsync<ClusterJoinFailedException>(() => b.Cluster.JoinAsync(other, soon.Token)).WaitAsync(RemoteProbe.Deadline);
        Assert.Single(a.Cluster.State.Members);
    }

    [Fact]
    public async Task A_join_can_be_given_up()
    {
        await using var a = ClusterNode.Start();
        using var soon = new CancellationTokenSource(300);
        var nobody = new Address(a.Address.Protocol, ClusterNode.Name, "127.0.0.1", Ports.Next());
        await Assert.ThrowsAsync<ClusterJoinFailedException>(() => a.Cluster.JoinAsync(nobody, soon.Token)).WaitAsync(RemoteProbe.Deadline);
        // The way is still free.
        await a.Cluster.JoinAsync(a.Address).WaitAsync(RemoteProbe.Deadline);
    }
}

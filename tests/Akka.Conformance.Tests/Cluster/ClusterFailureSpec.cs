using Akka.Actor;
using Akka.Cluster;
using Akka.Conformance.Tests.Remote;
using Akka.Remote;

namespace Akka.Conformance.Tests.Cluster;

/// <summary>Members that crash, are cut off, or come back as somebody else.</summary>
public sealed class ClusterFailureSpec
{
    [Fact]
    public async Task A_crashed_member_is_unreachable_until_it_is_downed_and_then_its_actors_are_dead()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await using var c = ClusterNode.StartMortal();
        await ClusterNode.Form(a, b, c);
        c.System.ActorOf(Props.Create(() => new EchoActor()), "echo");
        var echo = await a.System.ActorSelection(c.Address + "/user/echo").ResolveOne(RemoteProbe.Deadline);
        var watcher = a.Probe();
        watcher.Watch(echo);
        var events = a.Listen(typeof(ClusterEvent.IReachabilityEvent), typeof(ClusterEvent.IMemberEvent));
        var address = c.Address;
        await c.Terminate();
        Assert.Equal(address, events.FishFor<ClusterEvent.UnreachableMember>().Member.Address);
        Assert.Contains(a.Cluster.State.Members, m => m.Address == address && m.Status == MemberStatus.Up);
        a.Cluster.Down(address);
        Assert.Equal(MemberStatus.Down, events.FishFor<ClusterEvent.MemberRemoved>().PreviousStatus);
        await b.UntilGone(address);
        Assert.Equal(echo, watcher.Expect<Terminated>().ActorRef);
    }

    [Fact]
    public async Task Nobody_comes_up_or_goes_while_a_member_is_unreachable()
    {
        await using var a = ClusterNode.Start(hocon: "akka.cluster.allow-weakly-up-members = off");
        await using var b = ClusterNode.StartMortal();
        await using var c = ClusterNode.Start();
        await ClusterNode.Form(a, b);
        var address = b.Address;
        await b.Terminate();
        await a.Until(state => state.Unreachable.Count == 1);
        var up = a.Listen(typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.MemberJoined), typeof(ClusterEvent.MemberRemoved));
        up.Expect<ClusterEvent.CurrentClusterState>();
        c.Cluster.Join(a.Address);
        up.Expect<ClusterEvent.MemberJoined>();
        Assert.Contains(a.Cluster.State.Members, m => m.Address == c.Address && m.Status == MemberStatus.Joining);
        a.Cluster.Down(address);
        // One turn of the leader: who comes up is told before who goes.
        Assert.Equal(c.Address, up.Expect<ClusterEvent.MemberUp>().Member.Address);
        Assert.Equal(address, up.Expect<ClusterEvent.MemberRemoved>().Member.Address);
    }

    [Fact]
    public async Task A_member_restarted_on_its_port_replaces_its_former_self()
    {
        var port = Ports.Next();
        await using var a = ClusterNode.Start();
        var first = ClusterNode.StartMortal(port);
        await ClusterNode.Form(a, first);
        var events = a.Listen(typeof(ClusterEvent.IMemberEvent));
        events.Expect<ClusterEvent.CurrentClusterState>();
        var before = first.Cluster.SelfUniqueAddress;
        await first.Terminate();
        await using var second = ClusterNode.Start(port);
        await second.Cluster.JoinAsync(a.Address).WaitAsync(RemoteProbe.Deadline);
        Assert.NotEqual(before, second.Cluster.SelfUniqueAddress);
        Assert.Equal(before, events.FishFor<ClusterEvent.MemberDowned>().Member.UniqueAddress);
        Assert.Equal(before, events.FishFor<ClusterEvent.MemberRemoved>().Member.UniqueAddress);
        Assert.Equal(second.Cluster.SelfUniqueAddress, events.FishFor<ClusterEvent.MemberUp>().Member.UniqueAddress);
        // It can be talked to: what is refused is the former self.
        second.System.ActorOf(Props.Create(() => new EchoActor()), "echo");
        Assert.NotNull(await a.System.ActorSelection(second.Address + "/user/echo").ResolveOne(RemoteProbe.Deadline));
    }

    [Fact]
    public async Task A_downed_system_that_starts_again_in_the_process_comes_back_by_itself()
    {
        var port = Ports.Next();
        await using var a = ClusterNode.Start();
        var first = ClusterNode.Start(port);
        await ClusterNode.Form(a, first);
        a.Cluster.Down(first.Address);
        await first.System.WhenTerminated.WaitAsync(RemoteProbe.Deadline);
        await using var second = ClusterNode.Start(port);
        await second.Cluster.JoinAsync(a.Address).WaitAsync(RemoteProbe.Deadline);
        await a.UntilStatus(second.Address, MemberStatus.Up);
    }

    [Fact]
    public async Task A_member_that_is_downed_while_it_lives_is_quarantined()
    {
        await using var a = ClusterNode.Start();
        await using var b = ClusterNode.Start();
        await using var c = ClusterNode.Start(hocon: "akka.cluster.run-coordinated-shutdown-when-down = off");
        await ClusterNode.Form(a, b, c);
        var quarantined = a.Probe();
        a.System.EventStream.Subscribe(quarantined.Ref, typeof(QuarantinedEvent));
        a.Cluster.Down(c.Address);
        Assert.Equal(c.Address, quarantined.Expect<QuarantinedEvent>().Address);
    }
}

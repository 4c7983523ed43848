using Akka.Actor;
using Akka.Cluster;
using Akka.Conformance.Tests.Remote;

namespace Akka.Conformance.Tests.Cluster;

/// <summary>Links that are cut, and the split brain resolver.</summary>
public sealed class ClusterSplitSpec
{
    private const string Resolver = """
        akka.cluster.downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
        akka.cluster.split-brain-resolver.stable-after = 1 s
        """;

    [Fact]
    public async Task A_member_that_was_out_of_reach_for_a_while_is_reachable_again()
    {
        using var links = new ClusterLinks();
        await using var a = links.Start();
        await using var b = links.Start();
        await using var c = links.Start();
        await ClusterNode.Form(a, b, c);
        var events = a.Listen(typeof(ClusterEvent.IReachabilityEvent));
        links.Isolate(c);
        // On a busy machine another one may be suspected for a moment too.
        events.FishFor<ClusterEvent.UnreachableMember>(found => found.Member.Address == c.Address);
        await c.Until(state => state.Unreachable.Count == 2);
        links.Heal(c);
        events.FishFor<ClusterEvent.ReachableMember>(found => found.Member.Address == c.Address);
        foreach (var node in (ClusterNode[])[a, b, c])
            await node.Until(state => state.Unreachable.IsEmpty && state.Members.Count == 3);
    }

    [Fact]
    public async Task The_majority_downs_a_crashed_member_by_itself()
    {
        await using var a = ClusterNode.Start(hocon: Resolver);
        await using var b = ClusterNode.Start(hocon: Resolver);
        await using var c = ClusterNode.StartMortal(hocon: Resolver);
        await ClusterNode.Form(a, b, c);
        var address = c.Address;
        await c.Terminate();
        await a.UntilGone(address);
        await b.UntilGone(address);
        Assert.Equal(2, a.Cluster.State.Members.Count);
    }

    [Fact]
    public async Task Of_a_split_cluster_the_majority_stays_and_the_minority_stops()
    {
        using var links = new ClusterLinks();
        await using var a = links.Start(Resolver);
        await using var b = links.Start(Resolver);
        await using var c = links.Start(Resolver);
        await ClusterNode.Form(a, b, c);
        links.Isolate(c);
        await a.UntilGone(c.Address);
        await b.UntilGone(c.Address);
        await c.System.WhenTerminated.WaitAsync(RemoteProbe.Deadline);
        Assert.IsType<CoordinatedShutdown.ClusterDowningReason>(CoordinatedShutdown.Get(c.System).ShutdownReason);
        Assert.Equal(2, a.Cluster.State.Members.Count(m => m.Status == MemberStatus.Up));
    }
}

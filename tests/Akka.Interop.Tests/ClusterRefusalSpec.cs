using System.Globalization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Conformance.Tests.Remote;
using Akka.Event;

namespace Akka.Interop.Tests;

/// <summary>A node of one engine that wants into a cluster of the other is not let in, and our log says why.</summary>
public sealed class ClusterRefusalSpec
{
    private const string ClusterConfig = "akka.actor.provider = cluster\nakka.cluster.seed-node-timeout = 1 s\nakka.cluster.retry-unsuccessful-join-after = 1 s\n";

    private static string SeedOf(int port) => string.Create(CultureInfo.InvariantCulture, $"akka.cluster.seed-nodes = [\"akka.tcp://both@127.0.0.1:{port}\"]\n");

    private static void ExpectRefusal(RemoteProbe log)
        => log.FishFor<Error>(e => e.ToString()!.Contains("it runs official Akka.NET, and this node the embedded engine", StringComparison.Ordinal));

    [Fact]
    public async Task Our_node_finds_an_official_seed_node()
    {
        var port = Ports.Next();
        using var there = await Peer.Start("both", port, ClusterConfig + SeedOf(port));
        await using var here = RemoteNode.Start("both", 0, ClusterConfig);
        var log = here.Listen<Error>();
        Akka.Cluster.Cluster.Get(here.System).JoinSeedNodes([there.Address]);
        ExpectRefusal(log);
        Assert.Empty(Akka.Cluster.Cluster.Get(here.System).State.Members);
    }

    [Fact]
    public async Task An_official_node_finds_our_seed_node()
    {
        await using var here = RemoteNode.Start("both", 0, ClusterConfig);
        var cluster = Akka.Cluster.Cluster.Get(here.System);
        await cluster.JoinAsync(here.Address).WaitAsync(RemoteProbe.Deadline);
        var log = here.Listen<Error>();
        using var there = await Peer.Start("both", 0, ClusterConfig + SeedOf(here.Address.Port!.Value));
        ExpectRefusal(log);
        Assert.Single(cluster.State.Members);
    }
}

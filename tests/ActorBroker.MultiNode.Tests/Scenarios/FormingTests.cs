using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Processes;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>Nodes that are started together become one cluster, told by every one of them.</summary>
public class FormingTests(ITestOutputHelper output)
{
    [Fact]
    public Task Nodes_started_together_form_one_cluster() => ClusterProcesses.RunAsync(output, new ClusterShape(Proxied: true), async cluster =>
    {
        cluster.Say("all ready");
        var system = cluster.NewClient("client");
        foreach (var node in cluster.Nodes)
        {
            await using var view = new ClusterView(cluster, system, node.Setup.Address);
            var description = await view.Admin.DescribeClusterAsync();
            cluster.Say($"node {node.Id} says: cluster {description.ClusterId}, controller {description.Controller}, brokers {string.Join(',', description.Brokers)}");
            Assert.Equal(cluster.Nodes.Count, description.Brokers.Count);
        }
    });

    /// <summary>Of two replicas one is always where there is only one broker.</summary>
    [Fact]
    public Task Replicas_are_spread_over_racks() => ClusterProcesses.RunAsync(output, new ClusterShape(Racks: ["left", "left", "right"]), async cluster =>
    {
        await using var view = new ClusterView(cluster, cluster.NewClient("client"));
        var description = await view.Admin.DescribeClusterAsync();
        Assert.Equal(["left", "left", "right"], description.Brokers.Select(broker => broker.Rack));
        await view.CreateAsync("spread", partitions: 12, replicas: 2);
        await view.WaitInSyncAsync("spread");
        var partitions = await view.PartitionsAsync("spread");
        Assert.All(partitions, partition => Assert.Contains(partition.Replicas, id => id.Value == 3));
        Assert.Equal([1, 2, 3], partitions.Select(partition => partition.Leader.Value).Distinct().Order());
    });
}

using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Processes;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>Five nodes, three of them voters; the other two find the cluster by seeds.</summary>
public class FiveNodesTests(ITestOutputHelper output)
{
    private static readonly ClusterShape Shape = new(Nodes: 5, Voters: 3);

    /// <summary>A voter and a node that isn't one at the same time; then all at once, and back without the first voter.</summary>
    [Fact]
    public Task Killed_in_pairs_and_all_at_once() => ClusterProcesses.RunAsync(output, Shape, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 5);
        await cluster[2].KillAsync();
        await cluster[5].KillAsync();
        // Partitions with both of them have lost their minimum of in-sync replicas: they wait, and lose nothing.
        await load.MeasureAsync("a voter and another node restarted", () => cluster.StartAsync(5, 2));
        await load.View.WaitInSyncAsync(Workload.Topic);
        await load.MeasureAsync("all killed, restarted without the first voter", async () =>
        {
            await cluster.KillAllAsync();
            await cluster.StartAsync(5, 3, 4, 2);
        });
        await cluster[1].StartAsync();
        await load.FinishAsync();
    });

    [Fact]
    [Trait("Category", "Long")]
    public Task Each_killed_stopped_and_paused_in_turn() => ClusterProcesses.RunAsync(output, Shape, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 10);
        for (var round = 0; round < 2; round++)
        {
            foreach (var node in cluster.Nodes)
            {
                await load.KillAsync(cluster, node.Id);
                await load.StopAsync(cluster, node.Id);
                await load.PauseAsync(cluster, node.Id, TimeSpan.FromSeconds(10));
            }
        }

        await load.FinishAsync();
    });
}

using ActorBroker.Client;
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

    /// <summary>
    /// KIP-966: the in-sync replicas shrink to one, which dies too and stays away. Its records above the high watermark may
    /// go with it; those acknowledged with acks=all must be with an eligible replica, which leads without it.
    /// </summary>
    [Fact]
    public Task Last_replica_standing_dies() => ClusterProcesses.RunAsync(output, Shape, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 10, writers: [new WriterShape("hopeful", Acks.Leader)]);
        var partition = (await load.View.PartitionsAsync(Workload.Topic)).First(p => p.Replicas.Any(id => id.Value == 4) && p.Replicas.Any(id => id.Value == 5));
        var last = partition.Replicas.First(id => id.Value < 4).Value;
        await cluster[4].KillAsync();
        await cluster[5].KillAsync();
        await load.View.WaitAsync(Workload.Topic, partitions => partitions[partition.Index].InSync.All(id => id.Value == last), $"down to {last} in partition {partition.Index}");
        await Task.Delay(500);
        await load.MeasureAsync($"the last replica {last} of partition {partition.Index} killed, the others back", async () =>
        {
            await cluster[last].KillAsync();
            await cluster.StartAsync(4, 5);
        });
        await cluster[last].StartAsync();
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

using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Processes;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>kill -9, one node or all of them, and what was acknowledged.</summary>
public class KillTests(ITestOutputHelper output)
{
    /// <summary>Each in turn, a producer running throughout: production resumes by itself every time.</summary>
    [Fact]
    public Task Each_node_killed_in_turn() => KillInTurnAsync(rounds: 1);

    [Fact]
    [Trait("Category", "Long")]
    public Task Each_node_killed_in_turn_ten_times() => KillInTurnAsync(rounds: 10);

    /// <summary>Large batches under way: some reach a follower, some don't, some only half reach the leader.</summary>
    [Fact]
    public Task Leader_killed_in_the_middle_of_batches() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 3, writers:
        [
            new WriterShape("burst", RecordsPerSecond: 400, Padding: 2_000),
            new WriterShape("hopeful", Acks: ActorBroker.Client.Acks.Leader, RecordsPerSecond: 200, Padding: 500),
            new WriterShape("strict", RecordsPerSecond: 100, MaxInFlight: 1),
        ]);
        for (var partition = 0; partition < 2; partition++)
        {
            // It keeps leading until it is killed: the three partitions' first replicas differ.
            var leader = await load.View.LeaderAsync(Workload.Topic, partition);
            await load.KillAsync(cluster, leader, $", which leads partition {partition}");
        }

        await load.FinishAsync();
    });

    [Fact]
    public Task All_nodes_killed_and_restarted_without_the_first() => KillAllAsync("3,2");

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("1,2,3")]
    [InlineData("1,3,2")]
    [InlineData("2,1,3")]
    [InlineData("2,3,1")]
    [InlineData("3,1,2")]
    [InlineData("3,2,1")]
    [InlineData("1,2")]
    [InlineData("1,3")]
    [InlineData("2,3")]
    public Task All_nodes_killed_and_restarted_in_every_order(string order) => KillAllAsync(order);

    private Task KillInTurnAsync(int rounds) => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, writers: [new WriterShape("strict", RecordsPerSecond: 10, MaxInFlight: 1)]);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var node in cluster.Nodes) await load.KillAsync(cluster, node.Id);
        }

        await load.FinishAsync();
    });

    /// <param name="order">Those that are started, a second apart; the others follow once records flow.</param>
    private Task KillAllAsync(string order) => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        var first = order.Split(',').Select(int.Parse).ToList();
        await using var load = await Workload.StartAsync(cluster);
        await load.MeasureAsync($"all killed, {order} started", async () =>
        {
            await cluster.KillAllAsync();
            foreach (var id in first)
            {
                cluster[id].Start();
                await Task.Delay(1_000);
            }

            foreach (var id in first) await cluster[id].ReadyAsync();
        });
        foreach (var node in cluster.Nodes.Where(node => !node.IsRunning)) await node.StartAsync();
        await load.FinishAsync();
    });
}

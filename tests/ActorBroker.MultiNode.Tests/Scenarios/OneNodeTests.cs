using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Network;
using ActorBroker.MultiNode.Tests.Processes;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>One node by itself: nothing of the cluster is in the way, and the harness's own faults show without it.</summary>
public class OneNodeTests(ITestOutputHelper output)
{
    private static readonly ClusterShape One = new(Nodes: 1, Voters: 1);

    [Fact]
    public Task Killed_and_restarted_it_keeps_what_it_acknowledged() => ClusterProcesses.RunAsync(output, One, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 2, replicas: 1);
        for (var round = 0; round < 2; round++)
        {
            await load.MeasureAsync("killed and restarted", async () =>
            {
                await cluster[1].KillAsync();
                await cluster[1].StartAsync();
            });
        }

        await load.FinishAsync();
    });

    [Fact]
    public Task Cut_off_from_its_clients_it_loses_nothing() => ClusterProcesses.RunAsync(output, One with { Proxied = true }, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 2, replicas: 1);
        await load.MeasureAsync("cut off for a second, then refused", async () =>
        {
            cluster.Network.Isolate(ClusterProcesses.Name(1));
            await Task.Delay(1_000);
            cluster.Network.Heal();
            await load.FlowsAsync();
            cluster.Network.Cut([ClusterProcesses.Name(1)], cluster.Network.Systems, LinkState.Refused);
            cluster.Network.Heal();
        });
        await load.FinishAsync();
    });
}

using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Network;
using ActorBroker.MultiNode.Tests.Processes;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>
/// A leader is cut off from the other nodes, its own clients with it: two producers and a reader that still reach it and
/// nothing else. Both sides are written to, then all heals. What the cut-off side acknowledged with acks=all, and what its
/// reader was given, must be there; what it took with acks=1 may be cut off again.
/// </summary>
public class CutTests(ITestOutputHelper output)
{
    private static readonly ClusterShape Shape = new(Proxied: true);
    private static readonly TimeSpan CutFor = TimeSpan.FromSeconds(7);

    private enum Cut
    {
        BothWays,

        /// <summary>It hears the others, and they don't hear it.</summary>
        Mute,

        /// <summary>They hear it, and it doesn't hear them.</summary>
        Deaf,

        /// <summary>Connections are reset and refused.</summary>
        Refused,
    }

    [Fact]
    public Task Cut_off_both_ways_and_one_way() => CutOffAsync(Cut.BothWays, Cut.Deaf);

    [Fact]
    [Trait("Category", "Long")]
    public Task Cut_off_in_every_way_for_half_a_minute_each() =>
        CutOffAsync(TimeSpan.FromSeconds(30), [Cut.BothWays, Cut.Mute, Cut.Deaf, Cut.Refused, Cut.BothWays]);

    /// <summary>Followers notice that their connection is dead though nobody closed it.</summary>
    [Fact]
    public Task Half_open_connections_between_nodes() => ClusterProcesses.RunAsync(output, Shape, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        await load.MeasureAsync("connections between 1 and 2 are half open", () =>
        {
            cluster.Network.HalfOpen(ClusterProcesses.Name(1), ClusterProcesses.Name(2));
            return Task.CompletedTask;
        });
        await load.FinishAsync();
    });

    /// <summary>A node that misses the others one after the other may down each of them in its turn, as they down it.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public Task Cut_off_from_one_after_the_other() => ClusterProcesses.RunAsync(output, Shape, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 3);
        foreach (var milliseconds in new[] { 1_000, 2_000, 3_000, 4_000 })
        {
            await load.MeasureAsync($"node 1 cut off from 3, and {milliseconds} ms later from 2 and its clients", async () =>
            {
                cluster.Network.Cut([ClusterProcesses.Name(1)], [ClusterProcesses.Name(3)]);
                await Task.Delay(milliseconds);
                cluster.Network.Isolate(ClusterProcesses.Name(1));
                await Task.Delay(CutFor);
                await load.FlowsAsync();
                cluster.Network.Heal();
            });
            await load.View.WaitInSyncAsync(Workload.Topic);
        }

        await load.FinishAsync();
    });

    [Fact]
    [Trait("Category", "Long")]
    public Task A_slow_node() => ClusterProcesses.RunAsync(output, Shape, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        await load.MeasureAsync("150 ms to and from node 3", async () =>
        {
            foreach (var other in new[] { 1, 2 })
            {
                cluster.Network.Link(ClusterProcesses.Name(3), ClusterProcesses.Name(other)).Delay = TimeSpan.FromMilliseconds(150);
                cluster.Network.Link(ClusterProcesses.Name(other), ClusterProcesses.Name(3)).Delay = TimeSpan.FromMilliseconds(150);
            }

            await Task.Delay(5_000);
        });
        await load.FinishAsync();
    });

    private Task CutOffAsync(params Cut[] cuts) => CutOffAsync(CutFor, cuts);

    private Task CutOffAsync(TimeSpan duration, Cut[] cuts) => ClusterProcesses.RunAsync(output, Shape, async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 3);
        var inside = cluster.NewClient("inside");
        load.Write(new WriterShape("inside-all"), inside);
        load.Write(new WriterShape("inside-1", Acks.Leader), inside);
        load.Read("inside-reader", inside);
        await load.FlowsAsync();

        foreach (var cut in cuts)
        {
            var leader = await load.View.LeaderAsync(Workload.Topic, 0);
            await load.MeasureAsync($"node {leader} cut off: {cut}", async () =>
            {
                Apply(cluster, cut, leader, load.System.Name, inside.Name);
                await Task.Delay(duration);
                await load.FlowsAsync();
                cluster.Network.Heal();
            });
            await load.View.WaitInSyncAsync(Workload.Topic);
        }

        await load.FinishAsync();
    });

    private static void Apply(ClusterProcesses cluster, Cut cut, int id, string outside, string inside)
    {
        var cutOff = ClusterProcesses.Name(id);
        var others = cluster.Nodes.Where(node => node.Id != id).Select(node => ClusterProcesses.Name(node.Id)).ToList();
        cluster.Network.Cut([inside], others);
        cluster.Network.Cut([outside], [cutOff]);
        foreach (var other in others)
        {
            if (cut is Cut.Mute or Cut.BothWays) cluster.Network.CutOneWay(cutOff, other);
            if (cut is Cut.Deaf or Cut.BothWays) cluster.Network.CutOneWay(other, cutOff);
            if (cut is Cut.Refused) cluster.Network.Cut([cutOff], [other], LinkState.Refused);
        }
    }
}

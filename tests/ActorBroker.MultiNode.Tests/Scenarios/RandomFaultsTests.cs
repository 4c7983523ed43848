using System.Globalization;
using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Network;
using ActorBroker.MultiNode.Tests.Processes;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>
/// Faults drawn at random, overlapping, on any nodes, for any time, with producers and readers throughout; then all is
/// repaired and judged. Set ACTORBROKER_SEED to draw the same faults again (their timing remains the machine's).
/// </summary>
public class RandomFaultsTests(ITestOutputHelper output)
{
    [Fact]
    public Task For_a_short_while() => RunAsync(Seed(0), steps: 5);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public Task For_minutes(int number) => RunAsync(Seed(number), steps: 30);

    private static int Seed(int number) =>
        Environment.GetEnvironmentVariable("ACTORBROKER_SEED") is { Length: > 0 } fixedSeed ? int.Parse(fixedSeed, CultureInfo.InvariantCulture) : Environment.TickCount ^ number;

    private Task RunAsync(int seed, int steps) => ClusterProcesses.RunAsync(output, new ClusterShape(Proxied: true), async cluster =>
    {
        cluster.Say($"ACTORBROKER_SEED={seed}");
        var random = new Random(seed);
        await using var load = await Workload.StartAsync(cluster, partitions: 4, writers: [new WriterShape("hopeful", Acks.Leader), new WriterShape("strict", MaxInFlight: 1)]);
        for (var step = 0; step < steps; step++)
        {
            await StepAsync(cluster, random);
            await Task.Delay(random.Next(100, 6_000));
            // Now and then all is well for a moment, so that histories differ in more than their length.
            if (random.Next(3) > 0) continue;
            await RepairAsync(cluster);
            await load.FlowsAsync();
            cluster.Say("records flow");
        }

        await RepairAsync(cluster);
        await load.FinishAsync();
    });

    private static async Task StepAsync(ClusterProcesses cluster, Random random)
    {
        var node = cluster.Nodes[random.Next(cluster.Nodes.Count)];
        var other = cluster.Nodes.Where(one => one != node).ElementAt(random.Next(cluster.Nodes.Count - 1));
        var (name, otherName) = (ClusterProcesses.Name(node.Id), ClusterProcesses.Name(other.Id));
        switch (random.Next(9))
        {
            case 0 or 1 when node.IsRunning:
                cluster.Say($"kill {node.Id}");
                await node.KillAsync();
                break;
            case 0 or 1 or 2 when !node.IsRunning:
                cluster.Say($"start {node.Id}");
                node.Start();
                break;
            case 2 when !node.IsPaused:
                cluster.Say($"stop {node.Id}");
                node.SendTerminate();
                await Task.WhenAny(node.EndedAsync(), Task.Delay(random.Next(3_000)));
                if (node.IsRunning) await node.KillAsync();
                break;
            case 3 when node is { IsRunning: true, IsPaused: false }:
                cluster.Say($"pause {node.Id}");
                node.Pause();
                break;
            case 4 when node.IsPaused:
                cluster.Say($"resume {node.Id}");
                node.Resume();
                break;
            case 5:
                cluster.Say($"cut {node.Id} off");
                cluster.Network.Isolate(name);
                break;
            case 6:
                cluster.Say($"cut {node.Id} to {other.Id}");
                cluster.Network.CutOneWay(name, otherName, random.Next(2) == 0 ? LinkState.Stalled : LinkState.Refused);
                break;
            case 7:
                cluster.Say($"half-open {node.Id} and {other.Id}");
                cluster.Network.HalfOpen(name, otherName);
                break;
            default:
                cluster.Say("heal");
                cluster.Network.Heal();
                break;
        }
    }

    private static async Task RepairAsync(ClusterProcesses cluster)
    {
        cluster.Say("repair");
        cluster.Network.Heal();
        foreach (var node in cluster.Nodes.Where(node => node.IsPaused)) node.Resume();
        foreach (var node in cluster.Nodes.Where(node => !node.IsRunning)) node.Start();
        foreach (var node in cluster.Nodes) await node.ReadyAsync();
    }
}

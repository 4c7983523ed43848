using System.Globalization;
using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Network;
using ActorBroker.MultiNode.Tests.Processes;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>
/// The time without a successful acks=all produce, with default settings of nodes and producers: 6 partitions, replication
/// factor 3, three nodes. For each fault the longest silence of any partition concerned; median and worst over the rounds.
/// </summary>
public class MeasurementTests(ITestOutputHelper output)
{
    private const int Rounds = 5;
    private readonly Dictionary<string, List<TimeSpan>> _times = new(StringComparer.Ordinal);

    /// <summary>Kills, stops and pauses against the plain kernel, without proxies.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public Task Silence_after_faults_of_processes() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        for (var round = 0; round < Rounds; round++)
        {
            var controller = await load.View.ControllerAsync();
            Add("killed controller node", (await load.KillAsync(cluster, controller, ", the controller's")).Values.Max());

            controller = await load.View.ControllerAsync();
            var id = cluster.Nodes.Where(node => node.Id != controller).ElementAt(round % 2).Id;
            await load.View.ElectPreferredAsync(Workload.Topic);
            var led = (await load.View.PartitionsAsync(Workload.Topic)).Where(p => p.Leader.Value == id).Select(p => p.Index).ToHashSet();
            Assert.NotEmpty(led);
            var killed = await load.KillAsync(cluster, id);
            Add("killed leader", killed.Where(p => led.Contains(p.Key)).Max(p => p.Value));
            Add("killed follower", killed.Where(p => !led.Contains(p.Key)).Max(p => p.Value));

            Add("graceful stop", (await load.StopAsync(cluster, cluster.Nodes[round % 3].Id)).Values.Max());
            Add("paused node", (await load.PauseAsync(cluster, cluster.Nodes[round % 3].Id, TimeSpan.FromSeconds(15))).Values.Max());
        }

        Report(cluster);
        await load.FinishAsync();
    });

    /// <summary>The node loses the other nodes and the producer.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public Task Silence_after_a_cut() => ClusterProcesses.RunAsync(output, new ClusterShape(Proxied: true), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        for (var round = 0; round < Rounds; round++)
        {
            var id = cluster.Nodes[round % 3].Id;
            var silences = await load.MeasureAsync($"node {id} cut off", async () =>
            {
                cluster.Network.Isolate(ClusterProcesses.Name(id));
                await Task.Delay(TimeSpan.FromSeconds(15));
            });
            Add("cut-off node", silences.Values.Max());
            cluster.Network.Heal();
            await load.View.WaitInSyncAsync(Workload.Topic);
        }

        Report(cluster);
        await load.FinishAsync();
    });

    private void Add(string fault, TimeSpan silence)
    {
        if (!_times.TryGetValue(fault, out var times)) _times[fault] = times = [];
        times.Add(silence);
    }

    private void Report(ClusterProcesses cluster)
    {
        cluster.Say("| fault | rounds | median | worst |");
        foreach (var (fault, times) in _times)
        {
            times.Sort();
            cluster.Say(string.Create(CultureInfo.InvariantCulture, $"| {fault} | {times.Count} | {times[times.Count / 2].TotalSeconds:0.00} s | {times[^1].TotalSeconds:0.00} s |"));
        }
    }
}

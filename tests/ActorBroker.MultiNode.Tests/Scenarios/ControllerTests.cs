using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Processes;
using ActorBroker.Protocol;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>The controller's node dies in the middle of a decision, or lives on cut off beside its successor.</summary>
public class ControllerTests(ITestOutputHelper output)
{
    private const int Partitions = 5;

    /// <summary>A topic whose creation was answered is there whole; any other is there whole or not at all, and can be created afterwards.</summary>
    [Fact]
    public Task Killed_in_the_middle_of_creating_topics() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        var created = new List<string>();
        await using var view = new ClusterView(cluster, load.System);
        for (var round = 0; round < 2; round++)
        {
            var controller = await load.View.ControllerAsync();
            using var stop = new CancellationTokenSource();
            var creating = CreateUntilAsync(view.Admin, $"round-{round}", created, stop.Token);
            // A different moment of a creation each time.
            await Task.Delay(150 + (100 * round));
            await load.MeasureAsync($"the controller's node {controller} killed", () => cluster[controller].KillAsync());
            await Task.Delay(1_000);
            await stop.CancelAsync();
            await creating;
            await cluster[controller].StartAsync();
            await load.View.WaitInSyncAsync(Workload.Topic);
        }

        Assert.NotEmpty(created);
        cluster.Say($"{created.Count} topics created");
        foreach (var topic in created)
            await load.View.WaitAsync(topic, partitions => partitions.Count == Partitions && partitions.All(p => p.Leader.Value >= 0), "whole");
        await load.FinishAsync();
    });

    /// <summary>
    /// The controller's node is cut off from the others but alive, and its clients ask it for a topic; beyond the cut a new
    /// controller is asked for another. The old one must not get its decision through; after healing all nodes agree.
    /// </summary>
    [Fact]
    public Task Two_controllers_alive_at_once() => ClusterProcesses.RunAsync(output, new ClusterShape(Proxied: true), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 3);
        var old = await load.View.ControllerAsync();
        var name = ClusterProcesses.Name(old);
        var inside = cluster.NewClient("inside");
        await using var insideView = new ClusterView(cluster, inside, cluster[old].Setup.Address);
        Assert.Equal(old, await insideView.ControllerAsync());

        cluster.Network.Isolate(name, inside.Name);
        cluster.Network.Cut([inside.Name], cluster.Nodes.Where(node => node.Id != old).Select(node => ClusterProcesses.Name(node.Id)).ToList());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        var minority = insideView.Admin.CreateTopicsAsync([new NewTopic("minority", Partitions, 1)], cancellation: patience.Token);
        await load.View.CreateAsync("majority", Partitions, 2);
        cluster.Say("the majority has created a topic");
        Assert.NotEqual(old, await load.View.ControllerAsync());
        var acknowledged = await Outcome(minority);
        cluster.Say($"the minority answered {acknowledged?.ToString() ?? "nothing"}");
        Assert.NotEqual(ErrorCode.None, acknowledged ?? ErrorCode.RequestTimedOut);

        cluster.Network.Heal();
        await load.View.WaitInSyncAsync(Workload.Topic);
        foreach (var node in cluster.Nodes)
        {
            await using var view = new ClusterView(cluster, load.System, node.Setup.Address);
            await view.WaitAsync("majority", partitions => partitions.Count == Partitions, "known everywhere");
        }

        await load.FinishAsync();
    });

    /// <summary>Creates topics one after the other; adds those to <paramref name="created"/> that it was told are there.</summary>
    private static async Task CreateUntilAsync(AdminClient admin, string prefix, List<string> created, CancellationToken stop)
    {
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var topic = $"{prefix}-{number}";
            var result = (await admin.CreateTopicsAsync([new NewTopic(topic, Partitions, 3)], cancellation: CancellationToken.None))[0];
            // Its own earlier try, whose answer was lost, or two brokers' worth of nodes for three replicas.
            if (result.Succeeded || result.Error == ErrorCode.TopicAlreadyExists) created.Add(topic);
            else if (result.Error != ErrorCode.InvalidReplicationFactor) Assert.Fail($"{topic}: {result.Error} {result.Message}");
        }
    }

    private static async Task<ErrorCode?> Outcome(Task<IReadOnlyList<TopicResult>> creating)
    {
        try
        {
            return (await creating)[0].Error;
        }
        catch (Exception e) when (e is OperationCanceledException or AdminException)
        {
            return null;
        }
    }
}

using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Processes;
using ActorBroker.Protocol;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>What happens to nodes short of a crash, and worse: stops, pauses, hasty restarts, lost disks. They come back by themselves.</summary>
public class NodeLifeTests(ITestOutputHelper output)
{
    /// <summary>Shorter than a session.</summary>
    private static readonly TimeSpan Hiccup = TimeSpan.FromSeconds(1.5);

    private static readonly TimeSpan Session = TimeSpan.FromSeconds(4.5);

    /// <summary>Longer than a session and than the cluster's patience.</summary>
    private static readonly TimeSpan LongPause = TimeSpan.FromSeconds(8);

    /// <summary>No error reaches any client, and nothing is sent twice.</summary>
    [Fact]
    public Task Graceful_stops() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        foreach (var node in cluster.Nodes) await load.StopAsync(cluster, node.Id);
        await load.FinishAsync();
    });

    [Fact]
    public Task Pauses_shorter_and_longer_than_a_session() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        await load.HiccupAsync(cluster, 2, Hiccup);
        await load.PauseAsync(cluster, await load.View.ControllerAsync(), LongPause);
        await load.FinishAsync();
    });

    [Fact]
    [Trait("Category", "Long")]
    public Task A_pause_of_a_minute() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        foreach (var node in cluster.Nodes) await load.PauseAsync(cluster, node.Id, TimeSpan.FromMinutes(1));
        await load.FinishAsync();
    });

    /// <summary>Killed, started, killed again in the middle of its start, started.</summary>
    [Fact]
    public Task Restarted_twice_within_seconds() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        var controller = await load.View.ControllerAsync();
        foreach (var id in new[] { cluster.Nodes.First(node => node.Id != controller).Id, controller })
        {
            await load.MeasureAsync($"node {id} restarted twice", async () =>
            {
                await cluster[id].KillAsync();
                cluster[id].Start();
                await Task.Delay(1_500);
                await cluster[id].KillAsync();
                await cluster[id].StartAsync();
            });
            await load.View.WaitInSyncAsync(Workload.Topic);
        }

        await load.FinishAsync();
    });

    /// <summary>A node with an empty disk is a new incarnation: it counts for nothing until it is let in, and fills up again.</summary>
    [Fact]
    public Task A_disk_is_lost() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster);
        foreach (var id in new[] { await load.View.LeaderAsync(Workload.Topic, 0), await load.View.ControllerAsync() }.Distinct())
        {
            await load.MeasureAsync($"node {id} lost its disk", async () =>
            {
                await cluster[id].KillAsync();
                cluster[id].Wipe();
                await cluster[id].StartAsync();
            });
            await load.View.WaitInSyncAsync(Workload.Topic);
        }

        await load.FinishAsync();
    });

    /// <summary>Two of three voters paused for longer than a session: nothing is decided meanwhile, and afterwards what was asked for.</summary>
    [Fact]
    public Task Most_voters_are_paused() => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, partitions: 3);
        var controller = await load.View.ControllerAsync();
        await using var view = new ClusterView(cluster, load.System, cluster[controller].Setup.Address);
        var others = cluster.Nodes.Where(node => node.Id != controller).ToList();
        foreach (var node in others) node.Pause();
        var creating = view.Admin.CreateTopicsAsync([new NewTopic("late", 1, 1)]);
        await Task.Delay(Session);
        Assert.False(creating.IsCompleted, "a topic was created without a majority of voters");
        await load.MeasureAsync("two voters of three paused", () =>
        {
            foreach (var node in others) node.Resume();
            return Task.CompletedTask;
        });
        var created = (await creating)[0];
        Assert.True(created.Succeeded || created.Error == ErrorCode.TopicAlreadyExists, $"{created.Error} {created.Message}");
        await load.FinishAsync();
    });
}

using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Processes;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>Faults of processes, each with its return to normal; all of them wait until every replica is in sync again.</summary>
internal static class Faults
{
    public static Task<IReadOnlyDictionary<int, TimeSpan>> KillAsync(this Workload load, ClusterProcesses cluster, int id, string role = "") =>
        load.FaultAsync(cluster, id, $"kill -9 of node {id}{role}", () => cluster[id].KillAsync(), () => cluster[id].StartAsync());

    public static Task<IReadOnlyDictionary<int, TimeSpan>> StopAsync(this Workload load, ClusterProcesses cluster, int id) =>
        load.FaultAsync(
            cluster,
            id,
            $"graceful stop of node {id}",
            async () => Assert.Equal(0, await cluster[id].StopAsync()),
            () => cluster[id].StartAsync());

    /// <summary>Paused and resumed again, whether the others noticed or not.</summary>
    public static Task<IReadOnlyDictionary<int, TimeSpan>> HiccupAsync(this Workload load, ClusterProcesses cluster, int id, TimeSpan pause) =>
        load.FaultAsync(
            cluster,
            id,
            $"node {id} paused for {pause.TotalSeconds} s and resumed",
            async () =>
            {
                cluster[id].Pause();
                await Task.Delay(pause);
                cluster[id].Resume();
            },
            () => Task.CompletedTask);

    /// <summary>At least that long, and until records flow without the node.</summary>
    public static Task<IReadOnlyDictionary<int, TimeSpan>> PauseAsync(this Workload load, ClusterProcesses cluster, int id, TimeSpan pause) =>
        load.FaultAsync(
            cluster,
            id,
            $"node {id} paused for {pause.TotalSeconds} s",
            async () =>
            {
                cluster[id].Pause();
                await Task.Delay(pause);
            },
            () =>
            {
                cluster[id].Resume();
                return Task.CompletedTask;
            });

    private static async Task<IReadOnlyDictionary<int, TimeSpan>> FaultAsync(
        this Workload load, ClusterProcesses cluster, int id, string what, Func<Task> fault, Func<Task> repair)
    {
        var silences = await load.MeasureAsync(what, fault);
        await repair();
        await load.View.WaitInSyncAsync(Workload.Topic);
        cluster.Say($"node {id} is back in sync");
        return silences;
    }
}

using System.Diagnostics;

namespace ActorBroker.Cli.Dev;

/// <summary>
/// Runs a local cluster: starts its nodes, says when all serve, starts one again that ends unasked (kill one, to see what
/// happens), and stops them all in order. A node that can't even start ends the whole.
/// </summary>
internal static class DevCluster
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(80);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(2);

    /// <param name="cancellation">Ctrl-C or SIGTERM: stop cleanly.</param>
    public static async Task<int> RunAsync(DevPlan plan, DevOutput output, CancellationToken cancellation)
    {
        var began = Stopwatch.StartNew();
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellation.Register(() => stop.TrySetResult());
        var nodes = Enumerable.Range(1, plan.Nodes).Select(id => DevNode.Start(plan, id, output)).ToArray();
        var failed = false;
        try
        {
            var ready = Task.WhenAll(nodes.Select(node => node.Ready));
            if (await Task.WhenAny([stop.Task, ready, .. nodes.Select(node => node.Ended)]) == ready) output.Ready(plan, began.Elapsed);
            while (!stop.Task.IsCompleted && !failed)
            {
                await Task.WhenAny([stop.Task, .. nodes.Select(node => node.Ended)]);
                failed = !stop.Task.IsCompleted && !await RestartEndedAsync(plan, nodes, output, stop.Task);
            }
        }
        finally
        {
            await StopAllAsync(nodes, output);
        }

        return failed ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>False when one ended that had never served.</summary>
    private static async Task<bool> RestartEndedAsync(DevPlan plan, DevNode[] nodes, DevOutput output, Task stop)
    {
        for (var i = 0; i < nodes.Length; i++)
        {
            if (!nodes[i].Ended.IsCompleted) continue;
            var code = await nodes[i].Ended;
            if (!nodes[i].Ready.IsCompleted)
            {
                output.Note($"node {nodes[i].Id} could not start (exit code {code}): the cluster stops");
                return false;
            }

            output.Note($"node {nodes[i].Id} ended (exit code {code}); it is started again in {RestartPause.TotalSeconds:0} s");
            await Task.WhenAny(stop, Task.Delay(RestartPause, CancellationToken.None));
            if (stop.IsCompleted) return true;
            nodes[i] = DevNode.Start(plan, nodes[i].Id, output);
        }

        return true;
    }

    private static async Task StopAllAsync(DevNode[] nodes, DevOutput output)
    {
        foreach (var node in nodes) node.Stop();
        var ended = Task.WhenAll(nodes.Select(node => node.Ended));
        if (await Task.WhenAny(ended, Task.Delay(StopPatience, CancellationToken.None)) == ended) return;
        foreach (var node in nodes.Where(node => !node.Ended.IsCompleted))
        {
            output.Note($"node {node.Id} did not stop within {StopPatience.TotalSeconds:0} s and is killed");
            node.Kill();
        }

        await ended;
    }
}

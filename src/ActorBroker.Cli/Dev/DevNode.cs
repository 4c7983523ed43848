using System.Diagnostics;
using System.Text.Json;

namespace ActorBroker.Cli.Dev;

/// <summary>
/// One node's process. It stops in order when its standard input ends, which also happens when this process dies, however: no
/// node is ever left behind.
/// </summary>
internal sealed class DevNode
{
    private readonly Process _process;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private DevNode(int id, Process process, DevOutput output)
    {
        Id = id;
        _process = process;
        var drained = Task.WhenAll(DrainAsync(process.StandardOutput, OnOutput), DrainAsync(process.StandardError, line => output.Node(id, line)));
        Ended = EndAsync(drained);
    }

    public int Id { get; }

    /// <summary>Completes when the node serves; never when it ends before.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Completes with the exit code when the process has ended and all it said was passed on.</summary>
    public Task<int> Ended { get; }

    public static DevNode Start(DevPlan plan, int id, DevOutput output)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // Started as `dotnet actorbroker.dll`, the process is dotnet's: it needs to be told the program.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(DevNode).Assembly.Location);
        foreach (var argument in plan.Arguments(id)) start.ArgumentList.Add(argument);
        return new DevNode(id, Process.Start(start)!, output);
    }

    public void Stop()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already.
        }
    }

    public void Kill() => _process.Kill();

    private async Task<int> EndAsync(Task drained)
    {
        await _process.WaitForExitAsync();
        await drained;
        var code = _process.ExitCode;
        _process.Dispose();
        return code;
    }

    private void OnOutput(string line)
    {
        using var json = JsonDocument.Parse(line);
        if (json.RootElement.GetProperty("event").GetString() == "ready") _ready.TrySetResult();
    }

    private static async Task DrainAsync(StreamReader reader, Action<string> take)
    {
        while (await reader.ReadLineAsync() is { } line) take(line);
    }
}

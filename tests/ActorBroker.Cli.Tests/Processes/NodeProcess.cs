using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace ActorBroker.Cli.Tests.Processes;

/// <summary>
/// A node in a process of its own, with a data folder and a port that stay the same over restarts. Disposing kills
/// the process and removes the folder.
/// </summary>
internal sealed partial class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly bool _ownsFolder;
    private Process? _process;
    private Task _draining = Task.CompletedTask;
    private readonly StringBuilder _output = new();

    public NodeProcess(string? dataDirectory = null, int? port = null)
    {
        _ownsFolder = dataDirectory is null;
        DataDirectory = dataDirectory ?? Directory.CreateTempSubdirectory("actorbroker-test-").FullName;
        Port = port ?? Ports.Next();
    }

    public string DataDirectory { get; }

    public int Port { get; }

    public string Bootstrap => $"127.0.0.1:{Port}";

    public int ProcessId => _process!.Id;

    /// <summary>All lines printed so far, of every run.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public static async Task<NodeProcess> StartNewAsync(params string[] extraArgs)
    {
        var node = new NodeProcess();
        await node.StartAsync(extraArgs);
        return node;
    }

    /// <summary>Returns the line of readiness once the node has printed it.</summary>
    public async Task<JsonElement> StartAsync(params string[] extraArgs)
    {
        _process = CliProcess.Start(["start", "--port", $"{Port}", "--kafka-port", "off", "--data", DataDirectory, "--json", .. extraArgs]);
        _process.StandardInput.Close();
        var ready = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _draining = Task.WhenAll(DrainAsync(_process.StandardOutput, ready), DrainAsync(_process.StandardError, ready: null));
        _ = _draining.ContinueWith(_ => ready.TrySetException(new InvalidOperationException($"The node ended before it was ready:\n{Output}")), TaskScheduler.Default);
        return await ready.Task.WaitAsync(Deadline);
    }

    /// <summary>kill -9: nothing in the process runs any more.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await EndedAsync();
    }

    public void Signal(PosixSignal signal) => Assert.Equal(0, Kill(_process!.Id, signal switch
    {
        PosixSignal.SIGINT => 2,
        PosixSignal.SIGTERM => 15,
        _ => throw new ArgumentOutOfRangeException(nameof(signal)),
    }));

    /// <summary>SIGTERM, and the exit code it led to.</summary>
    public async Task<int> StopAsync()
    {
        Signal(PosixSignal.SIGTERM);
        return await EndedAsync();
    }

    public async Task<int> EndedAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        await _process!.WaitForExitAsync(deadline.Token);
        await _draining.WaitAsync(Deadline);
        var code = _process.ExitCode;
        _process.Dispose();
        _process = null;
        return code;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await KillAsync();
        if (_ownsFolder) Directory.Delete(DataDirectory, recursive: true);
    }

    private async Task DrainAsync(StreamReader reader, TaskCompletionSource<JsonElement>? ready)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_output) _output.AppendLine(line);
            if (ready is not null && line.StartsWith("{\"event\":\"ready\"", StringComparison.Ordinal))
                ready.TrySetResult(JsonDocument.Parse(line).RootElement);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}

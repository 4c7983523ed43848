using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.MultiNode.Tests.Processes;

/// <summary>How one node is started; the same over all its restarts.</summary>
/// <param name="Port">What it binds for Akka.Remote.</param>
/// <param name="ReplicationPort">What it binds for followers.</param>
/// <param name="PublicPort">What others use: <paramref name="Port"/>, or a proxy's.</param>
/// <param name="PublicReplicationPort">The same for <paramref name="ReplicationPort"/>.</param>
/// <param name="Arguments">Of <c>actorbroker start</c>, without <c>--data</c>.</param>
internal sealed record NodeSetup(int Id, int Port, int ReplicationPort, int PublicPort, int PublicReplicationPort, string Folder, IReadOnlyList<string> Arguments)
{
    public string Address => $"127.0.0.1:{PublicPort}";

    public string Data => Path.Combine(Folder, $"node-{Id}");
}

/// <summary>One node in a process of its own: started, killed, paused, stopped, wiped, any number of times. Keeps all output.</summary>
internal sealed partial class NodeProcess(NodeSetup setup) : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    /// <summary>Exit code of a process that SIGKILL ended.</summary>
    private const int Killed = 128 + 9;

    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "ActorBroker.Cli.dll");

    private readonly StringBuilder _output = new();
    private Process? _process;
    private Task<int>? _ended;
    private TaskCompletionSource<JsonElement> _ready = NewReady();
    private int _runs;
    private bool _endAsked;

    public NodeSetup Setup => setup;

    public int Id => setup.Id;

    public string Data => setup.Data;

    public bool IsRunning => _process is { HasExited: false };

    public bool IsPaused { get; private set; }

    public int ProcessId => IsRunning ? _process!.Id : -1;

    /// <summary>Ends that nobody asked for, and stops that did not go well.</summary>
    public ConcurrentQueue<string> Crashes { get; } = new();

    /// <summary>All lines of every run, each with the time it came.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Starts the process; <see cref="ReadyAsync"/> waits for its line of readiness.</summary>
    public void Start()
    {
        if (IsRunning) throw new InvalidOperationException($"Node {Id} runs already.");
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(Program);
        foreach (var argument in (IEnumerable<string>)["start", "--kafka-port", "off", "--data", Data, .. setup.Arguments]) start.ArgumentList.Add(argument);
        StartSettings.Apply(start);

        Note($"run {++_runs}");
        var ready = _ready = NewReady();
        (IsPaused, _endAsked) = (false, false);
        var process = _process = Process.Start(start)!;
        Watchdog.Instance.Watch(process.Id);
        process.StandardInput.Close();
        _ended = EndAsync(process, ready, Task.WhenAll(DrainAsync(process.StandardOutput, ready), DrainAsync(process.StandardError, ready: null)));
    }

    public async Task<JsonElement> ReadyAsync()
    {
        try
        {
            return await _ready.Task.WaitAsync(Deadline);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Node {Id} was not ready within {Deadline.TotalSeconds} s of being started.", e);
        }
    }

    public Task StartAsync()
    {
        Start();
        return ReadyAsync();
    }

    /// <summary>kill -9: nothing in the process runs any more, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        Send(9);
        await EndedAsync();
    }

    /// <summary>SIGKILL without waiting, for killing several at the same moment.</summary>
    public void SendKill() => Send(9);

    /// <summary>SIGSTOP: its sockets stay open, and the kernel goes on to accept for it.</summary>
    public void Pause()
    {
        Send(19);
        IsPaused = true;
    }

    public void Resume()
    {
        Send(18);
        IsPaused = false;
    }

    public void SendTerminate() => Send(15);

    /// <summary>SIGTERM, and the exit code it led to.</summary>
    public async Task<int> StopAsync()
    {
        SendTerminate();
        return await EndedAsync();
    }

    public async Task<int> EndedAsync()
    {
        try
        {
            return await (_ended ?? throw new InvalidOperationException($"Node {Id} was never started.")).WaitAsync(Deadline);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Node {Id} did not end within {Deadline.TotalSeconds} s.", e);
        }
    }

    /// <summary>A new, empty disk. Only while the node is down.</summary>
    public void Wipe()
    {
        if (IsRunning) throw new InvalidOperationException($"Node {Id} runs.");
        Note("wiped");
        if (Directory.Exists(Data)) Directory.Delete(Data, recursive: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended is null) return;
        if (IsRunning) Send(9);
        await EndedAsync();
        _process!.Dispose();
    }

    private async Task<int> EndAsync(Process process, TaskCompletionSource<JsonElement> ready, Task draining)
    {
        var id = process.Id;
        await process.WaitForExitAsync();
        await draining;
        Watchdog.Instance.Forget(id);
        Note($"ended with {process.ExitCode}");
        if (!_endAsked || process.ExitCode is not (0 or Killed)) Crashes.Enqueue($"node {Id} ended with {process.ExitCode} in run {_runs}");
        ready.TrySetException(new InvalidOperationException($"Node {Id} ended with {process.ExitCode} before it was ready."));
        return process.ExitCode;
    }

    private void Send(int signal)
    {
        Note($"signal {signal}");
        _endAsked |= signal is 9 or 15;
        if (Kill(_process!.Id, signal) != 0 && IsRunning)
            throw new InvalidOperationException($"Node {Id}: kill -{signal} failed with {Marshal.GetLastPInvokeError()}.");
    }

    private void Note(string what)
    {
        lock (_output) _output.Append(CultureInfo.InvariantCulture, $"----- {DateTime.UtcNow:HH:mm:ss.fff} node {Id}: {what}\n");
    }

    private async Task DrainAsync(StreamReader reader, TaskCompletionSource<JsonElement>? ready)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_output) _output.Append(line).Append('\n');
            if (ready is null || !line.StartsWith("{\"event\":\"ready\"", StringComparison.Ordinal)) continue;
            Note("ready");
            ready.TrySetResult(JsonDocument.Parse(line).RootElement);
        }
    }

    private static TaskCompletionSource<JsonElement> NewReady()
    {
        var ready = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Whoever doesn't wait for it learns from the process's end.
        _ = ready.Task.ContinueWith(static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return ready;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}

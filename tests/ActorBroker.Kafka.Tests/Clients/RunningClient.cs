using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>A client's process that runs beside the test: it is fed lines, and what it prints is kept as it comes. Disposing kills it.</summary>
internal sealed class RunningClient : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private readonly Process _process;
    private readonly Task _reading;
    private readonly StringBuilder _error = new();

    public RunningClient(ProcessStartInfo start)
    {
        _process = Process.Start(start)!;
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput, Lines.Enqueue), ReadAsync(_process.StandardError, line => _error.AppendLine(line)));
    }

    public ConcurrentQueue<string> Lines { get; } = [];

    public async Task FeedAsync(string line) => await _process.StandardInput.WriteAsync(line + "\n");

    /// <summary>No more lines; completes when it has ended with 0.</summary>
    public async Task FinishAsync()
    {
        _process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(Deadline);
        await _process.WaitForExitAsync(deadline.Token);
        await _reading.WaitAsync(Deadline);
        Assert.True(_process.ExitCode == 0, $"exit code {_process.ExitCode}\n{string.Join('\n', Lines.TakeLast(20))}\n{_error}");
    }

    /// <summary>kill -9, and of what it started too.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading.WaitAsync(Deadline);
    }

    /// <summary>What it complained of.</summary>
    public async Task<string> EndAsync()
    {
        if (!_process.HasExited) await KillAsync();
        return _error.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _process.Dispose();
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> keep)
    {
        while (await reader.ReadLineAsync() is { } line) keep(line);
    }
}

using System.Diagnostics;
using System.Globalization;

namespace ActorBroker.Benchmarks;

/// <summary>A program beside this one: the broker, or the bare peer it is compared with. Killed when disposed.</summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly string Pipe = $"actorbroker-bench-{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}";

    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    /// <summary>Bytes, since it began; only where it was started counted.</summary>
    public long Allocated => StartupHook.AskAllocated(Pipe, _process.Id);

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Bytes.</summary>
    public long ResidentMemory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public static ChildProcess Start(string program, params IEnumerable<string> arguments) => Start(Plan(program, arguments));

    /// <summary>A .NET program that can be asked what it allocated.</summary>
    public static ChildProcess StartCounted(string program, params IEnumerable<string> arguments)
    {
        var plan = Plan(program, arguments);
        plan.Environment["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location;
        plan.Environment[StartupHook.PipeVariable] = Pipe;
        return Start(plan);
    }

    /// <summary>This program once more.</summary>
    public static ChildProcess StartSelf(params IEnumerable<string> arguments) => Start(Environment.ProcessPath!, arguments);

    private static ProcessStartInfo Plan(string program, IEnumerable<string> arguments) =>
        new(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false };

    private static ChildProcess Start(ProcessStartInfo plan) =>
        new(Process.Start(plan) ?? throw new InvalidOperationException($"{plan.FileName} can't be started"));

    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"{_process.StartInfo.FileName} ended without a word");

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace ActorBroker.Cli.Tests.Processes;

/// <summary>What a finished run of the program left.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Error)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>Runs the real program in a process of its own, as a user would.</summary>
internal static class CliProcess
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    /// <summary>The program beside the tests, unless their project names another build of it.</summary>
    private static readonly string Program = typeof(CliProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == "CliPath")?.Value
        ?? Path.Combine(AppContext.BaseDirectory, "ActorBroker.Cli.dll");

    /// <summary>A shell ignores Ctrl-C for what it runs in the background, tests included, and every child inherits that. A user's node does not.</summary>
    private static readonly bool IgnoresInterrupt = OperatingSystem.IsLinux() && IgnoredSignals().HasFlag(Signals.Interrupt);

    [Flags]
    private enum Signals : ulong
    {
        None = 0,
        Interrupt = 1 << 1,
    }

    public static Process Start(params string[] args)
    {
        var start = new ProcessStartInfo(IgnoresInterrupt ? "env" : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (IgnoresInterrupt)
        {
            start.ArgumentList.Add("--default-signal=INT");
            start.ArgumentList.Add("dotnet");
        }

        start.ArgumentList.Add(Program);
        foreach (var arg in args) start.ArgumentList.Add(arg);
        StartSettings.Apply(start);
        return Process.Start(start)!;
    }

    public static Task<CliResult> RunAsync(params string[] args) => RunAsync(input: null, args);

    public static async Task<CliResult> RunAsync(byte[]? input, params string[] args)
    {
        using var process = Start(args);
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            if (input is not null) await process.StandardInput.BaseStream.WriteAsync(input, deadline.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(deadline.Token);
            return new CliResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"actorbroker {string.Join(' ', args)} did not end within {Deadline.TotalSeconds} s.", e);
        }
    }

    private static Signals IgnoredSignals()
    {
        const string Key = "SigIgn:";
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
        return line is null ? Signals.None : (Signals)ulong.Parse(line.AsSpan(Key.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}

#pragma warning disable MA0047 // the runtime looks for it in no namespace
using System.Globalization;
using System.IO.Pipes;

/// <summary>
/// Loaded by the runtime into node processes (DOTNET_STARTUP_HOOKS; its name and place are the runtime's), where it tells
/// how many bytes were allocated there, to whoever opens the pipe that <see cref="PipeVariable"/> names.
/// </summary>
internal static class StartupHook
{
    public const string PipeVariable = "ACTORBROKER_BENCH_PIPE";

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(PipeVariable) is not { } prefix) return;
        new Thread(() => Serve(Name(prefix, Environment.ProcessId))) { IsBackground = true }.Start();
    }

    /// <summary>Since the process began.</summary>
    public static long AskAllocated(string prefix, int process)
    {
        using var pipe = new NamedPipeClientStream(".", Name(prefix, process), PipeDirection.In);
        pipe.Connect();
        Span<byte> answer = stackalloc byte[sizeof(long)];
        pipe.ReadExactly(answer);
        return BitConverter.ToInt64(answer);
    }

    private static string Name(string prefix, int process) => $"{prefix}-{process.ToString(CultureInfo.InvariantCulture)}";

    private static void Serve(string name)
    {
        while (true)
        {
            using var pipe = new NamedPipeServerStream(name, PipeDirection.Out);
            pipe.WaitForConnection();
            pipe.Write(BitConverter.GetBytes(GC.GetTotalAllocatedBytes(precise: true)));
        }
    }
}

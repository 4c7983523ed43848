using System.Diagnostics;

namespace ActorBroker.MultiNode.Tests.Processes;

/// <summary>
/// Ends node processes that outlive the tests: a shell that is told each one's id and, when its input ends (however the
/// test process went), kills those still there. A paused process is killed too.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private const string Script = """
        pids=""
        while read op pid; do
          case "$op" in
            +) pids="$pids $pid" ;;
            -) rest=""; for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done; pids="$rest" ;;
          esac
        done
        for p in $pids; do
          case "$(tr '\0' ' ' < /proc/$p/cmdline 2>/dev/null)" in *ActorBroker.Cli*) kill -9 "$p" ;; esac
        done
        """;

    private readonly Lock _lock = new();
    private readonly Process _shell;

    private Watchdog()
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Script);
        _shell = Process.Start(start)!;
        _shell.StandardInput.AutoFlush = true;
    }

    /// <summary>One for all tests of this process; it ends when this process does.</summary>
    public static Watchdog Instance { get; } = new();

    public void Watch(int pid) => Tell('+', pid);

    public void Forget(int pid) => Tell('-', pid);

    public void Dispose() => _shell.Dispose();

    private void Tell(char what, int pid)
    {
        lock (_lock) _shell.StandardInput.Write($"{what} {pid}\n");
    }
}

using System.Diagnostics;
using System.Reflection;
using Akka.Actor;

namespace Akka.Interop.Tests;

/// <summary>A running program on the official packages.</summary>
internal sealed class Peer : IDisposable
{
    private readonly Process _process;

    private Peer(Process process, Address address)
    {
        _process = process;
        Address = address;
    }

    public Address Address { get; }

    public static async Task<Peer> Start(string name = "peer", int port = 0, string hocon = "")
    {
        var path = typeof(Peer).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "PeerPath").Value!;
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[path, port.ToString(), name, hocon])
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) is { } line)
        {
            if (!line.StartsWith("READY ", StringComparison.Ordinal))
                continue;
            // Whatever else it says must not fill the pipe.
            _ = process.StandardOutput.ReadToEndAsync();
            return new Peer(process, Address.Parse(line["READY ".Length..]));
        }

        throw new InvalidOperationException($"the peer ended with {process.ExitCode}");
    }

    /// <summary>As kill -9 does.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public Task WaitForExit() => _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }
}

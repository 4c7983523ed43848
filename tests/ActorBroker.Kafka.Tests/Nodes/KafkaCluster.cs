using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace ActorBroker.Kafka.Tests.Nodes;

/// <summary>Three nodes in processes of their own, as <c>actorbroker dev</c> runs them: one that is killed is started again.</summary>
internal sealed class KafkaCluster : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private readonly string _folder = Directory.CreateTempSubdirectory("actorbroker-kafka-cluster-").FullName;
    private readonly StringBuilder _log = new();
    private Process _dev = null!;

    /// <summary>Goes with the cluster.</summary>
    public string Folder => _folder;

    public string Bootstrap { get; private set; } = "";

    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    public static async Task<KafkaCluster> StartAsync()
    {
        var cluster = new KafkaCluster();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "ActorBroker.Cli.dll"), "dev", "--nodes", "3", "--json", "--data", cluster._folder,
            "--port-base", $"{Ports.NextInARow(3)}", "--kafka-port", $"{Ports.NextInARow(3)}",
        ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        cluster._dev = Process.Start(start)!;
        cluster._dev.ErrorDataReceived += (_, line) => cluster.Note(line.Data);
        cluster._dev.BeginErrorReadLine();
        var ready = await cluster._dev.StandardOutput.ReadLineAsync().WaitAsync(Deadline) ?? throw new InvalidOperationException(cluster.Log);
        cluster.Bootstrap = JsonDocument.Parse(ready).RootElement.GetProperty("kafka").GetString()!;
        return cluster;
    }

    /// <summary>kill -9; the node comes back a little later.</summary>
    public void Kill(int node)
    {
        // Its data folder is in the command line of this one process only.
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) || !CommandLine(folder).Contains($"{_folder}/node-{node}\0", StringComparison.Ordinal)) continue;
            using var process = Process.GetProcessById(id);
            process.Kill();
            return;
        }

        throw new InvalidOperationException($"node {node} does not run");
    }

    /// <summary>The nodes stop when their parent does.</summary>
    public async ValueTask DisposeAsync()
    {
        _dev.Kill(entireProcessTree: true);
        await _dev.WaitForExitAsync();
        _dev.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string CommandLine(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cmdline"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // It has ended meanwhile.
        }
    }

    private void Note(string? line)
    {
        lock (_log) _log.AppendLine(line);
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ActorBroker.Protocol;

namespace ActorBroker.Kafka.Tests.Nodes;

/// <summary>Three nodes in processes of their own, as <c>actorbroker dev</c> runs them: one that is killed is started again.</summary>
public sealed class KafkaCluster : IAsyncLifetime
{
    private const int Nodes = 3;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private readonly string _folder = Directory.CreateTempSubdirectory("actorbroker-kafka-cluster-").FullName;
    private readonly StringBuilder _log = new();
    private Process? _dev;

    public string Bootstrap { get; private set; } = "";

    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    /// <summary>Of the first node, which therefore is never killed.</summary>
    private int Port => int.Parse(Bootstrap.Split(',')[0].Split(':')[1], CultureInfo.InvariantCulture);

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>Starts it if it does not run yet; completes when all nodes serve.</summary>
    public async Task StartAsync()
    {
        if (_dev is null) await StartDevAsync();
        using var client = await RawClient.ConnectAsync(Port);
        for (var since = Stopwatch.GetTimestamp(); ; await Task.Delay(100))
        {
            var metadata = await client.AskAsync<MetadataResponse>(new MetadataRequest { Topics = [] }, version: 9);
            if (metadata.Brokers.Count == Nodes) return;
            Assert.True(Stopwatch.GetElapsedTime(since) < Deadline, $"{metadata.Brokers.Count} nodes serve\n{Log}");
        }
    }

    public async Task CreateTopicAsync(string name, int partitions)
    {
        using var client = await RawClient.ConnectAsync(Port);
        var created = await client.AskAsync<CreateTopicsResponse>(
            new CreateTopicsRequest { TimeoutMs = 30_000, Topics = [new() { Name = name, NumPartitions = partitions, ReplicationFactor = Nodes }] }, version: 5);
        Assert.Equal(ErrorCode.None, Assert.Single(created.Topics).ErrorCode);
    }

    /// <summary>kill -9 of the second or third; it comes back a little later.</summary>
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
    public async Task DisposeAsync()
    {
        if (_dev is not null)
        {
            _dev.Kill(entireProcessTree: true);
            await _dev.WaitForExitAsync();
            _dev.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartDevAsync()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "ActorBroker.Cli.dll"), "dev", "--nodes", $"{Nodes}", "--json", "--data", _folder,
            "--port-base", $"{Ports.NextInARow(Nodes)}", "--kafka-port", $"{Ports.NextInARow(Nodes)}",
        ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        _dev = Process.Start(start)!;
        _dev.ErrorDataReceived += (_, line) => Note(line.Data);
        _dev.BeginErrorReadLine();
        var ready = await _dev.StandardOutput.ReadLineAsync().WaitAsync(Deadline) ?? throw new InvalidOperationException(Log);
        Bootstrap = JsonDocument.Parse(ready).RootElement.GetProperty("kafka").GetString()!;
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

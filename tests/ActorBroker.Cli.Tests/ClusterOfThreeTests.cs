using System.Diagnostics;
using System.Text.Json;
using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.Cli.Tests;

/// <summary>An operator of three nodes moves partitions, changes voters, and sees what the loss of nodes means.</summary>
public sealed class ClusterOfThreeTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    private readonly NodeProcess[] _nodes = [new(), new(), new()];

    private string Bootstrap => string.Join(',', _nodes.Select(node => node.Bootstrap));

    public async Task InitializeAsync()
    {
        var voters = string.Join(',', _nodes.Select((node, i) => $"{i + 1}@{node.Bootstrap}"));
        await Task.WhenAll(_nodes.Select((node, i) => node.StartAsync("--id", $"{i + 1}", "--host", "127.0.0.1", "--voters", voters)));
        // A node is ready as soon as it serves; the others need not know of it yet.
        await StatusAsync(status => status.GetProperty("brokers").EnumerateArray().Count(broker => !broker.GetProperty("fenced").GetBoolean()) == 3);
    }

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
    }

    [Fact]
    public async Task Partitions_move_with_their_records_and_leaders_go_where_they_are_preferred()
    {
        await DoneAsync("topics", "create", "t", "--partitions", "2", "--replication-factor", "1");
        Assert.Equal(0, (await CliProcess.RunAsync("a\nb\nc\n"u8.ToArray(), "produce", "t", "--bootstrap", Bootstrap)).ExitCode);
        await DoneAsync("topics", "reassign", "t", "--replicas", "2,3,1");
        await PartitionsAsync("t", partition => Ids(partition, "isr").Count == 3 && !partition.TryGetProperty("adding", out _));
        await DoneAsync("topics", "elect-leaders", "t");
        foreach (var partition in await PartitionsAsync("t", partition => partition.GetProperty("leader").GetInt32() == 2))
            Assert.Equal([2, 3, 1], Ids(partition, "replicas"));
        await DoneAsync("topics", "reassign", "t", "--replicas", "3,1");
        foreach (var partition in await PartitionsAsync("t", partition => Ids(partition, "replicas").SequenceEqual([3, 1]) && partition.GetProperty("leader").GetInt32() > 0))
            Assert.DoesNotContain(2, Ids(partition, "isr"));
        Assert.Equal(["a", "b", "c"], (await CliProcess.RunAsync("consume", "t", "--exit-at-end", "--bootstrap", Bootstrap)).Lines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_lost_broker_is_seen_moved_away_from_and_forgotten()
    {
        await DoneAsync("topics", "create", "t", "--partitions", "1", "--replication-factor", "3");
        await DoneAsync("cluster", "voters", "remove", "3");
        var voters = await StatusAsync(status => status.GetProperty("quorum").EnumerateArray().Count(member => member.GetProperty("voter").GetBoolean()) == 2);
        Assert.True(voters.GetProperty("serving").GetBoolean());

        await _nodes[2].KillAsync();
        var lost = await StatusAsync(status => status.GetProperty("under_replicated").GetArrayLength() == 1 && IsFenced(status, 3));
        Assert.Equal(0, lost.GetProperty("offline").GetArrayLength());
        Assert.DoesNotContain(3, Ids(lost.GetProperty("under_replicated")[0], "isr"));
        var text = (await DoneAsync("cluster", "status")).Output;
        Assert.Contains("under-replicated: 1", text, StringComparison.Ordinal);
        Assert.Contains("fenced", text, StringComparison.Ordinal);
        Assert.Contains("offline: 3", (await DoneAsync("topics", "describe", "t")).Output, StringComparison.Ordinal);

        var refused = await RunAsync("cluster", "unregister", "3");
        Assert.Equal(1, refused.ExitCode);
        await DoneAsync("topics", "reassign", "t", "--replicas", "1,2");
        await PartitionsAsync("t", partition => Ids(partition, "replicas").SequenceEqual([1, 2]));
        await DoneAsync("cluster", "unregister", "3");
        await StatusAsync(status => status.GetProperty("brokers").GetArrayLength() == 2 && status.GetProperty("under_replicated").GetArrayLength() == 0);
    }

    [Fact]
    public async Task A_move_that_can_not_end_is_listed_and_given_up_and_without_a_majority_the_status_fails()
    {
        await DoneAsync("topics", "create", "t", "--partitions", "1", "--replication-factor", "1");
        var home = (await PartitionsAsync("t", partition => partition.GetProperty("leader").GetInt32() > 0))[0].GetProperty("leader").GetInt32();
        var dead = home == 3 ? 2 : 3;
        await _nodes[dead - 1].KillAsync();
        await StatusAsync(status => IsFenced(status, dead));
        await DoneAsync("topics", "reassign", "t", "--replicas", $"{dead}");
        var move = JsonDocument.Parse(Assert.Single((await DoneAsync("topics", "reassign", "list", "--json")).Lines)).RootElement;
        Assert.Equal([dead], Ids(move, "adding"));
        Assert.Equal([home], Ids(move, "removing"));
        await DoneAsync("topics", "reassign", "t", "--cancel");
        Assert.Equal([home], Ids((await PartitionsAsync("t", partition => !partition.TryGetProperty("adding", out _)))[0], "replicas"));

        await _nodes[Enumerable.Range(1, 3).First(id => id != home && id != dead) - 1].KillAsync();
        // The last node says so at first; then it gives its place up, and nobody answers until a majority is back.
        var alone = await RunAsync("cluster", "status");
        for (var since = Stopwatch.GetTimestamp(); alone.ExitCode == 0; alone = await RunAsync("cluster", "status"))
            Assert.True(Stopwatch.GetElapsedTime(since) < Deadline, alone.Output);
        if (alone.ExitCode == 1) Assert.Contains("Controller: NONE", alone.Output, StringComparison.Ordinal);
        else Assert.Equal(3, alone.ExitCode);
    }

    private static bool IsFenced(JsonElement status, int broker) => status.GetProperty("brokers").EnumerateArray()
        .Any(known => known.GetProperty("broker").GetInt32() == broker && known.GetProperty("fenced").GetBoolean());

    private static List<int> Ids(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    private Task<CliResult> RunAsync(params string[] args) => InProcess.RunAsync([.. args, "--bootstrap", Bootstrap]);

    private async Task<CliResult> DoneAsync(params string[] args)
    {
        var result = await RunAsync(args);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', args)}: exit code {result.ExitCode}: {result.Error} {result.Output}");
        return result;
    }

    /// <summary>Asks until the status is as wished, and the exit code 0.</summary>
    private async Task<JsonElement> StatusAsync(Func<JsonElement, bool> isWished)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            var result = await RunAsync("cluster", "status", "--json");
            if (result.ExitCode == 0 && JsonDocument.Parse(Assert.Single(result.Lines)).RootElement is var status && isWished(status)) return status;
            Assert.True(Stopwatch.GetElapsedTime(since) < Deadline, $"exit code {result.ExitCode}: {result.Error} {result.Output}");
        }
    }

    /// <summary>Describes a topic until each of its partitions is as wished.</summary>
    private async Task<List<JsonElement>> PartitionsAsync(string topic, Func<JsonElement, bool> isWished)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            var result = await DoneAsync("topics", "describe", topic, "--json");
            var partitions = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement.GetProperty("partitions").EnumerateArray().ToList();
            if (partitions.TrueForAll(partition => isWished(partition))) return partitions;
            Assert.True(Stopwatch.GetElapsedTime(since) < Deadline, result.Output);
        }
    }
}

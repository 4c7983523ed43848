using System.Text.Json;
using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.Cli.Tests;

/// <summary>Groups through the real program against a real node: flights are shared out once, the group is shown, set back, deleted.</summary>
public class GroupsTests
{
    private static readonly string File = Path.Combine(AppContext.BaseDirectory, "Data", "flights-sample.jsonl");

    [Fact]
    public async Task A_group_goes_on_where_it_was_is_described_set_back_and_deleted()
    {
        await using var node = await NodeProcess.StartNewAsync();
        await RunAsync(node, "topics", "create", "flights", "--partitions", "4");
        await RunAsync(node, "produce", "flights", "--file", File, "--key-separator", @"\t");

        // Two runs of one group: everything once, though the first stops in the middle of a batch.
        var first = await RunAsync(node, "consume", "flights", "--group", "delays", "--max", "701", "--format", "%p %o");
        var second = await RunAsync(node, "consume", "flights", "--group", "delays", "--exit-at-end", "--format", "%p %o");
        Assert.Equal(701, first.Lines.Length);
        Assert.Equal(2000, first.Lines.Concat(second.Lines).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(2000, first.Lines.Length + second.Lines.Length);

        Assert.Contains("delays", Assert.Single((await RunAsync(node, "groups", "list", "--json")).Lines), StringComparison.Ordinal);
        var described = await DescribeAsync(node);
        Assert.Equal((4, 2000, 0), (described.Count, described.Sum(Committed), described.Sum(row => row.GetProperty("lag").GetInt64())));
        Assert.All(described, row =>
        {
            Assert.Equal("Empty", row.GetProperty("state").GetString());
            Assert.Equal(Committed(row), row.GetProperty("high_watermark").GetInt64());
            Assert.Equal(Committed(row), row.GetProperty("log_end_offset").GetInt64());
            Assert.Equal(0, row.GetProperty("lag_seconds").GetDouble());
        });
        Assert.Empty((await RunAsync(node, "groups", "describe", "delays", "--members", "--json")).Lines);

        var dry = await RunAsync(node, "groups", "reset-offsets", "delays", "--topic", "flights", "--to", "shift:-10", "--dry-run", "--json");
        Assert.All(dry.Lines, line => Assert.False(JsonDocument.Parse(line).RootElement.GetProperty("set").GetBoolean()));
        Assert.Equal(2000, (await DescribeAsync(node)).Sum(Committed));
        await RunAsync(node, "groups", "reset-offsets", "delays", "--topic", "flights", "--to", "shift:-10");
        await RunAsync(node, "groups", "reset-offsets", "delays", "--topic", "flights:0", "--to", "earliest");
        described = await DescribeAsync(node);
        var behind = described.Sum(row => row.GetProperty("lag").GetInt64());
        Assert.Equal(described[0].GetProperty("high_watermark").GetInt64() + 30, behind);
        Assert.All(described, row => Assert.True(row.GetProperty("lag_seconds").GetDouble() > 0));
        Assert.Equal(behind, (await RunAsync(node, "consume", "flights", "--group", "delays", "--exit-at-end")).Lines.Length);

        Assert.Contains("delays", (await RunAsync(node, "groups", "describe", "delays")).Output, StringComparison.Ordinal);
        await RunAsync(node, "groups", "delete", "delays");
        var gone = await InProcess.RunAsync("groups", "describe", "delays", "--bootstrap", node.Bootstrap);
        Assert.Equal((1, true), (gone.ExitCode, gone.Error.Contains("There is no group 'delays'.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_load_of_partitions_shows_a_poor_key()
    {
        await using var node = await NodeProcess.StartNewAsync();
        await RunAsync(node, "topics", "create", "t", "--partitions", "3");
        var lines = string.Concat(Enumerable.Range(0, 300).Select(i => $"{(i % 10 < 7 ? "hot" : $"k{i}")}={i}\n"));
        var produced = await CliProcess.RunAsync(System.Text.Encoding.UTF8.GetBytes(lines), "produce", "t", "--key-separator", "=", "--bootstrap", node.Bootstrap);
        Assert.Equal(0, produced.ExitCode);
        var load = (await RunAsync(node, "topics", "describe", "t", "--load", "--json")).Lines.Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal((3, 300), (load.Count, load.Sum(row => row.GetProperty("records").GetInt64())));
        var hot = load.Single(row => row.GetProperty("top_key").GetString() == "hot");
        Assert.True(hot.GetProperty("share").GetDouble() > 0.7);
        Assert.True(hot.GetProperty("top_key_share").GetDouble() > 0.5);
        Assert.True(hot.GetProperty("estimated_bytes").GetInt64() > 210 * 4);
        Assert.All((await RunAsync(node, "topics", "describe", "t", "--load", "--sample", "5", "--json")).Lines, line =>
            Assert.InRange(JsonDocument.Parse(line).RootElement.GetProperty("sampled_records").GetInt32(), 1, 5));
        Assert.Contains("hot", (await RunAsync(node, "topics", "describe", "t", "--load")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--to 'soon' is none of", "groups", "reset-offsets", "g", "--topic", "t", "--to", "soon")]
    [InlineData("--to 'shift:x' is not of the form", "groups", "reset-offsets", "g", "--topic", "t", "--to", "shift:x")]
    [InlineData("--topic", "groups", "reset-offsets", "g", "--to", "earliest")]
    [InlineData("--sample must be from 1", "topics", "describe", "t", "--load", "--sample", "0")]
    public async Task Wrong_usage_is_said(string part, params string[] args)
    {
        var result = await InProcess.RunAsync(args);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(part, result.Error, StringComparison.Ordinal);
    }

    private static async Task<List<JsonElement>> DescribeAsync(NodeProcess node) =>
        (await RunAsync(node, "groups", "describe", "delays", "--json")).Lines.Select(line => JsonDocument.Parse(line).RootElement).ToList();

    private static long Committed(JsonElement row) => row.GetProperty("committed_offset").GetInt64();

    private static async Task<CliResult> RunAsync(NodeProcess node, params string[] args)
    {
        string[] all = [.. args, "--bootstrap", node.Bootstrap];
        var result = args[0] is "consume" or "produce" ? await CliProcess.RunAsync(all) : await InProcess.RunAsync(all);
        Assert.True(result.ExitCode == 0, $"actorbroker {string.Join(' ', args)}: {result.Error}");
        return result;
    }
}

using System.Text;
using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.Cli.Tests;

/// <summary>
/// Real input through the real program: flights keyed by airport go into four partitions and come out complete, each key
/// in order, each key where Kafka's own partitioner puts it (the table was made with Kafka's Java client).
/// </summary>
public class FlightsTests
{
    private static readonly string Data = Path.Combine(AppContext.BaseDirectory, "Data");

    [Fact]
    public async Task Flights_go_in_and_come_out()
    {
        var file = Path.Combine(Data, "flights-sample.jsonl");
        var flights = (await File.ReadAllLinesAsync(file)).Select(line => line.Split('\t', 2)).ToList();
        await using var node = await NodeProcess.StartNewAsync();

        Done(await InProcess.RunAsync("topics", "create", "flights", "--partitions", "4", "--bootstrap", node.Bootstrap));
        var produced = Done(await CliProcess.RunAsync("produce", "flights", "--file", file, "--key-separator", @"\t", "--json", "--bootstrap", node.Bootstrap));
        Assert.Contains($"\"records\":{flights.Count},", produced.Output, StringComparison.Ordinal);
        Assert.Contains("\"failed\":0", produced.Output, StringComparison.Ordinal);

        var consumed = Done(await CliProcess.RunAsync("consume", "flights", "--exit-at-end", "--format", @"%p\t%o\t%k\t%v", "--bootstrap", node.Bootstrap));
        var records = consumed.Lines.Select(line => line.Split('\t', 4)).ToList();
        Assert.Equal(flights.Count, records.Count);
        foreach (var partition in records.GroupBy(record => record[0], StringComparer.Ordinal))
            Assert.Equal(Enumerable.Range(0, partition.Count()), partition.Select(record => int.Parse(record[1])));

        var valuesByKey = flights.ToLookup(flight => flight[0], flight => flight[1], StringComparer.Ordinal);
        var readByKey = records.ToLookup(record => record[2], StringComparer.Ordinal);
        Assert.Equal(valuesByKey.Count, readByKey.Count);
        foreach (var key in valuesByKey)
            Assert.Equal(key, readByKey[key.Key].Select(record => record[3]));

        var kafka = (await File.ReadAllLinesAsync(Path.Combine(Data, "kafka-partitions-of-4.txt"))).Select(line => line.Split(' ')).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        Assert.Equal(kafka.Keys.Order(StringComparer.Ordinal), readByKey.Select(key => key.Key).Order(StringComparer.Ordinal));
        foreach (var key in readByKey)
            Assert.Equal(kafka[key.Key], Assert.Single(key.Select(record => record[0]).Distinct(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task What_was_produced_is_there_after_a_clean_restart_with_headers_nulls_and_bytes_intact()
    {
        await using var node = await NodeProcess.StartNewAsync();
        Done(await InProcess.RunAsync("topics", "create", "t", "--bootstrap", node.Bootstrap));
        byte[] input = [.. "k1=v1\nk2=NULL\n"u8, 0xff, (byte)'=', 0xfe];
        Done(await CliProcess.RunAsync(input, "produce", "t", "--key-separator", "=", "--null-value", "NULL", "--header", "a=1", "--bootstrap", node.Bootstrap));
        Assert.Equal(0, await node.StopAsync());
        await node.StartAsync();

        var consumed = Done(await CliProcess.RunAsync("consume", "t", "--exit-at-end", "--json", "--bootstrap", node.Bootstrap));
        Assert.Collection(
            consumed.Lines,
            line => Assert.Contains("""
                "key":"k1","value":"v1","headers":[{"key":"a","value":"1"}]
                """, line, StringComparison.Ordinal),
            line => Assert.Contains("""
                "key":"k2","value":null
                """, line, StringComparison.Ordinal),
            line => Assert.Contains("""
                "key":"/w==","key_encoding":"base64","value":"/g==","value_encoding":"base64"
                """, line, StringComparison.Ordinal));
        Assert.DoesNotContain("not closed cleanly", node.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Localhost_reaches_a_node_that_calls_itself_127_0_0_1()
    {
        await using var node = await NodeProcess.StartNewAsync();
        Done(await InProcess.RunAsync("topics", "create", "t", "--bootstrap", $"localhost:{node.Port}"));
        var listed = Done(await InProcess.RunAsync("topics", "list", "--bootstrap", $"actorbroker@localhost:{node.Port}"));
        Assert.Equal(["t"], listed.Lines);
    }

    [Fact]
    public async Task A_topic_is_described_altered_and_deleted()
    {
        await using var node = await NodeProcess.StartNewAsync();
        Done(await InProcess.RunAsync("topics", "create", "t", "--partitions", "2", "--config", "retention.ms=1000000", "--bootstrap", node.Bootstrap));
        Done(await InProcess.RunAsync("topics", "create", "t", "--if-not-exists", "--bootstrap", node.Bootstrap));
        Done(await InProcess.RunAsync("topics", "alter", "t", "--partitions", "3", "--config", "segment.ms=5000", "--delete-config", "retention.ms", "--bootstrap", node.Bootstrap));
        var described = Done(await InProcess.RunAsync("topics", "describe", "t", "--json", "--bootstrap", node.Bootstrap));
        var line = Assert.Single(described.Lines);
        Assert.Contains("""
            "configs":{"segment.ms":"5000"}
            """, line, StringComparison.Ordinal);
        Assert.Contains("""
            {"partition":2,"leader":1,"leader_epoch":0,"partition_epoch":0,"replicas":[1],"isr":[1],"elr":[],"offline":[],"start_offset":0,"end_offset":0}
            """, line, StringComparison.Ordinal);
        Done(await InProcess.RunAsync("topics", "delete", "t", "--bootstrap", node.Bootstrap));
        Assert.Empty(Done(await InProcess.RunAsync("topics", "list", "--bootstrap", node.Bootstrap)).Lines);
    }

    private static CliResult Done(CliResult result)
    {
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}\n{result.Output}\n{result.Error}");
        return result;
    }
}

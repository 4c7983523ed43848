using ActorBroker.Kafka.Tests.Nodes;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>Kafka's own programs, on its Java client: a topic's life from its creation to its deletion, each step by the tool that Kafka's users take.</summary>
public class JavaToolsTests(KafkaNode node) : IClassFixture<KafkaNode>
{
    [SkippableFact]
    public async Task A_topic_is_made_described_filled_read_configured_and_deleted()
    {
        await RunAsync("topics", "--create", "--topic", "java", "--partitions", "3", "--replication-factor", "1", "--config", "retention.ms=600000");
        var described = await RunAsync("topics", "--describe", "--topic", "java");
        Assert.Contains("PartitionCount: 3", described.Output, StringComparison.Ordinal);
        Assert.Contains("retention.ms=600000", described.Output, StringComparison.Ordinal);
        Assert.Contains("Topic: java\tPartition: 2\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: ", described.Output, StringComparison.Ordinal);

        (await ClientTool.Java.FeedAsync("a:one\nb:two\na:three\n", Arguments("console-producer", "--topic", "java", "--reader-property", "parse.key=true", "--reader-property", "key.separator=:"))).Succeeded();
        var read = await RunAsync(
            "console-consumer", "--topic", "java", "--group", "java-readers", "--from-beginning", "--max-messages", "3", "--timeout-ms", "60000", "--formatter-property", "print.key=true", "--formatter-property", "key.separator=:");
        Assert.Equal(["a:one", "a:three", "b:two"], read.Lines.Order(StringComparer.Ordinal));
        var group = await RunAsync("groups", "--describe", "--group", "java-readers");
        Assert.Equal(3, group.Lines.Count(line => line.Contains("java-readers", StringComparison.Ordinal) && line.Contains("java ", StringComparison.Ordinal)));

        await RunAsync("configs", "--alter", "--entity-type", "topics", "--entity-name", "java", "--add-config", "retention.ms=700000");
        Assert.Contains("retention.ms=700000", (await RunAsync("configs", "--describe", "--entity-type", "topics", "--entity-name", "java")).Output, StringComparison.Ordinal);
        await RunAsync("topics", "--delete", "--topic", "java");
        Assert.DoesNotContain("java", (await RunAsync("topics", "--list")).Lines);
    }

    /// <summary>Idempotent, as the Java producer is by default.</summary>
    [SkippableFact]
    public async Task Its_load_generators_run()
    {
        await RunAsync("topics", "--create", "--topic", "load", "--partitions", "2", "--replication-factor", "1", "--config", "segment.bytes=1048576");
        var produced = (await ClientTool.Java.RunAsync(
            "producer-perf", "--topic", "load", "--num-records", "10000", "--record-size", "1000", "--throughput", "-1",
            "--producer-props", $"bootstrap.servers={node.Bootstrap}", "acks=all")).Succeeded();
        Assert.Contains("10000 records sent", produced.Output, StringComparison.Ordinal);
        var consumed = await RunAsync("consumer-perf", "--topic", "load", "--num-records", "10000");
        Assert.DoesNotContain("WARNING", consumed.Output, StringComparison.Ordinal);
        await LooksIntoAsync("load", records: 10_000);
    }

    /// <summary>Segments and indexes are Kafka's own format on disk.</summary>
    private async Task LooksIntoAsync(string topic, int records)
    {
        var segments = Directory.GetFiles(node.DataDirectory, "*.log", SearchOption.AllDirectories).Where(file => Path.GetDirectoryName(file)!.Contains($"/{topic}-", StringComparison.Ordinal)).ToList();
        var dumped = (await ClientTool.Java.RunAsync("dump-log", "--files", string.Join(',', segments), "--deep-iteration")).Succeeded().Lines;
        Assert.All(dumped.Where(line => line.StartsWith("baseOffset:", StringComparison.Ordinal)), line => Assert.Contains("isvalid: true", line, StringComparison.Ordinal));
        Assert.Equal(records, dumped.Count(line => line.StartsWith("| offset:", StringComparison.Ordinal)));

        // The newest segments' are written when they are rolled.
        var indexes = segments.Select(segment => Path.ChangeExtension(segment, ".index")).Where(index => new FileInfo(index).Length > 0).ToList();
        var checks = (await ClientTool.Java.RunAsync("dump-log", "--files", string.Join(',', indexes), "--index-sanity-check")).Succeeded().Lines;
        Assert.NotEmpty(indexes);
        Assert.Equal(indexes.Count, checks.Count(line => line.EndsWith("passed sanity check.", StringComparison.Ordinal)));
    }

    private async Task<ClientResult> RunAsync(params string[] arguments) => (await ClientTool.Java.RunAsync(Arguments(arguments))).Succeeded();

    private string[] Arguments(params string[] arguments) => [arguments[0], "--bootstrap-server", node.Bootstrap, .. arguments[1..]];
}

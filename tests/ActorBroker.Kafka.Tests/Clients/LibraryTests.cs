using ActorBroker.Kafka.Tests.Nodes;
using ActorBroker.Log;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>
/// Kafka's client libraries, unchanged: topics made, enlarged, configured and deleted; records in every codec, acknowledged in
/// every way; groups whose members come and go. What each does stands in its script.
/// </summary>
public class LibraryTests(KafkaNode node) : IClassFixture<KafkaNode>
{
    private static readonly string Codecs = CompressionCodecs.Default.TryGet(CompressionType.Zstd, out _) ? "none,gzip,snappy,lz4,zstd" : "none,gzip,snappy,lz4";

    [SkippableFact]
    public async Task Confluent_kafka() => await RunAsync(ClientTool.Confluent, "confluent.py", Codecs);

    /// <summary>Its codecs but gzip are packages of their own.</summary>
    [SkippableFact]
    public async Task Kafka_python() => await RunAsync(ClientTool.KafkaPython, "kafka_python.py", "none,gzip");

    [SkippableFact]
    public async Task KafkaJs() => await RunAsync(ClientTool.KafkaJs, "kafkajs.js", "none,gzip");

    private async Task RunAsync(ClientTool tool, string script, string codecs)
    {
        (await tool.RunAsync(ClientTool.Script(script), node.Bootstrap, codecs, "1")).Succeeded();
        Assert.DoesNotContain(node.Log.Snapshot(), line => line.StartsWith("ErrorLevel", StringComparison.Ordinal));
    }
}

using System.Globalization;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>A record as every client shows it.</summary>
/// <param name="Headers">NAME:VALUE,... or NO_HEADERS.</param>
internal sealed record ShownRecord(int Partition, long Timestamp, string? Key, string? Value, string Headers)
{
    public const string NoHeaders = "NO_HEADERS";

    /// <summary>From a line as Kafka's console consumer prints it.</summary>
    public static ShownRecord Parse(string line)
    {
        var parts = line.Split('\t', 5);
        return new ShownRecord((int)Number(parts[1], "Partition:"), Number(parts[0], "CreateTime:"), Text(parts[3]), Text(parts[4]), parts[2].Length == 0 ? NoHeaders : parts[2].Replace('=', ':'));
    }

    private static long Number(string text, string prefix) => long.Parse(text.AsSpan(prefix.Length), CultureInfo.InvariantCulture);

    private static string? Text(string text) => text is "null" or "NULL" ? null : text;
}

/// <summary>A client as a pipe: lines KEY:VALUE go in and are records, records come out as lines. An empty key or value is none.</summary>
internal sealed record PipeClient(ClientTool Tool, Func<string, string, string[]> Produce, Func<string, string, string, string[]> Consume)
{
    /// <summary>Its partitioner hashes as Kafka's does; kcat's own does not unless it is told.</summary>
    public static PipeClient Kcat { get; } = new(
        ClientTool.Kcat,
        (bootstrap, topic) =>
        [
            "-q", "-E", "-b", bootstrap, "-P", "-t", topic, "-K", ":", "-Z", "-H", "from=test", "-X", "enable.idempotence=true", "-X", "linger.ms=5", "-X", "message.timeout.ms=60000",
            "-X", "topic.partitioner=murmur2_random",
        ],
        (bootstrap, topic, group) =>
        [
            "-q", "-E", "-u", "-b", bootstrap, "-G", group, "-Z", "-f", "CreateTime:%T\\tPartition:%p\\t%h\\t%k\\t%s\\n", "-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000",
            "-X", "heartbeat.interval.ms=500", "-X", "auto.commit.interval.ms=500", topic,
        ]);

    public static PipeClient Confluent { get; } = OfScript(ClientTool.Confluent, "confluent_io.py");

    public static PipeClient KafkaPython { get; } = OfScript(ClientTool.KafkaPython, "kafka_python_io.py");

    public static PipeClient KafkaJs { get; } = OfScript(ClientTool.KafkaJs, "kafkajs_io.js");

    public static PipeClient Java { get; } = new(
        ClientTool.Java,
        (bootstrap, topic) =>
        [
            "console-producer", "--bootstrap-server", bootstrap, "--topic", topic, "--reader-property", "parse.key=true", "--reader-property", "key.separator=:", "--reader-property", "null.marker=",
            "--command-property", "linger.ms=5", "--command-property", "retries=1000", "--command-property", "enable.idempotence=true",
        ],
        (bootstrap, topic, group) =>
        [
            "console-consumer", "--bootstrap-server", bootstrap, "--topic", topic, "--group", group, "--from-beginning",
            "--command-property", "session.timeout.ms=6000", "--command-property", "heartbeat.interval.ms=500", "--command-property", "auto.commit.interval.ms=500",
            .. new[] { "timestamp", "partition", "headers", "key", "value" }.SelectMany(part => (string[])["--formatter-property", $"print.{part}=true"]),
        ]);

    public Task<RunningClient> ProduceAsync(string bootstrap, string topic) => Tool.StartAsync(Produce(bootstrap, topic));

    public Task<RunningClient> ConsumeAsync(string bootstrap, string topic, string group) => Tool.StartAsync(Consume(bootstrap, topic, group));

    private static PipeClient OfScript(ClientTool tool, string script) => new(
        tool,
        (bootstrap, topic) => [ClientTool.Script(script), "produce", bootstrap, topic],
        (bootstrap, topic, group) => [ClientTool.Script(script), "consume", bootstrap, topic, group]);
}

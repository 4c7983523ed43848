using System.Collections.Concurrent;
using System.Text;
using ActorBroker.Client;
using ActorBroker.Kafka.Tests.Nodes;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>
/// Kafka's clients and actor clients on the same topic: each reads what the other wrote, with keys, headers, timestamps and nulls; a key is
/// in the same partition whoever wrote it; and both share the partitions of one group.
/// </summary>
public sealed class InteropTests : IClassFixture<KafkaNode>, IDisposable
{
    private const int Partitions = 4;
    private const int Keys = 30;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly DateTimeOffset Moment = new(2024, 2, 29, 12, 34, 56, 789, TimeSpan.Zero);

    private readonly KafkaNode _node;
    private readonly ActorSystem _system = ActorSystem.Create("interop", ConfigurationFactory.ParseString("""
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.actor.provider = remote
        akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
        akka.remote.dot-netty.tcp.port = 0
        """));

    public InteropTests(KafkaNode node) => _node = node;

    [SkippableFact]
    public Task Kcat() => AgreesAsync(PipeClient.Kcat, AssignmentStrategy.Range);

    [SkippableFact]
    public Task Confluent_kafka() => AgreesAsync(PipeClient.Confluent, AssignmentStrategy.Range);

    [SkippableFact]
    public Task Kafka_python() => AgreesAsync(PipeClient.KafkaPython, AssignmentStrategy.Range);

    /// <summary>Its one strategy has a name of its own, so no member of another kind can be in its group.</summary>
    [SkippableFact]
    public Task KafkaJs() => AgreesAsync(PipeClient.KafkaJs, shared: null);

    [SkippableFact]
    public Task Kafkas_Java_tools() => AgreesAsync(PipeClient.Java, AssignmentStrategy.Range);

    public void Dispose() => _system.Terminate().Wait(Deadline);

    private async Task AgreesAsync(PipeClient client, AssignmentStrategy? shared)
    {
        await client.Tool.FindAsync();
        var topic = $"interop-{Guid.NewGuid():N}";
        await using var admin = AdminClient.Create(_system, ClientSettings.Create(_system).WithBootstrap(_node.ActorBootstrap));
        Assert.True((await admin.CreateTopicsAsync([new NewTopic(topic, Partitions)]))[0].Succeeded);
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        string[] lines = [.. Enumerable.Range(0, Keys).Select(key => $"key-{key}:theirs-{key}"), ":no key", "no value:"];
        await using (var pipe = await client.ProduceAsync(_node.Bootstrap, topic))
        {
            foreach (var line in lines) await pipe.FeedAsync(line);
            await pipe.FinishAsync();
        }

        await using var producer = ProducerClient.Create(_system, ProducerSettings.Create(_system).WithBootstrap(_node.ActorBootstrap));
        var written = new List<ShownRecord>();
        for (var key = 0; key < Keys; key++) await WriteAsync($"key-{key}", $"ours-{key}");
        await WriteAsync(null, "no key");
        await WriteAsync("no value", null);

        var read = await ReadAllAsync(topic);
        var theirs = read.Where(record => record.Timestamp != Moment.ToUnixTimeMilliseconds()).ToList();
        Assert.Equal(lines.Order(StringComparer.Ordinal), theirs.Select(record => $"{record.Key}:{record.Value}").Order(StringComparer.Ordinal));
        Assert.Null(Assert.Single(theirs, record => record.Value == "no key").Key);
        Assert.Null(Assert.Single(theirs, record => record.Key == "no value").Value);
        Assert.All(theirs, record => Assert.InRange(record.Timestamp, before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()));
        Assert.All(read.Where(record => record.Key is not null).GroupBy(record => record.Key), key => Assert.Single(key.Select(record => record.Partition).Distinct()));

        await using var member = await client.ConsumeAsync(_node.Bootstrap, topic, topic);
        await Wait.UntilAsync(() => member.Lines.Count >= read.Count, () => $"{member.Lines.Count} of {read.Count} records were read");
        var shown = member.Lines.Select(ShownRecord.Parse).ToList();
        Assert.Equal(read.OrderBy(Text, StringComparer.Ordinal), shown.OrderBy(Text, StringComparer.Ordinal));
        Assert.Equal(written.OrderBy(Text, StringComparer.Ordinal), shown.Where(record => record.Timestamp == Moment.ToUnixTimeMilliseconds()).OrderBy(Text, StringComparer.Ordinal));
        if (shared is { } strategy) await ShareAsync(topic, member, read.Count, strategy, WriteAsync);

        async Task WriteAsync(string? key, string? value)
        {
            var where = await producer.ProduceAsync(topic, Bytes(key), Bytes(value), [new RecordHeader("origin", Bytes("FRA")), new RecordHeader("ü", Bytes("ß"))], Moment);
            written.Add(new ShownRecord(where.Partition.Partition, Moment.ToUnixTimeMilliseconds(), key, value, "origin:FRA,ü:ß"));
        }
    }

    /// <summary>An actor joins the client's group: from then on each reads a part of what is written.</summary>
    private async Task ShareAsync(string topic, RunningClient member, int readBefore, AssignmentStrategy strategy, Func<string?, string?, Task> writeAsync)
    {
        var ours = new ConcurrentQueue<string>();
        var settings = (ConsumerSettings.Create(_system).WithBootstrap(_node.ActorBootstrap).WithGroup(topic).Subscribe(topic).WithAssignment(strategy)) with { HeartbeatInterval = TimeSpan.FromMilliseconds(500) };
        await using var consumer = ConsumerClient.Create(_system, settings);
        using var stop = new CancellationTokenSource();
        var reading = ReadAsync();
        var sent = 0;
        await Wait.UntilAsync(() => ours.Any(IsShared), () => $"the actor reads nothing, the client has {member.Lines.Count - readBefore} more", NextAsync);
        var shared = sent;
        while (sent < shared + 100) await NextAsync();
        await Wait.UntilAsync(() => Theirs().Concat(ours).Where(IsShared).Distinct(StringComparer.Ordinal).Count() == sent, () => $"{sent} written, {Theirs().Count()} and {ours.Count} read");
        var last = Enumerable.Range(shared, 100).Select(Value).ToHashSet(StringComparer.Ordinal);
        Assert.Contains(Theirs(), last.Contains);
        Assert.Contains(ours, last.Contains);
        await stop.CancelAsync();
        await reading;

        Task NextAsync() => writeAsync($"key-{sent}", Value(sent++));

        static string Value(int number) => $"shared-{number}";

        IEnumerable<string> Theirs() => member.Lines.Select(line => ShownRecord.Parse(line).Value).OfType<string>();

        async Task ReadAsync()
        {
            try
            {
                await foreach (var record in consumer.WithCancellation(stop.Token)) ours.Enqueue(record.Value is { } value ? Encoding.UTF8.GetString(value.Span) : "");
            }
            catch (OperationCanceledException)
            {
                // It is over.
            }
        }
    }

    private static bool IsShared(string value) => value.StartsWith("shared-", StringComparison.Ordinal);

    private async Task<List<ShownRecord>> ReadAllAsync(string topic)
    {
        var records = new List<ShownRecord>();
        await using var consumer = ConsumerClient.Create(_system, ConsumerSettings.Create(_system).WithBootstrap(_node.ActorBootstrap).Subscribe(topic).StartAt(StartPosition.Beginning));
        await foreach (var record in consumer.ReadToEndAsync())
        {
            var headers = record.Headers.Select(header => $"{header.Key}:{(header.Value is { } value ? Encoding.UTF8.GetString(value.Span) : "null")}").ToArray();
            records.Add(new ShownRecord(
                record.Partition.Partition, record.TimestampMs, Text(record.Key), Text(record.Value), headers.Length == 0 ? ShownRecord.NoHeaders : string.Join(',', headers)));
        }

        return records;
    }

    private static string Text(ShownRecord record) => record.ToString();

    private static string? Text(ReadOnlyMemory<byte>? bytes) => bytes is { } some ? Encoding.UTF8.GetString(some.Span) : null;

    private static byte[]? Bytes(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);
}

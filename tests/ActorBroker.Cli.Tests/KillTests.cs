using System.Collections.Concurrent;
using System.Text;
using ActorBroker.Cli.Tests.Processes;
using ActorBroker.Client;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;
using Xunit.Abstractions;

namespace ActorBroker.Cli.Tests;

/// <summary>
/// kill -9 at random moments while records stream in, and a restart, again and again. At the end: every acknowledged record is
/// there at the offset that was acknowledged, offsets are dense, and nothing was invented. With acks=1 only records whose answer
/// a kill took away are there more than once; with idempotence none is, and each partition has them in the order given.
/// </summary>
public class KillTests(ITestOutputHelper output)
{
    private const int MaxOutstanding = 2_000;
    private const int Partitions = 4;

    private sealed class History
    {
        /// <summary>Number of kills so far when a record was handed over, and when it was acknowledged.</summary>
        public readonly ConcurrentDictionary<long, (int Sent, int Acknowledged, RecordMetadata Where)> Acknowledged = new();
        public volatile int Kills;
        public long Sent;
        public long Failed;
    }

    [Fact]
    public async Task No_acknowledged_record_is_lost_or_moved_by_kill_9()
    {
        var (history, records) = await RunAsync(kills: 20, settings => settings.WithAcks(Acks.Leader));
        CheckCopies(history, Check(history, records));
    }

    [Fact]
    public async Task With_idempotence_each_record_is_there_once_and_in_order_after_kill_9()
    {
        var (history, records) = await RunAsync(kills: 5, settings => settings.WithIdempotence().WithCompression(CompressionType.Lz4));
        var byPlace = Check(history, records);
        Assert.Equal(history.Sent, byPlace.Count);
        foreach (var partition in byPlace.GroupBy(place => place.Key.Item1))
        {
            var numbers = partition.OrderBy(place => place.Key.Item2.Value).Select(place => place.Value).ToList();
            Assert.Equal(numbers.Order(), numbers);
        }
    }

    private async Task<(History History, List<ConsumerRecord> Records)> RunAsync(int kills, Func<ProducerSettings, ProducerSettings> shape)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var node = await NodeProcess.StartNewAsync();
        using var system = ActorSystem.Create("kill-test", ConfigurationFactory.ParseString("""
            akka.loglevel = OFF
            akka.stdout-loglevel = OFF
            akka.actor.provider = remote
            akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
            akka.remote.dot-netty.tcp.port = 0
            akka.remote.retry-gate-closed-for = 200ms
            """));
        await CreateTopicAsync(system, node);

        var history = new History();
        await using (var producer = ProducerClient.Create(system, shape(ProducerSettings.Create(system).WithBootstrap(node.Bootstrap))))
        {
            using var stop = new CancellationTokenSource();
            var writing = WriteAsync(producer, history, stop.Token);
            for (var kill = 1; kill <= kills; kill++)
            {
                // A moment in the middle of the stream: so many acknowledgements on, and a little more.
                await Eventually(history, history.Acknowledged.Count + random.Next(500, 3_000));
                await Task.Delay(random.Next(0, 30));
                await node.KillAsync();
                history.Kills = kill;
                await node.StartAsync();
            }

            await Eventually(history, history.Acknowledged.Count + 1_000);
            await stop.CancelAsync();
            await writing;
            await producer.FlushAsync();
            var metrics = await producer.GetMetricsAsync();
            output.WriteLine($"{history.Sent} sent, {history.Acknowledged.Count} acknowledged, {metrics.BatchesRetried} batches retried");
        }

        Assert.Equal(0, Interlocked.Read(ref history.Failed));
        Assert.Equal(history.Sent, history.Acknowledged.Count);
        var records = await ReadAllAsync(system, node);
        await system.Terminate();
        return (history, records);
    }

    private static async Task CreateTopicAsync(ActorSystem system, NodeProcess node)
    {
        await using var admin = AdminClient.Create(system, ClientSettings.Create(system).WithBootstrap(node.Bootstrap));
        Assert.True((await admin.CreateTopicsAsync([new NewTopic("stream", Partitions)]))[0].Succeeded);
    }

    private static async Task WriteAsync(ProducerClient producer, History history, CancellationToken stop)
    {
        using var room = new SemaphoreSlim(MaxOutstanding);
        while (!stop.IsCancellationRequested)
        {
            await room.WaitAsync(CancellationToken.None);
            var number = history.Sent++;
            _ = SendAsync(number, room);
        }

        for (var i = 0; i < MaxOutstanding; i++) await room.WaitAsync(CancellationToken.None);

        async Task SendAsync(long number, SemaphoreSlim done)
        {
            var sent = history.Kills;
            try
            {
                var where = await producer.ProduceAsync("stream", Encoding.UTF8.GetBytes($"key-{number % 97}"), Encoding.UTF8.GetBytes($"{number}"));
                history.Acknowledged[number] = (sent, history.Kills, where);
            }
            catch (DeliveryException)
            {
                Interlocked.Increment(ref history.Failed);
            }
            finally
            {
                done.Release();
            }
        }
    }

    private static async Task Eventually(History history, int acknowledged)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (history.Acknowledged.Count < acknowledged) await Task.Delay(5, deadline.Token);
    }

    private static async Task<List<ConsumerRecord>> ReadAllAsync(ActorSystem system, NodeProcess node)
    {
        var records = new List<ConsumerRecord>();
        await using var consumer = ConsumerClient.Create(system, ConsumerSettings.Create(system).WithBootstrap(node.Bootstrap).Subscribe("stream").StartAt(StartPosition.Beginning));
        await foreach (var record in consumer.ReadToEndAsync()) records.Add(record);
        return records;
    }

    private static Dictionary<(TopicPartition, Offset), long> Check(History history, List<ConsumerRecord> records)
    {
        var byPlace = new Dictionary<(TopicPartition, Offset), long>();
        foreach (var record in records)
        {
            var number = long.Parse(Encoding.UTF8.GetString(record.Value!.Value.Span));
            Assert.InRange(number, 0, history.Sent - 1);
            byPlace.Add((record.Partition, record.Offset), number);
        }

        foreach (var partition in byPlace.Keys.GroupBy(place => place.Item1))
            Assert.Equal(Enumerable.Range(0, partition.Count()).Select(offset => (long)offset), partition.Select(place => place.Item2.Value).Order());
        foreach (var (number, acknowledged) in history.Acknowledged)
            Assert.True(byPlace.TryGetValue((acknowledged.Where.Partition, acknowledged.Where.Offset), out var found) && found == number, $"record {number} is not at {acknowledged.Where}");
        return byPlace;
    }

    private static void CheckCopies(History history, Dictionary<(TopicPartition, Offset), long> byPlace)
    {
        foreach (var copies in byPlace.Values.CountBy(number => number).Where(count => count.Value > 1))
            Assert.True(history.Acknowledged[copies.Key].Sent < history.Acknowledged[copies.Key].Acknowledged, $"record {copies.Key} is there {copies.Value} times, but no kill came between");
    }
}

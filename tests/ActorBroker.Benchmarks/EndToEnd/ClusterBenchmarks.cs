using System.Diagnostics;
using System.Globalization;
using ActorBroker.Client;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>
/// Producing and consuming through three nodes: by copies, acks, size of records, idempotence and compression; with what a
/// record costs the client and the nodes together.
/// </summary>
internal static class ClusterBenchmarks
{
    private const int Partitions = 6;

    /// <summary>Many more records than a batch holds, so that none repeats within one.</summary>
    private const int Different = 1009;

    private static readonly Config Settings = ConfigurationFactory.ParseString("""
        akka.loglevel = WARNING
        akka.actor.provider = remote
        akka.remote.retry-gate-closed-for = 200ms
        akka.remote.dot-netty.tcp {
          hostname = "127.0.0.1"
          port = 0
        }
        """);

    private sealed record Way(string Name, short Replicas, Func<ProducerSettings, ProducerSettings> Set);

    public static async Task RunAsync(int rounds)
    {
        using var cluster = await ClusterProcesses.StartAsync();
        using var system = ActorSystem.Create("bench", Settings);
        await using var admin = AdminClient.Create(system, ClientSettings.Create(system).WithBootstrap(cluster.Bootstrap));
        var bench = new Bench(cluster, system, admin);
        foreach (var (records, size) in ((int, int)[])[(100_000, 1024), (400_000, 100)])
        {
            await Comparison.RunAsync($"Produce {records:N0} records of {size} B to 3 nodes, {Partitions} partitions", "MB/s", rounds, [
                .. Ways().Select(way => (way.Name, (Func<Task<Sample>>)(() => bench.ProduceAsync(way, records, size))))]);
            var filled = new List<(short Replicas, string Topic)>();
            foreach (var replicas in (short[])[1, 3]) filled.Add((replicas, await bench.FillAsync(replicas, records, size)));
            await Comparison.RunAsync($"Consume {records:N0} records of {size} B from 3 nodes, {Partitions} partitions", "MB/s", rounds, [
                .. filled.Select(topic => (Copies(topic.Replicas), (Func<Task<Sample>>)(() => bench.ConsumeAsync(topic.Topic, records, size))))]);
        }
    }

    private static IEnumerable<Way> Ways()
    {
        foreach (var replicas in (short[])[1, 3])
        {
            foreach (var acks in (Acks[])[Acks.All, Acks.Leader, Acks.None])
                yield return new Way($"{Copies(replicas)}, acks {acks}", replicas, settings => settings.WithAcks(acks));
            yield return new Way($"{Copies(replicas)}, acks All, not idempotent", replicas, settings => settings.WithAcks(Acks.All).WithIdempotence(false));
            foreach (var codec in (CompressionType[])[CompressionType.Lz4, CompressionType.Snappy, CompressionType.Gzip])
                yield return new Way($"{Copies(replicas)}, acks All, {codec}", replicas, settings => settings.WithAcks(Acks.All).WithCompression(codec));
        }
    }

    private static string Copies(short replicas) => replicas == 1 ? "1 copy" : string.Create(CultureInfo.InvariantCulture, $"{replicas} copies");

    private sealed class Bench(ClusterProcesses cluster, ActorSystem system, AdminClient admin)
    {
        private int _topics;

        public async Task<Sample> ProduceAsync(Way way, int records, int size)
        {
            var topic = await CreateAsync(way.Replicas);
            Sample sample;
            await using (var producer = ProducerClient.Create(system, way.Set(ProducerSettings.Create(system).WithBootstrap(cluster.Bootstrap))))
            {
                var values = Values(size);
                await producer.ProduceAsync(topic, null, values[0]); // finds the partitions
                sample = await MeasureAsync(records, size, () => ProduceBenchmarks.SendAsync(producer, topic, values, records));
            }

            await admin.DeleteTopicsAsync([topic]);
            return sample;
        }

        public async Task<string> FillAsync(short replicas, int records, int size)
        {
            var topic = await CreateAsync(replicas);
            await using var producer = ProducerClient.Create(system, ProducerSettings.Create(system).WithBootstrap(cluster.Bootstrap));
            await ProduceBenchmarks.SendAsync(producer, topic, Values(size), records);
            return topic;
        }

        public Task<Sample> ConsumeAsync(string topic, int records, int size) => MeasureAsync(records, size, async () =>
        {
            var settings = ConsumerSettings.Create(system).WithBootstrap(cluster.Bootstrap).Subscribe(topic).StartAt(StartPosition.Beginning);
            await using var consumer = ConsumerClient.Create(system, settings);
            var read = 0;
            await foreach (var batch in consumer.ReadBatchesToEndAsync())
                read += batch.Records.Count;
            if (read != records) throw new InvalidOperationException($"{read} of {records} records came back");
        });

        private async Task<Sample> MeasureAsync(int records, int size, Func<Task> work)
        {
            var (client, nodes) = (Environment.CpuUsage.TotalTime, cluster.ProcessorTime);
            var (clientBytes, nodeBytes) = (GC.GetTotalAllocatedBytes(precise: true), cluster.Allocated);
            var started = Stopwatch.GetTimestamp();
            await work();
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var sides = new Sides(
                (Environment.CpuUsage.TotalTime - client).TotalMicroseconds / records,
                (cluster.ProcessorTime - nodes).TotalMicroseconds / records,
                (double)(GC.GetTotalAllocatedBytes(precise: true) - clientBytes) / records,
                (double)(cluster.Allocated - nodeBytes) / records);
            return new Sample((double)records * size / seconds / 1e6, Sides: sides);
        }

        private async Task<string> CreateAsync(short replicas)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"bench-{++_topics}");
            var results = await admin.CreateTopicsAsync([new NewTopic(name, Partitions, replicas)]);
            return results[0].Succeeded ? name : throw new InvalidOperationException(results[0].Message);
        }
    }

    /// <summary>Texts that compress about as well as JSON events do, by themselves and beside each other.</summary>
    private static byte[][] Values(int size)
    {
        var random = new Random(7);
        const string Text = """{"delay":12,"at":"JFK"}""";
        var values = new byte[Different][];
        for (var n = 0; n < Different; n++)
        {
            values[n] = new byte[size];
            for (var i = 0; i < size; i++) values[n][i] = (byte)(i % 4 == 0 ? 'a' + random.Next(26) : Text[i % Text.Length]);
        }

        return values;
    }
}

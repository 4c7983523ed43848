using System.Diagnostics;
using System.Globalization;
using ActorBroker.Client;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>
/// What copies cost: the same records with acks=all into topics of one and of three replicas, on the same three nodes, by
/// the processor time of the nodes (the client's is left out, since it is the same). And what idle replicas cost.
/// </summary>
internal static class ReplicationBenchmarks
{
    private const int Partitions = 6;
    private const int Records = 150_000;
    private const int Size = 1024;
    private const int IdlePartitions = 1000;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(15);

    private static readonly Config Settings = ConfigurationFactory.ParseString("""
        akka.loglevel = WARNING
        akka.actor.provider = remote
        akka.remote.dot-netty.tcp {
          hostname = "127.0.0.1"
          port = 0
        }
        """);

    public static async Task RunAsync(int rounds)
    {
        using var cluster = await ClusterProcesses.StartAsync();
        using var system = ActorSystem.Create("bench", Settings);
        await using var admin = AdminClient.Create(system, ClientSettings.Create(system).WithBootstrap(cluster.Bootstrap));
        await MeasureIdleAsync(cluster, "no partitions");
        var topics = 0;
        await Comparison.RunAsync($"Produce {Records:N0} records of {Size} B to 3 nodes, acks=all, {Partitions} partitions", "MB/s", rounds,
            ("one copy", () => ProduceAsync(replicas: 1)),
            ("three copies", () => ProduceAsync(replicas: 3)));
        await CreateAsync("idle", IdlePartitions, 3);
        await MeasureIdleAsync(cluster, $"{IdlePartitions:N0} partitions of 3 replicas");

        async Task<Sample> ProduceAsync(int replicas)
        {
            var topic = $"bench-{(++topics).ToString(CultureInfo.InvariantCulture)}";
            await CreateAsync(topic, Partitions, replicas);
            Sample sample;
            await using (var producer = ProducerClient.Create(system, ProducerSettings.Create(system).WithBootstrap(cluster.Bootstrap).WithAcks(Acks.All)))
            {
                var value = new byte[Size];
                await producer.ProduceAsync(topic, null, value); // finds the partitions
                var processor = cluster.ProcessorTime;
                var started = Stopwatch.GetTimestamp();
                await ProduceBenchmarks.SendAsync(producer, topic, [value], Records);
                var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
                sample = new Sample((double)Records * Size / seconds / 1e6, (cluster.ProcessorTime - processor).TotalSeconds);
            }

            await admin.DeleteTopicsAsync([topic]);
            return sample;
        }

        async Task CreateAsync(string name, int partitions, int replicas)
        {
            var results = await admin.CreateTopicsAsync([new NewTopic(name, partitions, (short)replicas)]);
            if (!results[0].Succeeded) throw new InvalidOperationException(results[0].Message);
        }
    }

    private static async Task MeasureIdleAsync(ClusterProcesses cluster, string what)
    {
        await Task.Delay(TimeSpan.FromSeconds(3)); // what was begun comes to its end
        var before = cluster.Processes.Select(static process => process.ProcessorTime).ToList();
        var started = Stopwatch.GetTimestamp();
        await Task.Delay(Idle);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var shares = cluster.Processes.Select((process, index) =>
            string.Create(CultureInfo.InvariantCulture, $"{100 * (process.ProcessorTime - before[index]).TotalSeconds / seconds:0.0} %"));
        Console.WriteLine($"Idle, {what}: {string.Join(", ", shares)} of a core per node");
    }
}

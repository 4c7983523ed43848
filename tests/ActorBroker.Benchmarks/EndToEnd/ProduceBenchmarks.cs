using ActorBroker.Client;
using ActorBroker.Log;

namespace ActorBroker.Benchmarks;

/// <summary>Records through the producer into a broker's log, over TCP, with default batching; against the bare sink of the same bytes.</summary>
internal static class ProduceBenchmarks
{
    /// <summary>
    /// Records without an outcome. Enough to keep all requests in flight full; more would only measure how the collector
    /// copes with everything that waits.
    /// </summary>
    private const int MaxOutstanding = 5_000;

    public static async Task RunAsync(int rounds)
    {
        await using var environment = await EndToEndEnvironment.StartAsync();
        await CompareAsync(environment, rounds, records: 200_000, size: 1024);
        await CompareAsync(environment, rounds, records: 1_000_000, size: 100);
    }

    private static Task CompareAsync(EndToEndEnvironment environment, int rounds, int records, int size)
    {
        var bytes = (long)records * size;
        return Comparison.RunAsync($"Produce {records:N0} records of {size} B", "MB/s", rounds,
            ("bare TCP-to-file sink", () => environment.MeasureBareAsync(records, bytes, () => BarePeer.Send(environment.PeerPort, bytes))),
            ("acks=1, 1 partition", () => ProduceAsync(environment, records, size, Acks.Leader, 1)),
            ("acks=1, 4 partitions", () => ProduceAsync(environment, records, size, Acks.Leader, 4)),
            ("acks=all, 1 partition", () => ProduceAsync(environment, records, size, Acks.All, 1)),
            ("acks=all, 4 partitions", () => ProduceAsync(environment, records, size, Acks.All, 4)));
    }

    private static async Task<Sample> ProduceAsync(EndToEndEnvironment environment, int records, int size, Acks acks, int partitions)
    {
        var topic = await environment.CreateTopicAsync(partitions);
        Sample sample;
        await using (var producer = Create(environment, acks))
        {
            var value = new byte[size];
            await producer.ProduceAsync(topic, null, value); // finds the partitions
            sample = await environment.MeasureBrokerAsync(records, (long)records * size, () => SendAsync(producer, topic, [value], records));
        }

        await environment.DeleteTopicAsync(topic);
        return sample;
    }

    public static ProducerClient Create(EndToEndEnvironment environment, Acks acks) =>
        ProducerClient.Create(environment.System, ProducerSettings.Create(environment.System).WithBootstrap(environment.Bootstrap).WithAcks(acks));

    /// <summary>Sends these values in turn; completes when each record has its outcome.</summary>
    public static async Task SendAsync(ProducerClient producer, string topic, byte[][] values, int records)
    {
        var outcomes = new ValueTask<RecordMetadata>[Math.Min(records, MaxOutstanding)];
        for (var i = 0; i < records; i++)
        {
            var place = i % outcomes.Length;
            if (i >= outcomes.Length) await outcomes[place];
            outcomes[place] = producer.ProduceAsync(topic, null, values[i % values.Length]);
        }

        foreach (var outcome in outcomes) await outcome;
    }
}

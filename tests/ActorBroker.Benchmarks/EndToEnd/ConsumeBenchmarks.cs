using ActorBroker.Client;

namespace ActorBroker.Benchmarks;

/// <summary>Records out of a broker's log (cached by the system) through the consumer, over TCP; against the bare source of the same bytes.</summary>
internal static class ConsumeBenchmarks
{
    public static async Task RunAsync(int rounds)
    {
        await using var environment = await EndToEndEnvironment.StartAsync();
        await CompareAsync(environment, rounds, records: 200_000, size: 1024);
        await CompareAsync(environment, rounds, records: 1_000_000, size: 100);
    }

    private static async Task CompareAsync(EndToEndEnvironment environment, int rounds, int records, int size)
    {
        var one = await FillAsync(environment, records, size, partitions: 1);
        var four = await FillAsync(environment, records, size, partitions: 4);
        var bytes = (long)records * size;
        await Comparison.RunAsync($"Consume {records:N0} records of {size} B", "MB/s", rounds,
            ("bare file-to-TCP source", () => environment.MeasureBareAsync(records, bytes, () => BarePeer.Receive(environment.PeerPort, bytes))),
            ("1 partition", () => environment.MeasureBrokerAsync(records, bytes, () => ReadAsync(environment, one, records))),
            ("4 partitions", () => environment.MeasureBrokerAsync(records, bytes, () => ReadAsync(environment, four, records))));
        await environment.DeleteTopicAsync(one);
        await environment.DeleteTopicAsync(four);
    }

    private static async Task<string> FillAsync(EndToEndEnvironment environment, int records, int size, int partitions)
    {
        var topic = await environment.CreateTopicAsync(partitions);
        await using var producer = ProduceBenchmarks.Create(environment, Acks.Leader);
        await ProduceBenchmarks.SendAsync(producer, topic, [new byte[size]], records);
        return topic;
    }

    private static async Task ReadAsync(EndToEndEnvironment environment, string topic, int records)
    {
        var settings = ConsumerSettings.Create(environment.System).WithBootstrap(environment.Bootstrap).Subscribe(topic).StartAt(StartPosition.Beginning);
        await using var consumer = ConsumerClient.Create(environment.System, settings);
        var read = 0;
        await foreach (var batch in consumer.ReadBatchesToEndAsync())
            read += batch.Records.Count;
        if (read != records) throw new InvalidOperationException($"{read} of {records} records came back");
    }
}

using System.Globalization;
using System.Text;
using ActorBroker.Cli.Clients;
using ActorBroker.Cli.Output;
using ActorBroker.Cli.Records;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Spectre.Console;

namespace ActorBroker.Cli.Commands;

/// <summary>
/// Shows how a topic's load is spread: records, bytes and keys of each partition. Records are counted by offsets; bytes and
/// keys are judged by the newest records of each partition, so many at most.
/// </summary>
internal sealed class TopicLoad(ClientSystem client, AdminClient admin, int sample)
{
    /// <summary>What a partition's newest records tell.</summary>
    private sealed class Sample
    {
        public int Records { get; private set; }

        public long Bytes { get; private set; }

        public Dictionary<string, int> Keys { get; } = new(StringComparer.Ordinal);

        public void Add(in ConsumerRecord record)
        {
            Records++;
            Bytes += (record.Key?.Length ?? 0) + (record.Value?.Length ?? 0) + record.Headers.Sum(header => Encoding.UTF8.GetByteCount(header.Key) + (header.Value?.Length ?? 0));
            if (record.Key is not { } key) return;
            TextOrBase64.TryText(key.Span, out var text);
            Keys[text] = Keys.GetValueOrDefault(text) + 1;
        }
    }

    public async Task WriteAsync(TopicDescription topic, LineOutput output, CancellationToken cancellation)
    {
        var partitions = topic.Partitions.Where(partition => partition.Leader != BrokerId.None).Select(partition => new TopicPartition(topic.Name, partition.Index)).ToList();
        var starts = await OffsetsAsync(partitions, StartPosition.Beginning, cancellation);
        var ends = await OffsetsAsync(partitions, StartPosition.End, cancellation);
        var samples = await ReadAsync(partitions, starts, ends, cancellation);
        var total = ends.Sum(end => end.Value - starts.GetValueOrDefault(end.Key, end.Value));
        var table = new Table().Border(TableBorder.None).AddColumns("  partition", "records", "share", "bytes (about)", "keys in sample", "most frequent key");
        foreach (var partition in partitions)
        {
            var records = ends.GetValueOrDefault(partition) - starts.GetValueOrDefault(partition);
            var seen = samples.GetValueOrDefault(partition, new Sample());
            var top = seen.Keys.Count == 0 ? default : seen.Keys.MaxBy(key => key.Value);
            var bytes = seen.Records == 0 ? 0 : (long)((double)seen.Bytes / seen.Records * records);
            if (output.IsJson)
            {
                output.Json(json =>
                {
                    json.WriteString("topic"u8, partition.Topic);
                    json.WriteNumber("partition"u8, partition.Partition);
                    json.WriteNumber("records"u8, records);
                    json.WriteNumber("share"u8, Share(records, total));
                    json.WriteNumber("estimated_bytes"u8, bytes);
                    json.WriteNumber("sampled_records"u8, seen.Records);
                    json.WriteNumber("sampled_keys"u8, seen.Keys.Count);
                    if (top.Key is null) return;
                    json.WriteString("top_key"u8, top.Key);
                    json.WriteNumber("top_key_share"u8, Share(top.Value, seen.Records));
                });
                continue;
            }

            table.AddRow(
                $"  {partition.Partition}", records.ToString(CultureInfo.InvariantCulture), Percent(Share(records, total)), bytes.ToString(CultureInfo.InvariantCulture),
                seen.Keys.Count.ToString(CultureInfo.InvariantCulture), top.Key is null ? "-" : $"{Markup.Escape(top.Key)} ({Percent(Share(top.Value, seen.Records))})");
        }

        if (output.IsJson) return;
        output.Text($"Topic {topic.Name}: load by partition. Records are counted by offsets (compaction leaves fewer); bytes and keys judged by the newest {sample} records of each at most: {samples.Values.Sum(s => s.Records)} read.");
        output.Table(table);
    }

    private async Task<Dictionary<TopicPartition, Sample>> ReadAsync(
        List<TopicPartition> partitions, Dictionary<TopicPartition, long> starts, Dictionary<TopicPartition, long> ends, CancellationToken cancellation)
    {
        var samples = new Dictionary<TopicPartition, Sample>();
        var settings = ConsumerSettings.Create(client.System) with { Client = client.Settings() };
        var wanted = partitions.Where(partition => ends.GetValueOrDefault(partition) > starts.GetValueOrDefault(partition)).ToArray();
        if (wanted.Length == 0) return samples;
        settings = settings.Assign([.. wanted]);
        foreach (var partition in wanted)
            settings = settings.StartAt(partition, StartPosition.At(new Offset(Math.Max(starts.GetValueOrDefault(partition), ends[partition] - sample))));
        await using var consumer = ConsumerClient.Create(client.System, settings with { AutoOffsetReset = AutoOffsetReset.Earliest });
        await foreach (var batch in consumer.ReadBatchesToEndAsync(cancellation))
        {
            if (!samples.TryGetValue(batch.Partition, out var seen)) samples.Add(batch.Partition, seen = new Sample());
            // What is written meanwhile is not read.
            for (var i = 0; i < batch.Records.Count && seen.Records < sample; i++) seen.Add(batch.Records[i]);
            if (samples.Count == wanted.Length && samples.Values.All(s => s.Records >= sample)) break;
        }

        return samples;
    }

    private async Task<Dictionary<TopicPartition, long>> OffsetsAsync(List<TopicPartition> partitions, StartPosition place, CancellationToken cancellation) =>
        (await admin.ListOffsetsAsync(partitions.ToDictionary(partition => partition, _ => place), cancellation))
        .Where(result => result.Error == ErrorCode.None).ToDictionary(result => result.Partition, result => result.Offset.Value);

    private static double Share(long part, long whole) => whole == 0 ? 0 : Math.Round((double)part / whole, 4);

    private static string Percent(double share) => share.ToString("0.0 %", CultureInfo.InvariantCulture);
}

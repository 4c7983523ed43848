using System.Globalization;
using ActorBroker.Cli.Output;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Spectre.Console;

namespace ActorBroker.Cli.Commands;

/// <summary>Shows topics in full: partitions with their leaders, replicas and offsets, and what is configured.</summary>
internal static class TopicDescriber
{
    public static async Task WriteAsync(AdminClient admin, IReadOnlyList<TopicDescription> topics, LineOutput output, CancellationToken cancellation)
    {
        if (topics.Count == 0) return;
        var partitions = topics.SelectMany(topic => topic.Partitions.Select(partition => new TopicPartition(topic.Name, partition.Index))).ToList();
        var starts = await OffsetsAsync(admin, partitions, StartPosition.Beginning, cancellation);
        var ends = await OffsetsAsync(admin, partitions, StartPosition.End, cancellation);
        var configs = await admin.DescribeConfigsAsync([.. topics.Select(topic => ConfigResource.Topic(topic.Name))], cancellation: cancellation);

        for (var i = 0; i < topics.Count; i++)
        {
            var changed = configs[i].Entries.Where(entry => !entry.IsDefault).ToDictionary(entry => entry.Name, entry => entry.Value ?? "", StringComparer.Ordinal);
            if (output.IsJson) WriteJson(topics[i], changed, starts, ends, output);
            else WriteTable(topics[i], changed, starts, ends, output);
        }
    }

    private static async Task<Dictionary<TopicPartition, long>> OffsetsAsync(
        AdminClient admin, List<TopicPartition> partitions, StartPosition place, CancellationToken cancellation)
    {
        var found = await admin.ListOffsetsAsync(partitions.ToDictionary(partition => partition, _ => place), cancellation);
        return found.Where(result => result.Error == ErrorCode.None).ToDictionary(result => result.Partition, result => result.Offset.Value);
    }

    private static void WriteTable(
        TopicDescription topic, Dictionary<string, string> configs, Dictionary<TopicPartition, long> starts, Dictionary<TopicPartition, long> ends, LineOutput output)
    {
        var factor = topic.Partitions.Count == 0 ? 0 : topic.Partitions[0].Replicas.Count;
        output.Text($"Topic {topic.Name}, id {topic.Id}, {topic.Partitions.Count} partition(s), replication factor {factor}");
        output.Text($"  configuration: {(configs.Count == 0 ? "all defaults" : string.Join(' ', configs.Select(config => $"{config.Key}={config.Value}")))}");
        var table = new Table().Border(TableBorder.None).AddColumns("  partition", "leader", "epoch", "replicas", "isr", "start offset", "end offset");
        foreach (var partition in topic.Partitions)
        {
            var key = new TopicPartition(topic.Name, partition.Index);
            table.AddRow(
                $"  {partition.Index}",
                partition.Leader == BrokerId.None ? "none" : partition.Leader.ToString(),
                partition.LeaderEpoch.ToString(),
                string.Join(',', partition.Replicas),
                string.Join(',', partition.InSync),
                Number(starts, key),
                Number(ends, key));
        }

        output.Table(table);
    }

    private static void WriteJson(
        TopicDescription topic, Dictionary<string, string> configs, Dictionary<TopicPartition, long> starts, Dictionary<TopicPartition, long> ends, LineOutput output) =>
        output.Json(json =>
        {
            json.WriteString("topic"u8, topic.Name);
            json.WriteString("topic_id"u8, topic.Id.ToString());
            json.WriteStartObject("configs"u8);
            foreach (var (key, value) in configs) json.WriteString(key, value);
            json.WriteEndObject();
            json.WriteStartArray("partitions"u8);
            foreach (var partition in topic.Partitions)
            {
                var key = new TopicPartition(topic.Name, partition.Index);
                json.WriteStartObject();
                json.WriteNumber("partition"u8, partition.Index);
                json.WriteNumber("leader"u8, partition.Leader.Value);
                json.WriteNumber("leader_epoch"u8, partition.LeaderEpoch.Value);
                WriteIds("replicas", partition.Replicas);
                WriteIds("isr", partition.InSync);
                if (starts.TryGetValue(key, out var start)) json.WriteNumber("start_offset"u8, start);
                if (ends.TryGetValue(key, out var end)) json.WriteNumber("end_offset"u8, end);
                json.WriteEndObject();
            }

            json.WriteEndArray();

            void WriteIds(string name, IReadOnlyList<BrokerId> ids)
            {
                json.WriteStartArray(name);
                foreach (var id in ids) json.WriteNumberValue(id.Value);
                json.WriteEndArray();
            }
        });

    /// <summary>A partition without a leader has no offsets to tell.</summary>
    private static string Number(Dictionary<TopicPartition, long> offsets, TopicPartition partition) =>
        offsets.TryGetValue(partition, out var offset) ? offset.ToString(CultureInfo.InvariantCulture) : "?";
}

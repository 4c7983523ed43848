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
        // A partition without a leader has nobody to say what it holds, and asking would only take time.
        var partitions = topics.SelectMany(topic => topic.Partitions
            .Where(partition => partition.Leader != BrokerId.None)
            .Select(partition => new TopicPartition(topic.Name, partition.Index))).ToList();
        var starts = await OffsetsAsync(admin, partitions, StartPosition.Beginning, cancellation);
        var ends = await OffsetsAsync(admin, partitions, StartPosition.End, cancellation);
        var moves = (await admin.ListReassignmentsAsync(cancellation)).ToDictionary(move => move.Partition);
        var configs = await admin.DescribeConfigsAsync([.. topics.Select(topic => ConfigResource.Topic(topic.Name))], cancellation: cancellation);

        for (var i = 0; i < topics.Count; i++)
        {
            var changed = configs[i].Entries.Where(entry => !entry.IsDefault).ToDictionary(entry => entry.Name, entry => entry.Value ?? "", StringComparer.Ordinal);
            if (output.IsJson) WriteJson(topics[i], changed, moves, starts, ends, output);
            else WriteTable(topics[i], changed, moves, starts, ends, output);
        }
    }

    private static async Task<Dictionary<TopicPartition, long>> OffsetsAsync(
        AdminClient admin, List<TopicPartition> partitions, StartPosition place, CancellationToken cancellation)
    {
        var found = await admin.ListOffsetsAsync(partitions.ToDictionary(partition => partition, _ => place), cancellation);
        return found.Where(result => result.Error == ErrorCode.None).ToDictionary(result => result.Partition, result => result.Offset.Value);
    }

    private static void WriteTable(
        TopicDescription topic, Dictionary<string, string> configs, Dictionary<TopicPartition, ReassignmentDescription> moves,
        Dictionary<TopicPartition, long> starts, Dictionary<TopicPartition, long> ends, LineOutput output)
    {
        var factor = topic.Partitions.Count == 0 ? 0 : topic.Partitions[0].Replicas.Count;
        output.Text($"Topic {topic.Name}, id {topic.Id}, {topic.Partitions.Count} partition(s), replication factor {factor}");
        output.Text($"  configuration: {(configs.Count == 0 ? "all defaults" : string.Join(' ', configs.Select(config => $"{config.Key}={config.Value}")))}");
        var table = new Table().Border(TableBorder.None).AddColumns(
            "  partition", "leader", "epoch", "replicas", "isr", "elr", "partition epoch", "start offset", "end offset", "");
        foreach (var partition in topic.Partitions)
        {
            var key = new TopicPartition(topic.Name, partition.Index);
            table.AddRow(
                $"  {partition.Index}",
                partition.Leader == BrokerId.None ? "none" : partition.Leader.ToString(),
                partition.LeaderEpoch.ToString(),
                string.Join(',', partition.Replicas),
                Ids(partition.InSync),
                Ids(partition.EligibleLeaders),
                partition.PartitionEpoch.ToString(CultureInfo.InvariantCulture),
                Number(starts, key),
                Number(ends, key),
                Notes(partition, moves.GetValueOrDefault(key)));
        }

        output.Table(table);
    }

    private static void WriteJson(
        TopicDescription topic, Dictionary<string, string> configs, Dictionary<TopicPartition, ReassignmentDescription> moves,
        Dictionary<TopicPartition, long> starts, Dictionary<TopicPartition, long> ends, LineOutput output) =>
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
                json.WriteNumber("partition_epoch"u8, partition.PartitionEpoch);
                JsonLine.WriteIds(json, "replicas", partition.Replicas);
                JsonLine.WriteIds(json, "isr", partition.InSync);
                JsonLine.WriteIds(json, "elr", partition.EligibleLeaders);
                JsonLine.WriteIds(json, "offline", partition.Offline);
                if (partition.LastKnownLeaders.Count > 0) json.WriteNumber("last_known_leader"u8, partition.LastKnownLeaders[0].Value);
                if (moves.TryGetValue(key, out var move))
                {
                    JsonLine.WriteIds(json, "adding", move.Adding);
                    JsonLine.WriteIds(json, "removing", move.Removing);
                }

                if (starts.TryGetValue(key, out var start)) json.WriteNumber("start_offset"u8, start);
                if (ends.TryGetValue(key, out var end)) json.WriteNumber("end_offset"u8, end);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });

    private static string Ids(IReadOnlyList<BrokerId> ids) => ids.Count == 0 ? "-" : string.Join(',', ids);

    /// <summary>What is out of the ordinary, in words.</summary>
    private static string Notes(PartitionDescription partition, ReassignmentDescription? move)
    {
        var notes = new List<string>();
        if (partition.Offline.Count > 0) notes.Add($"offline: {string.Join(',', partition.Offline)}");
        if (partition.LastKnownLeaders.Count > 0) notes.Add($"led last by {partition.LastKnownLeaders[0]}");
        if (move is not null) notes.Add($"moving: adds {Ids(move.Adding)}, removes {Ids(move.Removing)}");
        return string.Join("; ", notes);
    }

    /// <summary>A partition without a leader has no offsets to tell.</summary>
    private static string Number(Dictionary<TopicPartition, long> offsets, TopicPartition partition) =>
        offsets.TryGetValue(partition, out var offset) ? offset.ToString(CultureInfo.InvariantCulture) : "?";
}

using System.Globalization;
using ActorBroker.Cli.Output;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Spectre.Console;

namespace ActorBroker.Cli.Commands;

/// <summary>Shows where a group is, or who is in it.</summary>
internal static class GroupDescriber
{
    /// <param name="Committed">-1: none.</param>
    /// <param name="HighWatermark">Null where nobody leads the partition; so the others.</param>
    private sealed record Row(
        TopicPartition Partition, long Committed, long? HighWatermark, long? LogEnd, double? LagSeconds, GroupMemberDescription? Owner)
    {
        public long? Lag => Committed < 0 || HighWatermark is null ? null : Math.Max(0, HighWatermark.Value - Committed);
    }

    public static async Task WriteOffsetsAsync(
        AdminClient admin, GroupDescription group, DateTimeOffset now, LineOutput output, CancellationToken cancellation)
    {
        var rows = await ReadAsync(admin, group, now, cancellation);
        if (output.IsJson)
        {
            foreach (var row in rows) WriteJson(group, row, output);
            return;
        }

        output.Text($"Group {group.Id}: {group.State}, {group.Members.Count} member(s), assignor {(group.Assignor.Length == 0 ? "none" : group.Assignor)}, coordinator {group.Coordinator}");
        if (rows.Count == 0) return;
        var table = new Table().Border(TableBorder.None).AddColumns(
            "  topic", "partition", "committed", "position", "high watermark", "log end", "lag", "lag (s)", "owner");
        foreach (var row in rows)
        {
            var committed = row.Committed < 0 ? "-" : Text(row.Committed);
            table.AddRow(
                $"  {row.Partition.Topic}", Text(row.Partition.Partition), committed, committed, Text(row.HighWatermark), Text(row.LogEnd), Text(row.Lag),
                row.LagSeconds is { } seconds ? seconds.ToString("0.0", CultureInfo.InvariantCulture) : "?", row.Owner is null ? "-" : Markup.Escape(row.Owner.MemberId));
        }

        output.Table(table);
    }

    public static void WriteMembers(GroupDescription group, LineOutput output)
    {
        if (!output.IsJson)
            output.Text($"Group {group.Id}: {group.State}, {group.Members.Count} member(s), assignor {(group.Assignor.Length == 0 ? "none" : group.Assignor)}, coordinator {group.Coordinator}");
        foreach (var member in group.Members)
        {
            if (!output.IsJson)
            {
                var instance = member.InstanceId is null ? "" : $", instance {member.InstanceId}";
                output.Text($"  {member.MemberId}{instance}, client {member.ClientId} at {member.Host}: {member.Partitions.Count} partition(s) {string.Join(' ', member.Partitions)}");
                continue;
            }

            output.Json(json =>
            {
                json.WriteString("group"u8, group.Id);
                json.WriteString("member"u8, member.MemberId);
                if (member.InstanceId is not null) json.WriteString("instance"u8, member.InstanceId);
                json.WriteString("client_id"u8, member.ClientId);
                json.WriteString("host"u8, member.Host);
                json.WriteStartArray("partitions"u8);
                foreach (var partition in member.Partitions)
                {
                    json.WriteStartObject();
                    json.WriteString("topic"u8, partition.Topic);
                    json.WriteNumber("partition"u8, partition.Partition);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
        }
    }

    private static async Task<List<Row>> ReadAsync(AdminClient admin, GroupDescription group, DateTimeOffset now, CancellationToken cancellation)
    {
        var committed = await admin.ListGroupOffsetsAsync(group.Id, cancellation: cancellation);
        var owners = group.Members.SelectMany(member => member.Partitions.Select(partition => (partition, member))).ToDictionary(pair => pair.partition, pair => pair.member);
        var partitions = committed.Keys.Union(owners.Keys).OrderBy(partition => partition.Topic, StringComparer.Ordinal).ThenBy(partition => partition.Partition).ToList();
        var ends = ByPartition(await admin.ListOffsetsAsync(partitions.ToDictionary(partition => partition, _ => StartPosition.End), cancellation));
        var logEnds = ByPartition(await admin.ListLogEndOffsetsAsync(partitions, cancellation));
        var behind = committed.Where(offset => ends.TryGetValue(offset.Key, out var end) && offset.Value.Offset.Value < end).ToDictionary(offset => offset.Key, offset => offset.Value.Offset);
        var oldest = await admin.ReadTimestampsAsync(behind, cancellation);
        return partitions.ConvertAll(partition => new Row(
            partition,
            committed.GetValueOrDefault(partition)?.Offset.Value ?? -1,
            ends.TryGetValue(partition, out var end) ? end : null,
            logEnds.TryGetValue(partition, out var logEnd) ? logEnd : null,
            LagSeconds(partition, committed, ends, oldest, now),
            owners.GetValueOrDefault(partition)));
    }

    private static double? LagSeconds(
        TopicPartition partition, IReadOnlyDictionary<TopicPartition, CommittedOffset> committed, Dictionary<TopicPartition, long> ends,
        IReadOnlyDictionary<TopicPartition, long> oldest, DateTimeOffset now)
    {
        if (oldest.TryGetValue(partition, out var timestamp))
            return timestamp < 0 ? null : Math.Max(0, (now.ToUnixTimeMilliseconds() - timestamp) / 1000.0);
        return committed.TryGetValue(partition, out var offset) && ends.TryGetValue(partition, out var end) && offset.Offset.Value >= end ? 0 : null;
    }

    private static Dictionary<TopicPartition, long> ByPartition(IReadOnlyList<OffsetResult> results) =>
        results.Where(result => result.Error == ErrorCode.None).ToDictionary(result => result.Partition, result => result.Offset.Value);

    private static void WriteJson(GroupDescription group, Row row, LineOutput output) => output.Json(json =>
    {
        json.WriteString("group"u8, group.Id);
        json.WriteString("state"u8, group.State);
        json.WriteString("topic"u8, row.Partition.Topic);
        json.WriteNumber("partition"u8, row.Partition.Partition);
        if (row.Committed >= 0)
        {
            json.WriteNumber("committed_offset"u8, row.Committed);
            json.WriteNumber("position"u8, row.Committed);
        }

        if (row.HighWatermark is { } high) json.WriteNumber("high_watermark"u8, high);
        if (row.LogEnd is { } end) json.WriteNumber("log_end_offset"u8, end);
        if (row.Lag is { } lag) json.WriteNumber("lag"u8, lag);
        if (row.LagSeconds is { } seconds) json.WriteNumber("lag_seconds"u8, Math.Round(seconds, 3));
        if (row.Owner is { } owner) json.WriteString("owner"u8, owner.MemberId);
    });

    private static string Text(long? number) => number is { } known ? known.ToString(CultureInfo.InvariantCulture) : "?";
}

using System.CommandLine;
using System.Globalization;
using ActorBroker.Cli.Output;
using ActorBroker.Cli.Records;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker groups reset-offsets</c>: sets where a group without members reads on. What lies outside a partition becomes its nearest end.</summary>
internal static class ResetOffsetsCommand
{
    private const string Shift = "shift:";

    public static Command Create(Argument<string> group)
    {
        var topics = new Option<string[]>("--topic") { Description = "A topic, or TOPIC:P for one partition of it; may be given several times.", HelpName = "T", Required = true };
        var to = new Option<string>("--to") { Description = "earliest, latest, an offset, an ISO 8601 time (UTC unless it has a zone), or shift:N: N records on from where the group is, back if negative.", HelpName = "PLACE", Required = true };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only show what it would do." };
        var command = new Command("reset-offsets", "Sets where a group reads on; it must have no members.") { group, topics, to, dryRun, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var place = Parse(parsed.GetValue(to)!, out var assumedUtc);
            if (assumedUtc) parsed.InvocationConfiguration.Error.WriteLine($"--to {parsed.GetValue(to)} has no zone; taken as UTC.");
            var named = PartitionNames.Parse(parsed.GetValue(topics)!);
            return GroupsCommand.Run(parsed, (admin, output) => RunAsync(admin, output, parsed.GetValue(group)!, named, place, parsed.GetValue(dryRun), cancellation));
        });
        return command;
    }

    /// <summary>A place, or how far to go from where the group is.</summary>
    internal static (StartPosition? Place, long Shift) Parse(string text, out bool assumedUtc)
    {
        assumedUtc = false;
        if (!text.StartsWith(Shift, StringComparison.Ordinal)) return (StartText.Parse(text, "--to", out assumedUtc), 0);
        return long.TryParse(text.AsSpan(Shift.Length), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var shift)
            ? (null, shift)
            : throw CliException.Usage($"--to '{text}' is not of the form shift:N with a whole number N, such as shift:-10.");
    }

    private static async Task<int> RunAsync(
        AdminClient admin, LineOutput output, string group, IReadOnlyList<(string Topic, int? Partition)> named,
        (StartPosition? Place, long Shift) to, bool dryRun, CancellationToken cancellation)
    {
        var partitions = await PartitionNames.ResolveAsync(admin, named, cancellation);
        var committed = await admin.ListGroupOffsetsAsync(group, partitions, cancellation);
        var wanted = to.Place is { } place
            ? await admin.ListOffsetsAsync(partitions.ToDictionary(partition => partition, _ => place), cancellation)
            : [.. partitions.Select(partition => Shifted(partition, committed.GetValueOrDefault(partition), to.Shift))];
        var starts = await ListAsync(admin, partitions, StartPosition.Beginning, cancellation);
        var ends = await ListAsync(admin, partitions, StartPosition.End, cancellation);
        var plan = new Dictionary<TopicPartition, Offset>();
        var results = new List<PartitionResult>();
        foreach (var result in wanted)
        {
            var fault = result.Error != ErrorCode.None ? result : starts[result.Partition].Error != ErrorCode.None ? starts[result.Partition] : ends[result.Partition];
            if (fault.Error != ErrorCode.None)
            {
                results.Add(new PartitionResult(result.Partition, fault.Error, fault.Message));
                continue;
            }

            // No record is that late: the end.
            var (start, end) = (starts[result.Partition].Offset, ends[result.Partition].Offset);
            plan.Add(result.Partition, result.Offset == Offset.None || result.Offset > end ? end : result.Offset < start ? start : result.Offset);
        }

        if (dryRun) results.AddRange(plan.Keys.Select(partition => new PartitionResult(partition, ErrorCode.None, "")));
        else if (plan.Count > 0) results.AddRange(await admin.AlterGroupOffsetsAsync(group, plan, cancellation));
        foreach (var result in results.OrderBy(result => result.Partition.Topic, StringComparer.Ordinal).ThenBy(result => result.Partition.Partition))
            Write(output, group, result, committed.GetValueOrDefault(result.Partition), plan.GetValueOrDefault(result.Partition, Offset.None), dryRun);
        return results.Exists(result => result.Error != ErrorCode.None) ? ExitCode.Failed : ExitCode.Done;
    }

    private static OffsetResult Shifted(TopicPartition partition, CommittedOffset? committed, long shift) => committed is null
        ? new OffsetResult(partition, ErrorCode.OffsetOutOfRange, "the group has committed nothing here to shift from", Offset.None, -1)
        : new OffsetResult(partition, ErrorCode.None, "", new Offset(Math.Max(0, committed.Offset.Value + shift)), -1);

    private static async Task<Dictionary<TopicPartition, OffsetResult>> ListAsync(
        AdminClient admin, IReadOnlyList<TopicPartition> partitions, StartPosition place, CancellationToken cancellation) =>
        (await admin.ListOffsetsAsync(partitions.ToDictionary(partition => partition, _ => place), cancellation)).ToDictionary(result => result.Partition);

    private static void Write(LineOutput output, string group, PartitionResult result, CommittedOffset? before, Offset after, bool dryRun)
    {
        if (!output.IsJson)
        {
            var from = before is null ? "none" : before.Offset.ToString();
            output.Text(result.Error == ErrorCode.None
                ? $"{result.Partition}: {from} -> {after}{(dryRun ? " (dry run: not set)" : "")}"
                : $"{result.Partition} FAILED: {result.Message}");
            return;
        }

        output.Json(json =>
        {
            json.WriteString("group"u8, group);
            json.WriteString("topic"u8, result.Partition.Topic);
            json.WriteNumber("partition"u8, result.Partition.Partition);
            if (before is not null) json.WriteNumber("from"u8, before.Offset.Value);
            json.WriteBoolean("set"u8, result.Error == ErrorCode.None && !dryRun);
            if (result.Error == ErrorCode.None)
            {
                json.WriteNumber("to"u8, after.Value);
                return;
            }

            json.WriteString("error"u8, result.Error.KafkaName());
            json.WriteString("message"u8, result.Message);
        });
    }
}

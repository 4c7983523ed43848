using System.CommandLine;
using System.Globalization;
using ActorBroker.Cli.Clients;
using ActorBroker.Cli.Output;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker topics reassign</c>: moves partitions to other brokers, gives moves up, lists those under way.</summary>
internal static class ReassignCommand
{
    public static Command Create()
    {
        var topic = new Argument<string>("TOPIC") { Description = "The topic to move; or the word list, alone: shows what is being moved." };
        var partitions = new Option<int[]>("--partition") { Description = "Only this partition; may be given several times (default: all).", HelpName = "P" };
        var replicas = new Option<string?>("--replicas") { Description = "Brokers that hold each partition afterwards, the preferred leader first.", HelpName = "1,2,3" };
        var cancel = new Option<bool>("--cancel") { Description = "Give the moves up that are under way." };
        partitions.Within(0, int.MaxValue, "must not be negative");
        var command = new Command("reassign", "Moves partitions to other brokers. Returns once the moves have begun; 'reassign list' shows those that go on.")
        {
            topic, partitions, replicas, cancel, CommonOptions.Bootstrap, CommonOptions.Json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var name = parsed.GetValue(topic)!;
            var chosen = (parsed.GetValue(partitions) ?? []).Distinct().ToArray();
            var target = parsed.GetValue(replicas) is { } text ? ParseReplicas(text) : null;
            var giveUp = parsed.GetValue(cancel);
            if (target is not null && giveUp) throw CliException.Usage("--replicas and --cancel exclude each other.");
            if (target is null && !giveUp)
            {
                if (name == "list" && chosen.Length == 0) return AdminRun.WithAdminAsync(parsed, (admin, output) => ListAsync(admin, output, cancellation));
                throw CliException.Usage("Give --replicas, or --cancel, or list instead of a topic.");
            }

            return AdminRun.WithAdminAsync(parsed, (admin, output) => AlterAsync(admin, output, name, chosen, target, cancellation));
        });
        return command;
    }

    private static IReadOnlyList<BrokerId> ParseReplicas(string text)
    {
        var ids = new List<BrokerId>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                throw CliException.Usage($"--replicas '{text}' is not a list of broker numbers such as 1,2,3.");
            if (ids.Contains(new BrokerId(id))) throw CliException.Usage($"--replicas names broker {id} more than once.");
            ids.Add(new BrokerId(id));
        }

        return ids;
    }

    private static async Task<int> AlterAsync(
        AdminClient admin, LineOutput output, string name, IReadOnlyList<int> chosen, IReadOnlyList<BrokerId>? target, CancellationToken cancellation)
    {
        var wanted = PartitionNames.Of(await TopicLookup.FindAsync(admin, name, cancellation), chosen).ToList();
        if (target is null && chosen.Count == 0)
        {
            // Whoever names no partitions means those that move.
            var moving = (await admin.ListReassignmentsAsync(cancellation)).Select(move => move.Partition).ToHashSet();
            wanted.RemoveAll(partition => !moving.Contains(partition));
        }

        if (wanted.Count == 0)
        {
            if (!output.IsJson) output.Text($"No partition of {name} is being moved.");
            return ExitCode.Done;
        }

        var results = await admin.AlterReassignmentsAsync(wanted.ToDictionary(partition => partition, _ => target), cancellation);
        var failed = false;
        foreach (var result in results)
        {
            failed |= result.Error != ErrorCode.None;
            var done = target is null ? "stays where it was" : $"moves to {string.Join(',', target)}";
            PartitionNames.Write(output, result, result.Error == ErrorCode.None, done, isNeedless: false, target is null ? "cancelled" : "begun");
        }

        return failed ? ExitCode.Failed : ExitCode.Done;
    }

    private static async Task<int> ListAsync(AdminClient admin, LineOutput output, CancellationToken cancellation)
    {
        var moves = await admin.ListReassignmentsAsync(cancellation);
        if (moves.Count == 0 && !output.IsJson) output.Text("No partition is being moved.");
        foreach (var move in moves)
        {
            if (!output.IsJson)
            {
                output.Text($"{move.Partition}: replicas {string.Join(',', move.Replicas)}, adding {Ids(move.Adding)}, removing {Ids(move.Removing)}");
                continue;
            }

            output.Json(json =>
            {
                json.WriteString("topic"u8, move.Partition.Topic);
                json.WriteNumber("partition"u8, move.Partition.Partition);
                JsonLine.WriteIds(json, "replicas", move.Replicas);
                JsonLine.WriteIds(json, "adding", move.Adding);
                JsonLine.WriteIds(json, "removing", move.Removing);
            });
        }

        return ExitCode.Done;
    }

    private static string Ids(IReadOnlyList<BrokerId> ids) => ids.Count == 0 ? "none" : string.Join(',', ids);
}

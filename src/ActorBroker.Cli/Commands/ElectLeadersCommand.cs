using System.CommandLine;
using ActorBroker.Cli.Clients;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker topics elect-leaders</c>: back to the preferred leaders, or out of a standstill at the price of records.</summary>
internal static class ElectLeadersCommand
{
    public static Command Create()
    {
        var type = new Option<string>("--type")
        {
            Description = "preferred: each partition's first replica, if it is in sync. unclean: any live replica where nobody leads; records may be lost.",
            DefaultValueFactory = _ => "preferred",
        };
        type.AcceptOnlyFromAmong("preferred", "unclean");
        var partitions = new Argument<string[]>("TOPIC[:P]") { Description = "Topics, or single partitions (default: all; an unclean election must name them).", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("elect-leaders", "Elects leaders anew.") { partitions, type, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var kind = parsed.GetValue(type) == "unclean" ? ElectionType.Unclean : ElectionType.Preferred;
            var named = PartitionNames.Parse(parsed.GetValue(partitions) ?? []);
            if (named.Count == 0 && kind == ElectionType.Unclean)
                throw CliException.Usage("An unclean election may lose records: name the topics or partitions.");
            return AdminRun.WithAdminAsync(parsed, async (admin, output) =>
            {
                var wanted = named.Count == 0 ? null : await PartitionNames.ResolveAsync(admin, named, cancellation);
                var results = await admin.ElectLeadersAsync(kind, wanted, cancellation);
                if (results.Count == 0 && !output.IsJson) output.Text("No partition needs an election.");
                var failed = false;
                foreach (var result in results.OrderBy(result => result.Partition.Topic, StringComparer.Ordinal).ThenBy(result => result.Partition.Partition))
                {
                    var isNeedless = result.Error == ErrorCode.ElectionNotNeeded;
                    failed |= result.Error != ErrorCode.None && !isNeedless;
                    PartitionNames.Write(output, result, result.Error == ErrorCode.None, isNeedless ? "needs no election" : "has a newly elected leader", isNeedless, "elected");
                }

                return failed ? ExitCode.Failed : ExitCode.Done;
            });
        });
        return command;
    }
}

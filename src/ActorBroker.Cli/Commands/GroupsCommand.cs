using System.CommandLine;
using ActorBroker.Cli.Output;
using ActorBroker.Client;
using ActorBroker.Protocol;
using Spectre.Console;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker groups</c>: lists, describes and deletes consumer groups; what sets their offsets has a file of its own.</summary>
internal static class GroupsCommand
{
    /// <summary>A group whose coordinator is not found within that time is not found in a minute either.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly Argument<string> Group = new("GROUP") { Description = "The group." };

    public static Command Create() => new("groups", "Shows consumer groups, sets where they read on, deletes them.")
    {
        List(), Describe(), ResetOffsetsCommand.Create(Group), Delete(),
    };

    private static Command List()
    {
        var command = new Command("list", "Lists all groups.") { CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => Run(parsed, async (admin, output) =>
        {
            var groups = await admin.ListGroupsAsync(cancellation);
            if (output.IsJson)
            {
                foreach (var group in groups)
                    output.Line("", ("group", group.Id), ("state", group.State), ("type", group.Type), ("protocol_type", group.ProtocolType), ("coordinator", group.Coordinator.Value));
            }
            else if (groups.Count == 0)
            {
                output.Text("There are no groups.");
            }
            else
            {
                var table = new Table().Border(TableBorder.None).AddColumns("group", "state", "coordinator");
                foreach (var group in groups)
                    table.AddRow(Markup.Escape(group.Id), group.State, group.Coordinator.ToString());
                output.Table(table);
            }

            return ExitCode.Done;
        }));
        return command;
    }

    private static Command Describe()
    {
        var members = new Option<bool>("--members") { Description = "Show the members and what each has, instead of offsets and lag." };
        var command = new Command("describe", "Shows where a group is, partition by partition: committed offset, position (the committed one: members tell no other), high watermark, log end offset, lag in records and seconds (the age of the oldest record not yet committed), owner.")
        {
            Group, members, CommonOptions.Bootstrap, CommonOptions.Json,
        };
        command.SetAction((parsed, cancellation) => Run(parsed, async (admin, output) =>
        {
            var group = await FindAsync(admin, parsed.GetValue(Group)!, cancellation);
            if (parsed.GetValue(members)) GroupDescriber.WriteMembers(group, output);
            else await GroupDescriber.WriteOffsetsAsync(admin, group, TimeProvider.System.GetUtcNow(), output, cancellation);
            return ExitCode.Done;
        }));
        return command;
    }

    private static Command Delete()
    {
        var command = new Command("delete", "Deletes a group that has no member, with its offsets.") { Group, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => Run(parsed, async (admin, output) =>
        {
            var result = (await admin.DeleteGroupsAsync([parsed.GetValue(Group)!], cancellation))[0];
            if (result.Error != ErrorCode.None) throw CliException.Failed($"Group '{result.Id}': {result.Message}");
            output.Line($"Deleted group {result.Id}.", ("group", result.Id), ("deleted", true));
            return ExitCode.Done;
        }));
        return command;
    }

    public static Task<int> Run(ParseResult parsed, Func<AdminClient, LineOutput, Task<int>> run) => AdminRun.WithAdminAsync(parsed, run, Patience);

    /// <exception cref="CliException">There is no such group.</exception>
    public static async Task<GroupDescription> FindAsync(AdminClient admin, string name, CancellationToken cancellation)
    {
        var group = (await admin.DescribeGroupsAsync([name], cancellation))[0];
        if (group.Error == ErrorCode.GroupIdNotFound || (group.Error == ErrorCode.None && group.State == "Dead"))
            throw CliException.Failed($"There is no group '{name}'.");
        return group.Error == ErrorCode.None ? group : throw CliException.Failed($"Group '{name}': {group.Message}");
    }
}

using System.CommandLine;
using ActorBroker.Cli.Clients;
using ActorBroker.Client;
using ActorBroker.Protocol;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker topics</c>: create, list, describe, alter, delete; what concerns leaders and replicas has files of its own.</summary>
internal static class TopicsCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The topic." };
    private static readonly Option<string[]> Config = new("--config") { Description = "A configuration key to set; may be given several times.", HelpName = "k=v" };

    public static Command Create() => new("topics", "Creates, shows, changes and deletes topics.")
    {
        CreateTopic(), List(), Describe(), Alter(), Delete(), ElectLeadersCommand.Create(), ReassignCommand.Create(),
    };

    private static Command CreateTopic()
    {
        var partitions = new Option<int?>("--partitions") { Description = "Number of partitions (default: the broker's num.partitions).", HelpName = "N" };
        var factor = new Option<short?>("--replication-factor") { Description = "Replicas of each partition (default: 3, or as many as there are brokers).", HelpName = "N" };
        var ifNotExists = new Option<bool>("--if-not-exists") { Description = "Succeed when the topic is there already." };
        var command = new Command("create", "Creates a topic.") { Name, partitions, factor, Config, ifNotExists, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => AdminRun.WithAdminAsync(parsed, async (admin, output) =>
        {
            var topic = new NewTopic(
                parsed.GetValue(Name)!, parsed.GetValue(partitions) ?? -1, parsed.GetValue(factor) ?? -1,
                KeyValues.Parse("--config", parsed.GetValue(Config)));
            var result = (await admin.CreateTopicsAsync([topic], cancellation: cancellation))[0];
            if (result.Error == ErrorCode.TopicAlreadyExists && parsed.GetValue(ifNotExists))
            {
                output.Line($"Topic {topic.Name} exists already.", ("topic", topic.Name), ("created", false));
                return;
            }

            Require(result);
            output.Line(
                $"Created topic {topic.Name}: {result.Partitions} partition(s), replication factor {result.ReplicationFactor}, id {result.Id}.",
                ("topic", topic.Name), ("created", true), ("topic_id", result.Id.ToString()), ("partitions", result.Partitions), ("replication_factor", (int)result.ReplicationFactor));
        }));
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "Lists all topics.") { CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => AdminRun.WithAdminAsync(parsed, async (admin, output) =>
        {
            foreach (var topic in await admin.ListTopicsAsync(cancellation))
                output.Line(topic.Name, ("topic", topic.Name), ("topic_id", topic.Id.ToString()), ("partitions", topic.Partitions.Count), ("internal", topic.IsInternal));
        }));
        return command;
    }

    private static Command Describe()
    {
        var name = new Argument<string?>("NAME") { Description = "The topic (default: all).", Arity = ArgumentArity.ZeroOrOne };
        var load = new Option<bool>("--load") { Description = "Show how records, bytes and keys are spread over the partitions instead." };
        var sample = new Option<int>("--sample") { Description = "With --load: how many of the newest records of each partition are read to judge bytes and keys by.", HelpName = "N", DefaultValueFactory = _ => 1000 };
        sample.Within(1, 1_000_000, "must be from 1 to 1000000");
        var command = new Command("describe", "Shows partitions with leaders, replicas, epochs and offsets, and configuration; or their load.") { name, load, sample, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => AdminRun.WithClientAsync(parsed, async (client, admin, output) =>
        {
            IReadOnlyList<TopicDescription> topics = parsed.GetValue(name) is { } wanted
                ? [await TopicLookup.FindAsync(admin, wanted, cancellation)]
                : await admin.ListTopicsAsync(cancellation);
            if (parsed.GetValue(load))
            {
                foreach (var topic in topics) await new TopicLoad(client, admin, parsed.GetValue(sample)).WriteAsync(topic, output, cancellation);
                return;
            }

            await TopicDescriber.WriteAsync(admin, topics, output, cancellation);
        }));
        return command;
    }

    private static Command Alter()
    {
        var partitions = new Option<int?>("--partitions") { Description = "Number of partitions afterwards; never fewer.", HelpName = "N" };
        var delete = new Option<string[]>("--delete-config") { Description = "A configuration key to put back to its default; may be given several times.", HelpName = "k" };
        var command = new Command("alter", "Adds partitions, changes configuration.") { Name, partitions, Config, delete, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => AdminRun.WithAdminAsync(parsed, async (admin, output) =>
        {
            var topic = parsed.GetValue(Name)!;
            var changes = KeyValues.Parse("--config", parsed.GetValue(Config)).Select(config => ConfigChange.Set(config.Key, config.Value))
                .Concat((parsed.GetValue(delete) ?? []).Select(ConfigChange.Delete)).ToList();
            var count = parsed.GetValue(partitions);
            if (changes.Count == 0 && count is null) throw CliException.Usage("Nothing to alter: give --partitions, --config or --delete-config.");

            // Configuration first: it can be put back, added partitions can't.
            if (changes.Count > 0)
            {
                var resource = ConfigResource.Topic(topic);
                var result = (await admin.AlterConfigsAsync(new Dictionary<ConfigResource, IReadOnlyList<ConfigChange>> { [resource] = changes }, cancellation: cancellation))[0];
                if (result.Error != ErrorCode.None) throw CliException.Failed(result.Message);
            }

            if (count is { } total)
                Require((await admin.CreatePartitionsAsync(new Dictionary<string, int>(StringComparer.Ordinal) { [topic] = total }, cancellation: cancellation))[0]);
            output.Line($"Altered topic {topic}.", ("topic", topic), ("altered", true));
        }));
        return command;
    }

    private static Command Delete()
    {
        var command = new Command("delete", "Deletes a topic and its records.") { Name, CommonOptions.Bootstrap, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => AdminRun.WithAdminAsync(parsed, async (admin, output) =>
        {
            var topic = parsed.GetValue(Name)!;
            Require((await admin.DeleteTopicsAsync([topic], cancellation))[0]);
            output.Line($"Deleted topic {topic}.", ("topic", topic), ("deleted", true));
        }));
        return command;
    }

    private static void Require(TopicResult result)
    {
        if (!result.Succeeded) throw CliException.Failed(result.Message);
    }
}

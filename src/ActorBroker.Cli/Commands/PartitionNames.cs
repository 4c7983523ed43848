using System.Globalization;
using ActorBroker.Cli.Clients;
using ActorBroker.Cli.Output;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Cli.Commands;

/// <summary>Partitions on the command line: TOPIC for all of a topic's, TOPIC:P for one. Topic names have no colons.</summary>
internal static class PartitionNames
{
    public static IReadOnlyList<(string Topic, int? Partition)> Parse(string[] texts)
    {
        var named = new List<(string, int?)>();
        foreach (var text in texts)
        {
            var at = text.IndexOf(':', StringComparison.Ordinal);
            if (at < 0)
                named.Add((text, null));
            else if (at > 0 && int.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var partition))
                named.Add((text[..at], partition));
            else
                throw CliException.Usage($"'{text}' is not of the form TOPIC or TOPIC:P.");
        }

        return named;
    }

    /// <exception cref="CliException">There is no such topic or partition.</exception>
    public static async Task<IReadOnlyList<TopicPartition>> ResolveAsync(
        AdminClient admin, IReadOnlyList<(string Topic, int? Partition)> named, CancellationToken cancellation)
    {
        var partitions = new List<TopicPartition>();
        foreach (var (name, partition) in named)
        {
            var topic = await TopicLookup.FindAsync(admin, name, cancellation);
            partitions.AddRange(Of(topic, partition is { } one ? [one] : []));
        }

        return [.. partitions.Distinct()];
    }

    /// <param name="chosen">Empty: all of the topic's.</param>
    public static IEnumerable<TopicPartition> Of(TopicDescription topic, IReadOnlyList<int> chosen)
    {
        foreach (var index in chosen)
        {
            if (index >= topic.Partitions.Count)
                throw CliException.Failed($"Topic '{topic.Name}' has no partition {index}; it has 0 to {topic.Partitions.Count - 1}.");
        }

        return (chosen.Count > 0 ? chosen : topic.Partitions.Select(partition => partition.Index)).Select(index => new TopicPartition(topic.Name, index));
    }

    /// <summary>One partition's outcome.</summary>
    /// <param name="flag">What JSON calls that it was done.</param>
    public static void Write(LineOutput output, PartitionResult result, bool done, string text, bool isNeedless, string flag)
    {
        if (!output.IsJson)
        {
            output.Text(done || isNeedless ? $"{result.Partition} {text}." : $"{result.Partition} FAILED: {result.Message}");
            return;
        }

        output.Json(json =>
        {
            json.WriteString("topic"u8, result.Partition.Topic);
            json.WriteNumber("partition"u8, result.Partition.Partition);
            json.WriteBoolean(flag, done);
            if (result.Error == ErrorCode.None) return;
            json.WriteString("error"u8, result.Error.KafkaName());
            json.WriteString("message"u8, result.Message);
        });
    }
}

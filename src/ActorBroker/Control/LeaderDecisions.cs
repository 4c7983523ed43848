using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>Elections that somebody asked for, and those that give leaders back to the brokers meant to have them.</summary>
internal static class LeaderDecisions
{
    public static ElectionResults OnElect(Draft draft, ElectLeaders elect)
    {
        if (!elect.Partitions.IsEmpty)
            return new ElectionResults([.. elect.Partitions.Select(partition => Elect(draft, elect.Kind, partition))]);

        var results = ImmutableArray.CreateBuilder<PartitionResult>();
        foreach (var topic in draft.Image.TopicsByName.Values)
        {
            foreach (var partition in topic.Partitions)
            {
                var result = Elect(draft, elect.Kind, new TopicPartition(topic.Name, partition.Index));
                if (result.Error != ErrorCode.ElectionNotNeeded) results.Add(result);
            }
        }

        return new ElectionResults(results.ToImmutable());
    }

    /// <summary>
    /// Gives each broker back the partitions that name it first, where others lead more than
    /// <paramref name="percentage"/> of those (<c>leader.imbalance.per.broker.percentage</c>).
    /// </summary>
    public static void Rebalance(Draft draft, int percentage)
    {
        var tally = new Dictionary<BrokerId, (int Meant, int Elsewhere)>();
        foreach (var topic in draft.Image.TopicsByName.Values)
        {
            foreach (var partition in topic.Partitions)
            {
                var preferred = partition.Replicas[0];
                var (meant, elsewhere) = tally.GetValueOrDefault(preferred);
                tally[preferred] = (meant + 1, elsewhere + (partition.Leader == preferred ? 0 : 1));
            }
        }

        draft.ChangeAll(
            partition => partition.Leader != partition.Replicas[0]
                && tally[partition.Replicas[0]] is var (meant, elsewhere)
                && elsewhere * 100L > (long)meant * percentage,
            plan => plan.PrefersFirst = true);
    }

    private static PartitionResult Elect(Draft draft, ElectionKind kind, TopicPartition name)
    {
        if (draft.Image.FindTopic(name.Topic) is not { } topic || name.Partition < 0 || name.Partition >= topic.Partitions.Length)
            return new PartitionResult(name, ErrorCode.UnknownTopicOrPartition, $"There is no partition {name}.");
        var now = topic.Partitions[name.Partition];
        return kind == ElectionKind.Preferred ? ElectPreferred(draft, topic.Id, now, name) : ElectUnclean(draft, topic.Id, now, name);
    }

    private static PartitionResult ElectPreferred(Draft draft, TopicId topic, PartitionImage now, TopicPartition name)
    {
        var preferred = now.Replicas[0];
        if (now.Leader == preferred)
            return new PartitionResult(name, ErrorCode.ElectionNotNeeded, $"Broker {preferred} leads {name} already.");
        var next = draft.Change(topic, now.Index, plan => plan.PrefersFirst = true);
        return next.Leader == preferred
            ? new PartitionResult(name, ErrorCode.None, null)
            : new PartitionResult(name, ErrorCode.PreferredLeaderNotAvailable, $"Broker {preferred}, which should lead {name}, is not in sync.");
    }

    private static PartitionResult ElectUnclean(Draft draft, TopicId topic, PartitionImage now, TopicPartition name)
    {
        if (now.Leader is { } leader)
            return new PartitionResult(name, ErrorCode.ElectionNotNeeded, $"Broker {leader} leads {name}.");
        var next = draft.Change(topic, now.Index, plan => plan.AllowsUnclean = true);
        return next.Leader is not null
            ? new PartitionResult(name, ErrorCode.None, null)
            : new PartitionResult(name, ErrorCode.EligibleLeadersNotAvailable, $"No replica of {name} is on a live broker.");
    }
}

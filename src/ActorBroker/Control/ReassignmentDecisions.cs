using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Moves partitions to other brokers (KIP-455). While it is under way a partition has its new and its old replicas; once
/// all new ones are in the ISR the old ones go (<see cref="PartitionPlan"/>). The wanted replicas stand first, in their
/// order, those that go behind them.
/// </summary>
internal static class ReassignmentDecisions
{
    public static ReassignmentResults OnAlter(Draft draft, AlterReassignments alter) =>
        new([.. alter.Partitions.Select(reassignment => Alter(draft, reassignment, alter.Partitions))]);

    private static PartitionResult Alter(Draft draft, Reassignment wanted, ImmutableArray<Reassignment> all)
    {
        var name = new TopicPartition(wanted.Topic, wanted.Index);
        if (draft.Image.FindTopic(wanted.Topic) is not { } topic || wanted.Index < 0 || wanted.Index >= topic.Partitions.Length)
            return new PartitionResult(name, ErrorCode.UnknownTopicOrPartition, $"There is no partition {name}.");
        if (all.Count(other => other.Topic == wanted.Topic && other.Index == wanted.Index) > 1)
            return new PartitionResult(name, ErrorCode.InvalidRequest, $"{name} appears more than once in the request.");
        var now = topic.Partitions[wanted.Index];
        if (wanted.Replicas.IsEmpty)
        {
            return now.IsReassigning
                ? Move(draft, topic.Id, now, name, Originals(now))
                : new PartitionResult(name, ErrorCode.NoReassignmentInProgress, $"{name} is not being reassigned.");
        }

        if (wanted.Replicas.Distinct().Count() != wanted.Replicas.Length)
            return new PartitionResult(name, ErrorCode.InvalidReplicaAssignment, $"The replicas of {name} must be distinct.");
        if (wanted.Replicas.FirstOrDefault(id => !draft.Image.Brokers.ContainsKey(id), BrokerId.None) is var unknown && unknown != BrokerId.None)
            return new PartitionResult(name, ErrorCode.InvalidReplicaAssignment, $"{name} is assigned to broker {unknown}, which is not registered.");
        return Move(draft, topic.Id, now, name, wanted.Replicas);
    }

    /// <summary>From whatever is under way: replicas that an earlier reassignment was adding and this one does not want go at once.</summary>
    public static PartitionResult Move(Draft draft, TopicId topic, PartitionImage now, TopicPartition name, ImmutableArray<BrokerId> target)
    {
        var originals = Originals(now);
        ImmutableArray<BrokerId> removing = [.. originals.Where(id => !target.Contains(id))];
        ImmutableArray<BrokerId> replicas = [.. target, .. removing];

        // Nobody else may lead without losing records, so not all that lead or could lead may be dropped.
        var holders = !now.Isr.IsEmpty ? now.Isr : now.EligibleLeaders;
        if (!holders.IsEmpty && !holders.Any(replicas.Contains))
            return new PartitionResult(name, ErrorCode.InvalidReplicaAssignment, $"No replica of {name} would be in sync: its records are only on replicas that would go.");
        draft.Change(topic, now.Index, plan =>
        {
            plan.Replicas = replicas;
            plan.Adding = [.. target.Where(id => !originals.Contains(id))];
            plan.Removing = removing;
        });
        return new PartitionResult(name, ErrorCode.None, null);
    }

    private static ImmutableArray<BrokerId> Originals(PartitionImage now) => [.. now.Replicas.Where(id => !now.AddingReplicas.Contains(id))];
}

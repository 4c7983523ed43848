using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Control;

/// <summary>
/// What the controller takes from requests of clients and operators, and answers; the other half, between the controller
/// and the brokers, is in <c>ControllerProtocol.Brokers.cs</c>. Every command gets exactly one answer, also when it is
/// refused; instead of its own any may get <see cref="ControllerUnavailable"/>.
/// </summary>
internal static partial class ControllerProtocol
{
    /// <summary>Crosses nodes; the serializer bound to it knows every one of them.</summary>
    public interface IControllerMessage;

    /// <summary>May be too large for one frame between nodes: sent through <see cref="MessageSender"/>.</summary>
    public interface ILargeMessage : IControllerMessage;

    public interface ICommand : IControllerMessage;

    /// <param name="Partitions">-1: the broker's <c>num.partitions</c>. Ignored where <paramref name="Assignments"/> is not empty.</param>
    /// <param name="ReplicationFactor">-1: the default, min(3, brokers).</param>
    /// <param name="Assignments">Replicas for each partition in index order; empty: the controller places them.</param>
    public sealed record NewTopic(
        string Name,
        int Partitions,
        int ReplicationFactor,
        ImmutableArray<ImmutableArray<BrokerId>> Assignments,
        ImmutableArray<KeyValuePair<string, string?>> Configs);

    /// <summary>Answer: <see cref="TopicResults"/>, in the order asked, once the live brokers that hold the new partitions serve them (or a few seconds have passed).</summary>
    public sealed record CreateTopics(ImmutableArray<NewTopic> Topics, bool ValidateOnly) : ICommand, ILargeMessage;

    /// <summary>By id where it is not zero, otherwise by name.</summary>
    public readonly record struct TopicReference(string? Name, TopicId Id);

    /// <summary>Answer: <see cref="TopicResults"/>.</summary>
    public sealed record DeleteTopics(ImmutableArray<TopicReference> Topics) : ICommand, ILargeMessage;

    /// <param name="Count">The topic's partitions afterwards; never fewer than now.</param>
    public sealed record MorePartitions(string Topic, int Count, ImmutableArray<ImmutableArray<BrokerId>> Assignments);

    /// <summary>Answer: <see cref="TopicResults"/>, when <see cref="CreateTopics"/> would be answered.</summary>
    public sealed record AddPartitions(ImmutableArray<MorePartitions> Topics, bool ValidateOnly) : ICommand, ILargeMessage;

    public enum ConfigOperation
    {
        Set = 0,

        /// <summary>Adds to a list what it does not have yet.</summary>
        Append = 1,

        /// <summary>Takes out of a list.</summary>
        Subtract = 2,
    }

    /// <param name="Value">Null: back to the default.</param>
    public sealed record ConfigChange(string Key, string? Value)
    {
        public ConfigOperation Operation { get; init; }
    }

    public sealed record TopicConfigChanges(string Topic, ImmutableArray<ConfigChange> Changes)
    {
        /// <summary>What is set and not named goes back to its default.</summary>
        public bool ReplacesAll { get; init; }
    }

    /// <summary>All changes of a topic or none. Answer: <see cref="TopicResults"/>.</summary>
    public sealed record AlterTopicConfigs(ImmutableArray<TopicConfigChanges> Topics, bool ValidateOnly) : ICommand, ILargeMessage;

    public sealed record TopicResults(ImmutableArray<TopicResult> Results) : ILargeMessage;

    /// <param name="Topic">As it stands afterwards; null when refused or unknown.</param>
    /// <param name="Message">Null unless refused.</param>
    public sealed record TopicResult(string? Name, ErrorCode Error, string? Message, TopicImage? Topic)
    {
        public static TopicResult Refused(string? name, ErrorCode error, string message) => new(name, error, message, null);
    }

    public enum ElectionKind
    {
        /// <summary>The first replica, where it is in the ISR and another leads.</summary>
        Preferred = 0,

        /// <summary>Any live replica, where nobody leads: records may be lost.</summary>
        Unclean = 1,
    }

    /// <summary>Answer: <see cref="ElectionResults"/>.</summary>
    /// <param name="Partitions">Default or empty: all; only those that changed or failed are answered then.</param>
    public sealed record ElectLeaders(ElectionKind Kind, ImmutableArray<TopicPartition> Partitions) : ICommand, ILargeMessage
    {
        public ImmutableArray<TopicPartition> Partitions { get; init; } = Partitions.IsDefault ? [] : Partitions;
    }

    public sealed record ElectionResults(ImmutableArray<PartitionResult> Results) : ILargeMessage;

    /// <param name="Message">Null unless refused.</param>
    public sealed record PartitionResult(TopicPartition Partition, ErrorCode Error, string? Message);

    /// <param name="Replicas">Afterwards, in preference order. Default or empty: cancel what is under way.</param>
    public sealed record Reassignment(string Topic, int Index, ImmutableArray<BrokerId> Replicas)
    {
        public ImmutableArray<BrokerId> Replicas { get; init; } = Replicas.IsDefault ? [] : Replicas;
    }

    /// <summary>Begins or cancels reassignments; they are complete once all new replicas are in the ISR (KIP-455). Answer: <see cref="ReassignmentResults"/>, in the order asked.</summary>
    public sealed record AlterReassignments(ImmutableArray<Reassignment> Partitions) : ICommand, ILargeMessage;

    public sealed record ReassignmentResults(ImmutableArray<PartitionResult> Results) : ILargeMessage;

    /// <summary>Forgets a broker that is gone for good: fenced, and holding no replicas. Answer: <see cref="UnregisterResult"/>.</summary>
    public sealed record UnregisterBroker(BrokerId Id) : ICommand;

    /// <param name="Message">Null unless refused.</param>
    public sealed record UnregisterResult(BrokerId Id, ErrorCode Error, string? Message) : IControllerMessage;

    /// <summary>No controller can decide right now; retriable. What was asked may have been decided all the same.</summary>
    public sealed record ControllerUnavailable(string Reason) : IControllerMessage;
}

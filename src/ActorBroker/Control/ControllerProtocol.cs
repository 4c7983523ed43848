using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Control;

/// <summary>What the controller takes and answers. Every command gets exactly one answer, also when it is refused.</summary>
internal static class ControllerProtocol
{
    public interface ICommand;

    /// <summary>A broker process announces itself. Answer: <see cref="BrokerAccepted"/> or <see cref="BrokerRefused"/>.</summary>
    public sealed record RegisterBroker(
        BrokerId Id,
        Guid Incarnation,
        DirectoryId Directory,
        ClusterId? ClusterId,
        string? Rack,
        ImmutableArray<BrokerEndpoint> Endpoints,
        bool CleanShutdown,
        string? BootId) : ICommand;

    public sealed record BrokerAccepted(ClusterId ClusterId, long BrokerEpoch);

    public sealed record BrokerRefused(string Reason);

    /// <param name="Partitions">-1: the broker's <c>num.partitions</c>. Ignored where <paramref name="Assignments"/> is not empty.</param>
    /// <param name="ReplicationFactor">-1: the default, min(3, brokers).</param>
    /// <param name="Assignments">Replicas for each partition in index order; empty: the controller places them.</param>
    public sealed record NewTopic(
        string Name,
        int Partitions,
        int ReplicationFactor,
        ImmutableArray<ImmutableArray<BrokerId>> Assignments,
        ImmutableArray<KeyValuePair<string, string?>> Configs);

    /// <summary>Answer: <see cref="TopicResults"/>, in the order asked, once this node serves the new partitions.</summary>
    public sealed record CreateTopics(ImmutableArray<NewTopic> Topics, bool ValidateOnly) : ICommand;

    /// <summary>By id where it is not zero, otherwise by name. Answer: <see cref="TopicResults"/>.</summary>
    public sealed record DeleteTopics(ImmutableArray<(string? Name, TopicId Id)> Topics) : ICommand;

    /// <param name="Count">The topic's partitions afterwards; never fewer than now.</param>
    public sealed record MorePartitions(string Topic, int Count, ImmutableArray<ImmutableArray<BrokerId>> Assignments);

    /// <summary>Answer: <see cref="TopicResults"/>.</summary>
    public sealed record AddPartitions(ImmutableArray<MorePartitions> Topics, bool ValidateOnly) : ICommand;

    /// <param name="Value">Null: back to the default.</param>
    public sealed record ConfigChange(string Key, string? Value);

    public sealed record TopicConfigChanges(string Topic, ImmutableArray<ConfigChange> Changes);

    /// <summary>All changes of a topic or none. Answer: <see cref="TopicResults"/>.</summary>
    public sealed record AlterTopicConfigs(ImmutableArray<TopicConfigChanges> Topics, bool ValidateOnly) : ICommand;

    /// <summary>No controller can decide right now; retriable.</summary>
    public sealed record ControllerUnavailable(string Reason);

    public sealed record TopicResults(ImmutableArray<TopicResult> Results);

    /// <param name="Topic">As it stands afterwards; null when refused or unknown.</param>
    /// <param name="Message">Null unless refused.</param>
    public sealed record TopicResult(string? Name, ErrorCode Error, string? Message, TopicImage? Topic)
    {
        public static TopicResult Refused(string? name, ErrorCode error, string message) => new(name, error, message, null);
    }
}

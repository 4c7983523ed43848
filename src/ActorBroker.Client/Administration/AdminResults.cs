using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>A topic to create.</summary>
/// <param name="Partitions">-1 for the broker's default.</param>
/// <param name="ReplicationFactor">-1 for the broker's default.</param>
public sealed record NewTopic(
    string Name, int Partitions = -1, short ReplicationFactor = -1, IReadOnlyDictionary<string, string>? Configs = null);

/// <summary>What became of one topic in a request.</summary>
/// <param name="Message">The error in words; empty if there is none.</param>
/// <param name="Partitions">-1 where the answer doesn't say.</param>
/// <param name="ReplicationFactor">-1 where the answer doesn't say.</param>
public sealed record TopicResult(
    string Name, ErrorCode Error, string Message, TopicId Id = default, int Partitions = -1, short ReplicationFactor = -1)
{
    public bool Succeeded => Error == ErrorCode.None;
}

public sealed record TopicDescription(
    string Name, TopicId Id, bool IsInternal, ErrorCode Error, string Message, IReadOnlyList<PartitionDescription> Partitions);

/// <param name="Leader"><see cref="BrokerId.None"/> if there is none now.</param>
/// <param name="Replicas">The preferred leader first.</param>
/// <param name="Offline">Replicas on brokers that are fenced or gone.</param>
/// <param name="EligibleLeaders">Not in sync, but they hold all that is committed and may be elected (KIP-966).</param>
/// <param name="LastKnownLeaders">Of an offline partition: who led it last.</param>
/// <param name="PartitionEpoch">Grows with every change of leader, replicas or in-sync replicas; -1 where the cluster doesn't say.</param>
public sealed record PartitionDescription(
    int Index,
    BrokerId Leader,
    LeaderEpoch LeaderEpoch,
    IReadOnlyList<BrokerId> Replicas,
    IReadOnlyList<BrokerId> InSync,
    IReadOnlyList<BrokerId> Offline,
    IReadOnlyList<BrokerId> EligibleLeaders,
    IReadOnlyList<BrokerId> LastKnownLeaders,
    int PartitionEpoch,
    ErrorCode Error);

/// <summary>A topic or a broker (by its id) as something that has configuration.</summary>
public readonly record struct ConfigResource(ConfigResourceType Type, string Name)
{
    public static ConfigResource Topic(string name) => new(ConfigResourceType.Topic, name);

    public static ConfigResource Broker(BrokerId id) => new(ConfigResourceType.Broker, id.ToString());
}

/// <param name="Value">Null if it is hidden or unset.</param>
public sealed record ConfigEntry(
    string Name, string? Value, ConfigSource Source, ConfigType Type, bool IsReadOnly, bool IsSensitive, string? Documentation)
{
    public bool IsDefault => Source == ConfigSource.Default;
}

public sealed record ConfigDescription(ConfigResource Resource, ErrorCode Error, string Message, IReadOnlyList<ConfigEntry> Entries);

/// <param name="Value">Null with <see cref="AlterConfigOperation.Delete"/>.</param>
public sealed record ConfigChange(string Name, AlterConfigOperation Operation, string? Value)
{
    public static ConfigChange Set(string name, string value) => new(name, AlterConfigOperation.Set, value);

    /// <summary>Back to the default.</summary>
    public static ConfigChange Delete(string name) => new(name, AlterConfigOperation.Delete, null);
}

public sealed record ConfigResult(ConfigResource Resource, ErrorCode Error, string Message);

/// <param name="Offset">None if no record has that timestamp or a later one, or on an error.</param>
/// <param name="TimestampMs">The found record's, milliseconds since 1970 UTC; -1 for beginning and end.</param>
public sealed record OffsetResult(TopicPartition Partition, ErrorCode Error, string Message, Offset Offset, long TimestampMs);

/// <summary>A whole admin call failed: no broker answered in time, or one refused it as a whole.</summary>
public sealed class AdminException(ErrorCode error, string message) : Exception(message)
{
    /// <summary>None if no broker answered.</summary>
    public ErrorCode Error { get; } = error;

    public bool IsUnreachable => Error == ErrorCode.None;
}

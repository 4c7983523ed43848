using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Groups;

/// <summary>What a coordinator remembers: one record of <c>__consumer_offsets</c> each, in the order of the log.</summary>
internal abstract record GroupEvent(string Group);

internal sealed record OffsetCommitted(string Group, TopicPartition Partition, CommittedOffset Offset) : GroupEvent(Group);

/// <summary>A tombstone: deleted, or expired.</summary>
internal sealed record OffsetForgotten(string Group, TopicPartition Partition) : GroupEvent(Group);

/// <summary>A generation with its assignment, or that the group has no members any more.</summary>
internal sealed record GroupStored(string Group, GroupMetadata Metadata) : GroupEvent(Group);

/// <summary>A tombstone. The group's offsets have their own.</summary>
internal sealed record GroupForgotten(string Group) : GroupEvent(Group);

/// <param name="LeaderEpoch">Of the last record read; none when the consumer didn't say.</param>
/// <param name="Metadata">The consumer's own remark.</param>
/// <param name="CommitTimeMs">Milliseconds since 1970, as <paramref name="ExpireTimeMs"/>.</param>
/// <param name="ExpireTimeMs">When it is to go, where the commit itself said so (up to OffsetCommit version 4); else -1.</param>
internal sealed record CommittedOffset(Offset Offset, LeaderEpoch LeaderEpoch, string Metadata, long CommitTimeMs, long ExpireTimeMs = -1);

/// <param name="Protocol">The assignor; null without members.</param>
/// <param name="StateTimeMs">When the group came into this state, in milliseconds since 1970; -1 in records of old Kafka brokers.</param>
internal sealed record GroupMetadata(
    string ProtocolType, int Generation, string? Protocol, string? Leader, long StateTimeMs, ImmutableArray<StoredMember> Members);

internal sealed record StoredMember(
    string Id,
    string? InstanceId,
    string ClientId,
    string ClientHost,
    int RebalanceTimeoutMs,
    int SessionTimeoutMs,
    ReadOnlyMemory<byte> Subscription,
    ReadOnlyMemory<byte> Assignment);

using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// Records of one partition for a consumer's target, which answers <see cref="Processed"/> when it is ready for more. Only
/// one batch is out to the target at a time; batches of one partition come in offset order without gaps.
/// </summary>
/// <param name="Records">In offset order, never empty, at most <c>max.poll.records</c>.</param>
/// <param name="NextOffset">Where reading goes on; beyond the last record's successor where offsets were compacted away.</param>
/// <param name="HighWatermark">One past the last committed record when this was fetched.</param>
/// <param name="Generation">Counts the partition's seeks: batches from before a seek have a lower one.</param>
public sealed record ConsumerBatch(
    TopicPartition Partition, IReadOnlyList<ConsumerRecord> Records, Offset NextOffset, Offset HighWatermark, int Generation);

/// <summary>The target has done with a batch: the next may come.</summary>
public sealed record Processed(ConsumerBatch Batch);

/// <summary>To the target, first of all and whenever it changes: what is read.</summary>
public sealed record PartitionsAssigned(IReadOnlyList<TopicPartition> Partitions);

/// <summary>To the target, behind the partition's last batch: all records committed so far have been handed over. Comes again after new ones.</summary>
public sealed record ReachedEnd(TopicPartition Partition, Offset Offset, int Generation);

/// <summary>To the target: the partition can't be read on. A <see cref="Seek"/> starts it again.</summary>
public sealed record PartitionFailed(TopicPartition Partition, Offset Position, ErrorCode Error, string Message);

/// <summary>To the target: a topic can't be read. It is still looked for, and read once it can be.</summary>
public sealed record TopicFailed(string Topic, ErrorCode Error, string Message);

/// <summary>To the target: no broker answers. The consumer keeps trying and goes on where it was.</summary>
public sealed record ClusterUnreachable(string Message);

/// <summary>To the target: what comes from now on of this partition is from where a <see cref="Seek"/> led.</summary>
public sealed record PartitionSought(TopicPartition Partition, int Generation);

/// <summary>Goes on reading elsewhere; answered by <see cref="Sought"/>.</summary>
public sealed record Seek(TopicPartition Partition, StartPosition Position);

/// <param name="IsAssigned">False if the consumer doesn't read that partition: nothing happened.</param>
/// <param name="Generation">Batches from before the seek have a lower one.</param>
public sealed record Sought(TopicPartition Partition, bool IsAssigned, int Generation);

/// <summary>No more batches of these partitions until <see cref="Resume"/>; one already on its way still comes.</summary>
public sealed record Pause(params IReadOnlyList<TopicPartition> Partitions);

public sealed record Resume(params IReadOnlyList<TopicPartition> Partitions);

/// <summary>Asks a consumer actor for <see cref="ConsumerPositions"/>.</summary>
public sealed record GetConsumerPositions
{
    public static GetConsumerPositions Instance { get; } = new();
}

public sealed record ConsumerPositions(IReadOnlyList<ConsumerPosition> Partitions);

/// <summary>How far a partition has been read.</summary>
/// <param name="Position">The first offset not processed yet; None while it is being looked up.</param>
/// <param name="HighWatermark">As of the last answer; None before the first.</param>
public sealed record ConsumerPosition(TopicPartition Partition, Offset Position, Offset HighWatermark, bool IsPaused)
{
    /// <summary>Committed records not processed yet; null while unknown.</summary>
    public long? Lag => Position == Offset.None || HighWatermark == Offset.None ? null : Math.Max(0, HighWatermark - Position);
}

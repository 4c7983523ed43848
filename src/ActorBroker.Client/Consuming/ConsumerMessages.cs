using System.Collections.Immutable;
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
    TopicPartition Partition, IReadOnlyList<ConsumerRecord> Records, Offset NextOffset, Offset HighWatermark, int Generation)
{
    /// <summary>1 for the first delivery of these records, more after they failed.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The highest leader epoch among the records.</summary>
    internal LeaderEpoch Epoch { get; init; } = LeaderEpoch.None;
}

/// <summary>The target has done with a batch: the next may come.</summary>
public sealed record Processed(ConsumerBatch Batch);

/// <summary>
/// The target could not do its work on a batch: the rest of it comes again, after a pause that grows, or goes to
/// <c>dead.letter.topic</c> after <c>max.delivery.attempts</c>.
/// </summary>
/// <param name="At">The record at fault, all before it being done; <see cref="Offset.None"/> if it could be any.</param>
public sealed record Failed(ConsumerBatch Batch, string Reason, Offset At)
{
    public Failed(ConsumerBatch batch, string reason)
        : this(batch, reason, Offset.None)
    {
    }
}

/// <summary>From a target that was restarted, say from its PostRestart: what was out to it comes again. One that the consumer made itself need not.</summary>
public sealed record Redeliver(string Reason = "the target was restarted");

/// <summary>To the target: a record has failed too often and stands in the dead-letter topic; reading goes on behind it.</summary>
public sealed record DeadLettered(TopicPartition Partition, Offset Offset, string Topic, int Attempts, string Reason);

/// <summary>To the target: the record could not be written to the dead-letter topic. It is tried again; its partition waits.</summary>
public sealed record DeadLetterFailed(TopicPartition Partition, Offset Offset, string Topic, string Message);

/// <summary>
/// To the target, first of all and whenever it changes: what is read. In a group after each rebalance, even if nothing changed
/// for this member.
/// </summary>
/// <param name="Partitions">All that is read now.</param>
public sealed record PartitionsAssigned(IReadOnlyList<TopicPartition> Partitions)
{
    /// <summary>Those that were not read just before.</summary>
    public IReadOnlyList<TopicPartition> Added { get; init; } = Partitions;
}

/// <summary>
/// To the target: these go to other members now. What was out of them has been answered for, or the group would wait no longer;
/// with <c>enable.auto.commit</c> it is committed. Without it the group waits, for the rebalance timeout at most, for the
/// target to commit what it wants to and answer <see cref="Released"/>.
/// </summary>
public sealed record PartitionsRevoked(IReadOnlyList<TopicPartition> Partitions);

/// <summary>The target has committed what it wants to of revoked partitions; needed without <c>enable.auto.commit</c> only.</summary>
public sealed record Released(PartitionsRevoked Revocation);

/// <summary>To the target: other members may read these already, from what was last committed. Nothing of them can be committed any more.</summary>
public sealed record PartitionsLost(IReadOnlyList<TopicPartition> Partitions, string Reason);

/// <summary>To the target: the consumer is no member of its group, or can't find its coordinator.</summary>
/// <param name="IsFinal">False: it keeps trying.</param>
public sealed record GroupFailed(string Group, ErrorCode Error, string Message, bool IsFinal);

/// <summary>Commits; answered by <see cref="OffsetsCommitted"/>. In manual mode and beside automatic commits alike.</summary>
/// <param name="Offsets">Where to read on, of partitions that are assigned; null: wherever the target is with <see cref="Processed"/>.</param>
public sealed record CommitOffsets(IReadOnlyDictionary<TopicPartition, CommittedOffset>? Offsets = null, object? Correlation = null)
{
    /// <summary>On top of what the target is done with.</summary>
    internal IReadOnlyDictionary<TopicPartition, CommittedOffset> Further { get; init; } = ImmutableDictionary<TopicPartition, CommittedOffset>.Empty;
}

/// <summary>A commit is over. To the target as well, when an automatic commit failed: it is tried again.</summary>
/// <param name="Error">None if all of them are stored; otherwise none or some may be.</param>
/// <param name="Message">The error in words; empty if there is none.</param>
public sealed record OffsetsCommitted(
    object? Correlation, IReadOnlyDictionary<TopicPartition, CommittedOffset> Offsets, ErrorCode Error, string Message)
{
    public bool Succeeded => Error == ErrorCode.None;
}

/// <summary>
/// Ends a consumer well: it waits for the answer to what is out, commits, leaves its group and stops. Stopped in any other way
/// it is dead to its group after <c>session.timeout.ms</c>, and what it had not committed is delivered to others.
/// </summary>
/// <param name="Drain">False: not for the answer.</param>
public sealed record StopConsumer(bool Drain = true);

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

public sealed record ConsumerPositions(IReadOnlyList<ConsumerPosition> Partitions)
{
    /// <summary>The group's name for this consumer; empty while it is no member.</summary>
    public string MemberId { get; init; } = "";

    /// <summary>Of the group; -1 while it is no member.</summary>
    public int Generation { get; init; } = -1;
}

/// <summary>How far a partition has been read.</summary>
/// <param name="Position">The first offset not processed yet; None while it is being looked up.</param>
/// <param name="HighWatermark">As of the last answer; None before the first.</param>
public sealed record ConsumerPosition(TopicPartition Partition, Offset Position, Offset HighWatermark, bool IsPaused)
{
    /// <summary>Last committed for the group; None while nothing is.</summary>
    public Offset Committed { get; init; } = Offset.None;

    /// <summary>Committed records not processed yet; null while unknown.</summary>
    public long? Lag => Position == Offset.None || HighWatermark == Offset.None ? null : Math.Max(0, HighWatermark - Position);
}

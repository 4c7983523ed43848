using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>A batch that is stored as durably as the topic's flush policy promises.</summary>
/// <param name="AppendTimeMs">The leader's append time when the topic stamps it (<c>message.timestamp.type=LogAppendTime</c>), else -1.</param>
/// <param name="Bytes">Size as stored.</param>
internal readonly record struct BatchAppended(Offset BaseOffset, Offset LastOffset, LeaderEpoch Epoch, long AppendTimeMs, int Bytes)
{
    public Offset NextOffset => LastOffset + 1;
}

/// <summary>
/// What is true of this replica's log. Only the Apply methods change it, live and on recovery alike.
/// Its producers are told of every batch that is applied, in order.
/// Invariants: 0 &lt;= LogStart &lt;= HighWatermark &lt;= LogEnd; none of them steps back within one incarnation.
/// </summary>
internal sealed class PartitionState
{
    /// <param name="snapshotEnd">Where recovery begins: the log end that the newest snapshot knew, or the log start without one.</param>
    public PartitionState(Offset logStart, Offset snapshotEnd, LeaderEpoch lastBatchEpoch)
    {
        Invariant.Check(logStart.Value >= 0, "negative log start");
        LogStart = logStart;
        // Retention may have passed the snapshot.
        LogEnd = Offset.MaxOf(snapshotEnd, logStart);
        HighWatermark = logStart;
        LastBatchEpoch = lastBatchEpoch;
    }

    public Offset LogStart { get; private set; }

    public Offset HighWatermark { get; private set; }

    /// <summary>The offset of the next record.</summary>
    public Offset LogEnd { get; private set; }

    /// <summary>Epoch of the newest batch; none while the log was never written.</summary>
    public LeaderEpoch LastBatchEpoch { get; private set; }

    public ProducerTable Producers { get; } = new();

    /// <summary>Bytes applied since this incarnation began: differences tell a waiting fetch how much it may find.</summary>
    public long AppliedBytes { get; private set; }

    /// <param name="headers">Of the batches that it holds.</param>
    /// <param name="seenMs">When their producers were last heard of, by the clock that expires them.</param>
    public void Apply(in BatchAppended batch, ReadOnlySpan<RecordBatchHeader> headers, long seenMs)
    {
        // Compaction leaves gaps in what a follower receives, so a batch may begin above the end, never below it.
        Invariant.Check(batch.BaseOffset >= LogEnd, "batch below log end");
        Invariant.Check(batch.LastOffset >= batch.BaseOffset, "batch ends before it begins");
        Invariant.Check(batch.Epoch >= LastBatchEpoch, "batch of an older epoch");
        LogEnd = batch.NextOffset;
        LastBatchEpoch = batch.Epoch;
        AppliedBytes += batch.Bytes;
        foreach (ref readonly var header in headers) Producers.Apply(header, seenMs);
    }

    public void ApplyHighWatermark(Offset offset)
    {
        Invariant.Check(offset >= HighWatermark && offset <= LogEnd, "high watermark steps back or beyond the log end");
        HighWatermark = offset;
    }

    public void ApplyLogStart(Offset offset)
    {
        Invariant.Check(offset >= LogStart && offset <= HighWatermark, "log start steps back or beyond the high watermark");
        LogStart = offset;
    }
}

/// <summary>What the cores ask the log about, beside where it begins and ends.</summary>
internal interface IReplicaLog
{
    /// <summary>As <see cref="PartitionLog.EndOffsetFor"/>.</summary>
    EpochEnd EndOffsetFor(LeaderEpoch epoch);

    /// <summary>Where the first batch begins: at the log start, or below it when the log begins within a batch.</summary>
    Offset FirstBatchOffset { get; }
}

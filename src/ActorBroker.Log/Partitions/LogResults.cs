namespace ActorBroker.Log;

/// <summary>Why an append was refused as a whole; nothing of it was written.</summary>
public enum AppendStatus
{
    Ok,

    /// <summary>A batch larger than max.message.bytes, or than a segment can hold.</summary>
    TooLarge,

    /// <summary>A batch whose header can't be (see <see cref="AppendResult.Fault"/>).</summary>
    Malformed,

    /// <summary>Follower data that does not follow the log's end, or whose leader epoch goes back.</summary>
    OutOfOrder,

    /// <summary>The volume is below its reserve, or full. Retriable: writes resume by themselves.</summary>
    DiskFull,
}

/// <summary>Where one batch went.</summary>
/// <param name="AppendTimeMs">The log's own time where it stamps batches, else -1.</param>
public readonly record struct AppendedBatch(Offset BaseOffset, Offset LastOffset, long AppendTimeMs);

/// <summary>The outcome of an append of several batches: all or none.</summary>
/// <param name="FaultAt">The index of the batch that was refused; -1 when it was not one batch's fault.</param>
/// <param name="FirstOffset">The first batch's base offset.</param>
/// <param name="LogEndOffset">The log's end behind it.</param>
public readonly record struct AppendResult(AppendStatus Status, BatchFault Fault, int FaultAt, Offset FirstOffset, Offset LogEndOffset)
{
    public bool IsOk => Status == AppendStatus.Ok;
}

/// <summary>What opening a log found and did.</summary>
public sealed record LogRecoveryResult
{
    /// <summary>True when the log was closed cleanly and nothing had to be read.</summary>
    public bool WasClean { get; init; }

    public int SegmentsScanned { get; init; }

    public long BytesScanned { get; init; }

    /// <summary>Bytes cut off the end, whole later segments included.</summary>
    public long BytesCut { get; init; }

    /// <summary>The offset that the first bad batch should have had; the log now ends there. Null when nothing was cut.</summary>
    public Offset? FirstBadOffset { get; init; }

    /// <summary>The file of the first bad batch, and where in it.</summary>
    public string? FirstBadFile { get; init; }

    public long FirstBadPosition { get; init; }

    public BatchFault Fault { get; init; }

    /// <summary>Index files that were missing or unsound and were built anew.</summary>
    public int IndexesRebuilt { get; init; }

    /// <summary>
    /// The log ends before its recovery point: records that were once flushed are gone, so this is damage or a wrong
    /// folder and not a mere crash.
    /// </summary>
    public bool LostFlushedRecords { get; init; }

    /// <summary>Other repairs, one sentence each: files removed, checkpoints rebuilt.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Something was lost or repaired that an operator should see.</summary>
    public bool IsRemarkable => BytesCut > 0 || LostFlushedRecords || IndexesRebuilt > 0 || Notes.Count > 0;
}

/// <summary>What is known about a log before it is opened; from the checkpoints of its data folder.</summary>
/// <param name="RecoveryPoint">All below it was flushed.</param>
/// <param name="LogStartOffset">Records below it are deleted though their segment may still be there.</param>
/// <param name="WasClean">The data folder was shut down cleanly.</param>
/// <param name="RewriteTail">
/// The log failed in this run, perhaps in a flush: what lies beyond the recovery point is written again, since the platform
/// may show it without ever saving it.
/// </param>
public readonly record struct LogRecoveryInfo(Offset RecoveryPoint, Offset LogStartOffset, bool WasClean, bool RewriteTail = false)
{
    /// <summary>Nothing is known: everything is checked.</summary>
    public static LogRecoveryInfo Unknown => new(Offset.Zero, Offset.Zero, WasClean: false);
}

/// <summary>
/// Keeps a log's checkpoints for the next <see cref="PartitionLog.Open"/>. <see cref="LogDirectory"/> is the one that
/// serves many logs with one file each.
/// </summary>
public interface ILogCheckpoints
{
    /// <summary>
    /// Called before records are cut that may lie below the stored recovery point: the stored one must be at most this,
    /// durably, on return.
    /// </summary>
    void LowerRecoveryPoint(TopicPartition partition, Offset recoveryPoint);

    /// <summary>The log start offset moved: it must be durable on return.</summary>
    void SetLogStartOffset(TopicPartition partition, Offset logStartOffset);
}

/// <summary>One segment as seen now.</summary>
public readonly record struct SegmentInfo(Offset BaseOffset, Offset NextOffset, long SizeInBytes, bool IsActive);

/// <summary>Why old segments went.</summary>
public readonly record struct RetentionResult(int ByTime, int BySize, int ByLogStart, long BytesFreed)
{
    public int Segments => ByTime + BySize + ByLogStart;
}

/// <summary>A record found by its time.</summary>
public readonly record struct TimestampedOffset(long TimestampMs, Offset Offset, LeaderEpoch Epoch);

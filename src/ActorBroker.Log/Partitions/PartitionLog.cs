namespace ActorBroker.Log;

/// <summary>
/// One partition's records: segments in a folder of their own.
/// <para>
/// Threads: <see cref="Append"/>, <see cref="AppendAsFollower"/>, truncation, retention, rolling, closing and setting
/// <see cref="Options"/> belong to one writer at a time. Reads and look-ups come from any thread at any time and never make the
/// writer wait. <see cref="Flush"/> may run on any thread beside appends and reads.
/// </para>
/// <para>
/// Faults: a failed write, flush or cut throws once (<see cref="LogFailedException"/> or the cause) and leaves the log
/// refusing writes until it is opened anew. Reads of damaged bytes throw <see cref="LogCorruptException"/>.
/// </para>
/// </summary>
public sealed class PartitionLog : IDisposable
{
    /// <summary>
    /// Opens the log in this folder, or makes it. After a crash every batch of the segments from the recovery point on is
    /// checked and the log is cut at the first bad one (<see cref="Recovery"/> says so); after a clean close nothing is scanned.
    /// </summary>
    public static PartitionLog Open(
        IFileSystem files,
        string directory,
        TopicPartition partition,
        LogOptions options,
        TimeProvider time,
        LogRecoveryInfo recovery,
        ILogCheckpoints? checkpoints = null,
        DiskReserve? reserve = null) => throw new NotImplementedException();

    public string Directory => throw new NotImplementedException();

    public TopicPartition Partition => throw new NotImplementedException();

    public LogRecoveryResult Recovery => throw new NotImplementedException();

    /// <summary>Takes effect with the next call of the writer.</summary>
    public LogOptions Options { get; set; } = LogOptions.Default;

    public Offset LogStartOffset => throw new NotImplementedException();

    /// <summary>The offset of the next record.</summary>
    public Offset LogEndOffset => throw new NotImplementedException();

    /// <summary>Everything below has been flushed.</summary>
    public Offset RecoveryPoint => throw new NotImplementedException();

    /// <summary>Bytes of all segments' records.</summary>
    public long SizeInBytes => throw new NotImplementedException();

    public IReadOnlyList<SegmentInfo> Segments => throw new NotImplementedException();

    public LeaderEpoch LatestEpoch => throw new NotImplementedException();

    public IReadOnlyList<EpochEntry> Epochs => throw new NotImplementedException();

    /// <summary>From partition.metadata; null while none was set.</summary>
    public TopicId? TopicId => throw new NotImplementedException();

    /// <summary>Whether the policy (flush.messages, flush.ms) asks for a <see cref="Flush"/> now.</summary>
    public bool IsFlushDue => throw new NotImplementedException();

    /// <summary>
    /// The leader's append: gives the batches their offsets and this leader epoch (and the log's time, if it stamps), in place,
    /// and writes all with one gathered write per segment touched. The batches must have passed
    /// <see cref="RecordBatchValidator.CheckProduced"/>. All or none; where each went is put into
    /// <paramref name="appended"/>, which is as long as <paramref name="batches"/> or empty.
    /// </summary>
    public AppendResult Append(ReadOnlySpan<Memory<byte>> batches, LeaderEpoch epoch, Span<AppendedBatch> appended) => throw new NotImplementedException();

    /// <summary>
    /// The follower's append: whole batches one behind the other, as fetched; their offsets and epochs stay. The first
    /// must be at or beyond the log's end (beyond it after compaction), and checksums must have been checked.
    /// A batch cut short at the end is left out.
    /// </summary>
    public AppendResult AppendAsFollower(ReadOnlyMemory<byte> batches) => throw new NotImplementedException();

    /// <summary>Brings everything appended before the call onto the device and returns the new <see cref="RecoveryPoint"/>.</summary>
    public Offset Flush() => throw new NotImplementedException();

    /// <summary>
    /// Whole batches from the one that holds <paramref name="from"/> on, at most <paramref name="maxBytes"/> and all below
    /// <paramref name="upperBound"/> (exclusive). With <paramref name="minOneBatch"/> the first comes even when it is larger.
    /// One read ends at a segment's end at the latest.
    /// </summary>
    public LogReadResult Read(Offset from, int maxBytes, Offset upperBound, bool minOneBatch) => throw new NotImplementedException();

    /// <summary>The same into the caller's buffer, whose length is the limit; a first batch that does not fit yields nothing.</summary>
    public LogReadResult ReadInto(Memory<byte> buffer, Offset from, Offset upperBound) => throw new NotImplementedException();

    /// <summary>The same as a range of a file; null when there is nothing to read there.</summary>
    public LogFileRegion? ReadRegion(Offset from, int maxBytes, Offset upperBound, bool minOneBatch) => throw new NotImplementedException();

    /// <summary>The first record at or above the log start whose timestamp is at or past this; null when none is.</summary>
    public TimestampedOffset? OffsetForTimestamp(long timestampMs) => throw new NotImplementedException();

    /// <summary>The record with the highest timestamp (the first of them); null when the log is empty.</summary>
    public TimestampedOffset? OffsetOfMaxTimestamp() => throw new NotImplementedException();

    /// <summary>Where this epoch ends, by KIP-101 and KIP-279: what OffsetsForLeaderEpoch answers.</summary>
    public EpochEnd EndOffsetFor(LeaderEpoch epoch) => throw new NotImplementedException();

    /// <summary>The epoch of the leader that wrote this offset; None when it is not known.</summary>
    public LeaderEpoch EpochAt(Offset offset) => throw new NotImplementedException();

    /// <summary>A new leader's epoch begins at the log's end, before it has appended anything.</summary>
    public void AssignEpoch(LeaderEpoch epoch) => throw new NotImplementedException();

    public void SetTopicId(TopicId id) => throw new NotImplementedException();

    /// <summary>Records below are deleted, durably on return. Never moves back; beyond the log's end is refused (false).</summary>
    public bool AdvanceLogStartOffset(Offset offset) => throw new NotImplementedException();

    /// <summary>Cuts every batch that holds this offset or a later one; flushed before and after. Epoch entries and snapshots beyond go first.</summary>
    public void TruncateTo(Offset offset) => throw new NotImplementedException();

    /// <summary>Drops everything; the log starts empty at this offset.</summary>
    public void TruncateFullyAndStartAt(Offset offset) => throw new NotImplementedException();

    /// <summary>Rolls the active segment when segment.ms is over, appends or not. True when it rolled.</summary>
    public bool RollIfDue() => throw new NotImplementedException();

    /// <summary>Deletes whole segments by time, size and log start; none that reaches to the high watermark or beyond.</summary>
    public RetentionResult DeleteOldSegments(Offset highWatermark) => throw new NotImplementedException();

    /// <summary>Closes file handles and drops cached index pages that nobody used since the last call.</summary>
    public void TrimIdle() => throw new NotImplementedException();

    /// <summary>Writes the producers' state as of this offset (`.snapshot`), atomically.</summary>
    public void WriteProducerSnapshot(Offset offset, IReadOnlyList<ProducerSnapshotEntry> producers) => throw new NotImplementedException();

    /// <summary>The newest sound producer snapshot at or below the log's end; unsound ones are removed.</summary>
    public (Offset Offset, IReadOnlyList<ProducerSnapshotEntry> Producers)? ReadLatestProducerSnapshot() => throw new NotImplementedException();

    /// <summary>Flushes everything, indexes included: the next open with <see cref="LogRecoveryInfo.WasClean"/> need not scan.</summary>
    public void CloseCleanly() => throw new NotImplementedException();

    /// <summary>Lets go of the files as they are, as a crash would.</summary>
    public void Dispose() => throw new NotImplementedException();
}

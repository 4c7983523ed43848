namespace ActorBroker.Log;

/// <summary>
/// One partition's records: segments in a folder of their own.
/// <para>
/// Threads: <see cref="Append"/>, <see cref="AppendAsFollower"/>, truncation, retention, rolling, closing and setting
/// <see cref="Options"/> belong to one writer at a time. Reads and look-ups come from any thread at any time and never make the
/// writer wait. <see cref="Flush"/> may run on any thread beside appends and reads.
/// </para>
/// <para>
/// Faults: a failed write, flush or cut throws <see cref="LogFailedException"/>, then and on every later write, until the log
/// is opened anew. Reads of damaged bytes throw <see cref="LogCorruptException"/>.
/// </para>
/// </summary>
public sealed partial class PartitionLog : IDisposable
{
    private readonly IFileSystem _files;
    private readonly TimeProvider _time;
    private readonly ILogCheckpoints? _checkpoints;
    private readonly DiskReserve? _reserve;
    private readonly LeaderEpochCache _epochs;
    private readonly Lock _flushing = new();

    private LogView _view;
    private long _logStart;
    private long _recoveryPoint;

    /// <summary>Odd while records are being cut, and changed by it: a read that saw it change is done again.</summary>
    private int _cuts;
    private LogFailedException? _failure;
    private bool _closed;

    /// <summary>Names in the folder changed since it was flushed.</summary>
    private volatile bool _namesChanged;
    private volatile bool _topicIdChanged;

    /// <summary>The folder's own name is not on the device yet.</summary>
    private bool _folderNameUnsure;

    private PartitionLog(
        IFileSystem files, string directory, TopicPartition partition, LogOptions options, TimeProvider time, ILogCheckpoints? checkpoints, DiskReserve? reserve)
    {
        _files = files;
        _time = time;
        _checkpoints = checkpoints;
        _reserve = reserve;
        _epochs = new LeaderEpochCache(files, directory);
        _view = null!; // Load sets it before the log is handed out.
        Directory = directory;
        Partition = partition;
        Options = options;
        Recovery = new LogRecoveryResult();
    }

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
        DiskReserve? reserve = null)
    {
        if (options.Validate() is { Count: > 0 } faults)
            throw new ArgumentException($"Invalid options of {partition}: {string.Join("; ", faults)}", nameof(options));
        var log = new PartitionLog(files, directory, partition, options, time, checkpoints, reserve);
        log.Load(recovery);
        return log;
    }

    public string Directory { get; }

    public TopicPartition Partition { get; }

    public LogRecoveryResult Recovery { get; private set; }

    /// <summary>Takes effect with the next call of the writer.</summary>
    public LogOptions Options { get; set; }

    public Offset LogStartOffset => new(Volatile.Read(ref _logStart));

    /// <summary>The offset of the next record.</summary>
    public Offset LogEndOffset => View.End;

    /// <summary>Everything below has been flushed.</summary>
    public Offset RecoveryPoint => new(Volatile.Read(ref _recoveryPoint));

    /// <summary>Bytes of all segments' records.</summary>
    public long SizeInBytes
    {
        get
        {
            var view = View;
            long size = 0;
            for (var i = 0; i < view.Segments.Length; i++)
                size += view.SizeOf(i);
            return size;
        }
    }

    public IReadOnlyList<SegmentInfo> Segments
    {
        get
        {
            var view = View;
            var infos = new SegmentInfo[view.Segments.Length];
            for (var i = 0; i < infos.Length; i++)
                infos[i] = new SegmentInfo(view.Segments[i].BaseOffset, view.NextOffsetOf(i), view.SizeOf(i), i == infos.Length - 1);
            return infos;
        }
    }

    /// <summary>Where the segment that is being written begins: it changes when the log rolls.</summary>
    public Offset ActiveSegmentBaseOffset => View.Active.BaseOffset;

    public LeaderEpoch LatestEpoch => _epochs.Latest;

    public IReadOnlyList<EpochEntry> Epochs => _epochs.Entries;

    /// <summary>From partition.metadata; null while none was set.</summary>
    public TopicId? TopicId { get; private set; }

    /// <summary>Whether the policy (flush.messages, flush.ms) asks for a <see cref="Flush"/> now.</summary>
    public bool IsFlushDue
    {
        get
        {
            var oldest = Volatile.Read(ref _oldestUnflushed);
            var age = oldest == 0 ? TimeSpan.Zero : _time.GetElapsedTime(oldest);
            return Options.FlushPolicy.IsDue(LogEndOffset - RecoveryPoint, age);
        }
    }

    private LogView View => Volatile.Read(ref _view);

    /// <summary>Where this epoch ends, by KIP-101 and KIP-279: what OffsetsForLeaderEpoch answers.</summary>
    public EpochEnd EndOffsetFor(LeaderEpoch epoch) => _epochs.EndOffsetFor(epoch, LogEndOffset);

    /// <summary>The epoch of the leader that wrote this offset; None when it is not known.</summary>
    public LeaderEpoch EpochAt(Offset offset) => _epochs.EpochAt(offset);

    /// <summary>A new leader's epoch begins at the log's end, before it has appended anything.</summary>
    public void AssignEpoch(LeaderEpoch epoch)
    {
        CheckWritable();
        _epochs.Assign(epoch, LogEndOffset);
    }

    /// <summary>Forgets epochs that wrote nothing here: a follower's next batch may be of an earlier one.</summary>
    public void DropEmptyEpochs()
    {
        CheckWritable();
        _epochs.TruncateFromEnd(LogEndOffset);
    }

    /// <summary>Written at once, durable with the next <see cref="Flush"/>, as the folder itself: so making many partitions is cheap.</summary>
    public void SetTopicId(TopicId id)
    {
        CheckWritable();
        if (TopicId == id)
            return;
        PartitionMetadata.Write(_files, Directory, id, durable: false);
        TopicId = id;
        _topicIdChanged = true;
    }

    /// <summary>Brings everything appended before the call onto the device and returns the new <see cref="RecoveryPoint"/>.</summary>
    public Offset Flush()
    {
        lock (_flushing)
        {
            CheckWritable();
            try
            {
                return FlushUnderLock(indexesOfActive: false);
            }
            catch (IOException e)
            {
                throw Fail("flush", e);
            }
        }
    }

    /// <summary>Closes file handles and drops cached index pages that nobody used since the last call. The writer's.</summary>
    public void TrimIdle()
    {
        if (_writing is { } writing && writing.Size == _sizeAtTrim)
            StopWriting();
        _sizeAtTrim = View.Active.Size;
        foreach (var segment in View.Segments)
            segment.TrimIdle();
        SettleSwaps();
    }

    /// <summary>Flushes everything, indexes included: the next open with <see cref="LogRecoveryInfo.WasClean"/> need not scan.</summary>
    public void CloseCleanly()
    {
        if (_closed)
            return;
        AbandonCleaning();
        lock (_flushing)
        {
            CheckWritable();
            try
            {
                FlushUnderLock(indexesOfActive: true);
                SettleSwaps();
                FlushNames();
            }
            catch (IOException e)
            {
                throw Fail("close", e);
            }
        }

        Dispose();
    }

    /// <summary>Lets go of the files as they are, as a crash would.</summary>
    public void Dispose()
    {
        if (_closed)
            return;
        lock (_cleaningGate)
            _closed = true;
        AbandonCleaning();
        lock (_swaps)
            _swaps.Clear();
        StopWriting();
        foreach (var segment in View.Segments)
            segment.Shut();
        foreach (var doomed in _doomed)
            doomed.Shut();
    }

    private Offset FlushUnderLock(bool indexesOfActive)
    {
        Volatile.Write(ref _oldestUnflushed, 0);
        var view = View;
        FlushNames();

        for (var i = FirstUnflushed(view); i < view.Segments.Length; i++)
        {
            var segment = view.Segments[i];
            var isActive = i == view.Segments.Length - 1;
            if (!segment.IsFlushed && segment.Acquire() is { } log)
                Flush(segment, log, isActive, indexesOfActive);
        }

        _epochs.Save();
        if (view.End > RecoveryPoint)
            Volatile.Write(ref _recoveryPoint, view.End.Value);
        return RecoveryPoint;
    }

    private void FlushNames()
    {
        if (_folderNameUnsure)
            _files.FlushDirectory(FolderNames.ParentOf(Directory));
        _folderNameUnsure = false;
        if (_topicIdChanged && TopicId is { } id)
        {
            _topicIdChanged = false;
            PartitionMetadata.Write(_files, Directory, id, durable: true);
        }

        if (!_namesChanged)
            return;
        _namesChanged = false;
        _files.FlushDirectory(Directory);
    }

    /// <summary>A segment that rolled right after a flush has all its records on the device, but not its indexes.</summary>
    private static int FirstUnflushed(LogView view)
    {
        var first = view.Segments.Length - 1;
        while (first > 0 && !view.Segments[first - 1].IsFlushed)
            first--;
        return first;
    }

    private static void Flush(LogSegment segment, IFile log, bool isActive, bool indexesOfActive)
    {
        try
        {
            log.Flush();
            if (isActive && indexesOfActive)
                segment.WriteOutIndexes();
            if (isActive && !indexesOfActive)
                return;
            segment.FlushIndexes();
            segment.IsFlushed = true;
        }
        finally
        {
            segment.Release();
        }
    }

    private void CheckWritable()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_failure is { } failure)
            throw new LogFailedException(failure.Path, "an earlier operation", failure.InnerException ?? failure);
    }

    private LogFailedException Fail(string operation, Exception cause) =>
        _failure ??= new LogFailedException(Directory, operation, cause);
}

namespace ActorBroker.Log;

/// <summary>What a cleaning waits for.</summary>
public enum CleaningState
{
    /// <summary>For the next <see cref="LogCleaning.Step"/>.</summary>
    Working,

    /// <summary>For the log's writer to swap in what was written: <see cref="PartitionLog.TrySwapIn"/>.</summary>
    SwapDue,

    /// <summary>For nothing: the log is clean up to <see cref="LogCleaning.CleanedTo"/>.</summary>
    Done,

    /// <summary>For nothing: the log was cut, closed or lost segments meanwhile. What was swapped in stays.</summary>
    Abandoned,
}

/// <summary>
/// One cleaning of one log, in small steps: maps the keys of the dirty part, then writes group after group of segments anew
/// without what was superseded. It works on closed segments only and reads them as any reader does; the log changes when
/// its writer swaps a group in. Steps may come from any thread, one at a time. Dispose it when it is over, and after a fault.
/// </summary>
public sealed class LogCleaning : IDisposable
{
    private readonly Lock _gate = new();
    private readonly PartitionLog _log;
    private readonly LogOptions _logOptions;
    private readonly CleaningOptions _options;
    private readonly IFileSystem _files;
    private readonly LogSegment[] _segments;
    private readonly SegmentFacts[] _facts;
    private readonly BatchStretch _reader;
    private readonly Offset _from;
    private readonly long _nowMs;
    private readonly OffsetMap _map;
    private readonly long _spareBytes;

    private BatchCleaner? _cleaner;
    private CleanedSegment? _target;

    /// <summary>The segment being read, in both passes; -1 before the first.</summary>
    private int _at = -1;

    /// <summary>Of the group being written: its first segment and the one behind its last.</summary>
    private int _groupStart;
    private int _groupEnd;
    private bool _groupChanged;
    private bool _disposed;

    /// <param name="segments">All closed ones up to the first that must be left alone.</param>
    /// <param name="spareBytes">Of the volume, to be left free.</param>
    internal LogCleaning(
        PartitionLog log, IFileSystem files, LogSegment[] segments, SegmentFacts[] facts, Offset from, long nowMs, LogOptions logOptions, CleaningOptions options, long spareBytes)
    {
        _log = log;
        _files = files;
        _segments = segments;
        _facts = facts;
        _from = from;
        _nowMs = nowMs;
        _logOptions = logOptions;
        _options = options;
        _spareBytes = spareBytes;
        CleanedTo = from;
        _map = new OffsetMap(options.MapBytes, facts[^1].Next - from, SipHash.Of(options.Secret));
        _reader = new BatchStretch(options.BufferBytes);
    }

    public TopicPartition Partition => _log.Partition;

    public CleaningState State { get; private set; }

    public CleaningStatistics Statistics { get; } = new();

    /// <summary>Once it is done: everything below holds each key once, but for tombstones that are still kept.</summary>
    public Offset CleanedTo { get; private set; }

    /// <summary>More keys came than the map could take, so another cleaning has to go on where this one ended.</summary>
    public bool MapWasFull { get; private set; }

    /// <summary>The segments that <see cref="CleaningState.SwapDue"/> is about, and their successor.</summary>
    internal CleanedSegment? Target => _target;

    internal Lock Gate => _gate;

    /// <summary>Does a buffer's worth of work; the count of bytes read and written.</summary>
    /// <exception cref="IOException">The cleaning is over; the log is as it was, or as the last swap left it.</exception>
    public long Step()
    {
        lock (_gate)
        {
            if (State != CleaningState.Working || _disposed)
                return 0;
            return _cleaner is null ? Map() : Rewrite();
        }
    }

    /// <summary>Waits for a step under way, then lets go of everything.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (State is CleaningState.Working or CleaningState.SwapDue)
                State = CleaningState.Abandoned;
            _reader.Dispose();
            _cleaner?.Dispose();
            _target?.Discard();
            _target = null;
        }

        _log.OnCleaningOver(this);
    }

    /// <summary>The log's writer has published what was written, or found that it is of no use any more.</summary>
    internal void OnSwapped(bool isIn)
    {
        Statistics.SegmentsAfter += isIn ? 1 : 0;
        State = isIn ? CleaningState.Working : CleaningState.Abandoned;
        if (!isIn)
            _target!.Discard();
        _target = null;
        if (isIn)
            BeginGroup(_groupEnd);
    }

    private long Map()
    {
        if (_at < 0)
        {
            _at = Array.FindIndex(_facts, segment => segment.Next > _from);
            return BeginReading(_at, _from) ? 0 : Abandon();
        }

        var read = _reader.Fill();
        if (read < 0)
            return Abandon();
        while (_reader.TryNext())
        {
            if (!MapBatch())
            {
                MapWasFull = true;
                BeginRewriting();
                return read;
            }
        }

        if (!_reader.IsAtEnd)
            return read;
        if (++_at < _segments.Length)
            return BeginReading(_at, _from) ? read : Abandon();
        CleanedTo = _facts[^1].Next;
        BeginRewriting();
        return read;
    }

    /// <summary>False when the map is full.</summary>
    private bool MapBatch()
    {
        ref readonly var header = ref _reader.Header;
        if (header.LastOffset < CleanedTo)
            return true;
        if (!header.IsControl && header.RecordCount > 0)
        {
            using var records = new RecordEnumerator(_reader.Batch, _options.Codecs);
            while (records.TryMoveNext())
            {
                var record = records.Current;
                if (record.Offset < CleanedTo)
                    continue;
                if (record.HasKey && !_map.TryPut(record.Key, record.Offset))
                {
                    CleanedTo = record.Offset;
                    return false;
                }
            }

            if (records.Fault != BatchFault.None)
                throw new LogCorruptException(_reader.Path, _reader.Position, $"its records can't be read ({records.Fault})");
        }

        CleanedTo = header.NextOffset;
        return true;
    }

    private void BeginRewriting()
    {
        Statistics.Keys = _map.Keys;
        _cleaner = new BatchCleaner(_map, CleanedTo, _nowMs, _logOptions.DeleteRetention, _options, Statistics);
        BeginGroup(0);
    }

    private void BeginGroup(int first)
    {
        var behindLast = _segments.Length;
        while (behindLast > 0 && _facts[behindLast - 1].Base >= CleanedTo)
            behindLast--;
        if (first >= behindLast)
        {
            State = CleaningState.Done;
            return;
        }

        _groupStart = _at = first;
        _groupEnd = first + FittingGroup(_facts.AsSpan(first, behindLast - first));
        _groupChanged = _groupEnd - _groupStart > 1;
    }

    /// <summary>As many segments as the volume has room for beside those that are there; at least one.</summary>
    private int FittingGroup(ReadOnlySpan<SegmentFacts> segments)
    {
        var count = CleaningPlanner.NextGroup(segments, _logOptions);
        var room = _files.FreeBytes(_log.Directory) - _spareBytes;
        var needed = 0L;
        foreach (ref readonly var segment in segments[..count])
            needed += segment.Bytes;
        for (; needed > room; count--)
        {
            if (count == 1)
                throw new DiskFullException(_log.Directory);
            needed -= segments[count - 1].Bytes;
        }

        return count;
    }

    private long Rewrite()
    {
        if (_target is null)
        {
            _target = new CleanedSegment(_files, _log.Directory, _segments[_groupStart.._groupEnd], _logOptions.IndexIntervalBytes, _options.BufferBytes);
            return BeginReading(_groupStart, Offset.Zero) ? 0 : Abandon();
        }

        var before = _target.SizeInBytes;
        var read = _reader.Fill();
        if (read < 0)
            return Abandon();
        while (_reader.TryNext())
            RewriteBatch(_target);
        var work = read + _target.SizeInBytes - before;
        if (!_reader.IsAtEnd)
            return work;
        if (++_at < _groupEnd)
            return BeginReading(_at, Offset.Zero) ? work : Abandon();
        EndGroup(_target);
        return work;
    }

    private void RewriteBatch(CleanedSegment target)
    {
        var batch = _reader.Batch;
        // The last header of a group stays: the file must end where the next segment begins, for readers, cuts and recovery.
        var isLast = _reader.IsAtEnd && _facts[_groupEnd - 1].Next == _facts[_at].Next;
        var left = _cleaner!.Clean(batch, _reader.Header, isLast, _reader.Path, _reader.Position);
        _groupChanged |= left != batch;
        if (!left.IsEmpty)
            target.Append(left);
    }

    private void EndGroup(CleanedSegment target)
    {
        Statistics.SegmentsBefore += _groupEnd - _groupStart;
        for (var i = _groupStart; i < _groupEnd; i++)
            Statistics.BytesBefore += _facts[i].Bytes;
        Statistics.BytesAfter += target.SizeInBytes;
        if (_groupChanged)
        {
            target.Finish();
            State = CleaningState.SwapDue;
            return;
        }

        Statistics.SegmentsAfter++;
        target.Discard();
        _target = null;
        BeginGroup(_groupEnd);
    }

    /// <summary>False when the segment was deleted meanwhile.</summary>
    private bool BeginReading(int index, Offset from)
    {
        var segment = _segments[index];
        if (from <= segment.BaseOffset)
        {
            _reader.Begin(segment, 0);
            return true;
        }

        if (segment.Acquire() is null)
            return false;
        try
        {
            _reader.Begin(segment, segment.Offsets.Lookup(from));
            return true;
        }
        finally
        {
            segment.Release();
        }
    }

    private long Abandon()
    {
        State = CleaningState.Abandoned;
        return 0;
    }
}

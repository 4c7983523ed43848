using System.Runtime.InteropServices;

namespace ActorBroker.Log;

/// <summary>Appending, and rolling from one segment to the next.</summary>
public sealed partial class PartitionLog
{
    private readonly List<ReadOnlyMemory<byte>> _gather = [];
    private readonly List<RecordBatchHeader> _headers = [];

    /// <summary>The active segment while the writer holds it, so that an append takes no lock.</summary>
    private LogSegment? _writing;
    private IFile? _writingFile;
    private long _sizeAtTrim = -1;

    /// <summary>Segments made by the append under way, not yet in the view.</summary>
    private readonly List<LogSegment> _rolledTo = [];

    /// <summary>When the active segment got its first record; null while that is not known or there is none.</summary>
    private DateTimeOffset? _activeSince;

    /// <summary>A timestamp of <see cref="TimeProvider"/>; 0 when nothing waits to be flushed.</summary>
    private long _oldestUnflushed;

    /// <summary>
    /// The leader's append: gives the batches their offsets and this leader epoch (and the log's time, if it stamps), in place,
    /// and writes all with one gathered write per segment touched. The batches must have passed
    /// <see cref="RecordBatchValidator.CheckProduced"/>. All or none; where each went is put into
    /// <paramref name="appended"/>, which is as long as <paramref name="batches"/> or empty.
    /// </summary>
    public AppendResult Append(ReadOnlySpan<Memory<byte>> batches, LeaderEpoch epoch, Span<AppendedBatch> appended)
    {
        CheckWritable();
        var start = View.End;
        if (epoch < LatestEpoch)
            return Refused(AppendStatus.OutOfOrder, BatchFault.None, -1);
        if (ReadHeaders(batches) is { } refused)
            return refused;
        var stamps = Options.MessageTimestampType == TimestampType.LogAppendTime;
        var now = stamps ? _time.GetUtcNow().ToUnixTimeMilliseconds() : -1;
        var headers = CollectionsMarshal.AsSpan(_headers);
        var next = start;
        for (var i = 0; i < headers.Length; i++)
        {
            var bytes = batches[i].Span;
            headers[i] = headers[i] with { BaseOffset = next, PartitionLeaderEpoch = epoch, MaxTimestamp = stamps ? now : headers[i].MaxTimestamp };
            RecordBatchHeader.PatchBaseOffset(bytes, next);
            RecordBatchHeader.PatchLeaderEpoch(bytes, epoch);
            if (stamps)
                RecordBatchHeader.PatchAppendTime(bytes, now);
            if (!appended.IsEmpty)
                appended[i] = new AppendedBatch(next, headers[i].LastOffset, now);
            _gather.Add(batches[i]);
            next = headers[i].NextOffset;
        }

        return Store(start);
    }

    /// <summary>
    /// The follower's append: whole batches one behind the other, as fetched; their offsets and epochs stay. The first
    /// must be at or beyond the log's end (beyond it after compaction), and checksums must have been checked.
    /// A batch cut short at the end is left out.
    /// </summary>
    public AppendResult AppendAsFollower(ReadOnlyMemory<byte> batches)
    {
        CheckWritable();
        _headers.Clear();
        _gather.Clear();
        var next = View.End;
        var epoch = LatestEpoch;
        var at = 0;
        while (batches.Length - at >= RecordBatchHeader.Size)
        {
            var fault = RecordBatchValidator.CheckFrame(batches.Span[at..], out var header);
            if (fault == BatchFault.TooShort)
                break;
            if (fault != BatchFault.None)
                return Refused(AppendStatus.Malformed, fault, _headers.Count);
            if (header.BaseOffset < next || header.PartitionLeaderEpoch < epoch)
                return Refused(AppendStatus.OutOfOrder, BatchFault.None, _headers.Count);
            _headers.Add(header);
            _gather.Add(batches.Slice(at, (int)header.SizeInBytes));
            at += (int)header.SizeInBytes;
            next = header.NextOffset;
            epoch = header.PartitionLeaderEpoch;
        }

        return Store(_headers.Count == 0 ? next : _headers[0].BaseOffset);
    }

    /// <summary>Rolls the active segment when segment.ms (or max.compaction.lag.ms of a compacted log) is over, appends or not. True when it rolled.</summary>
    public bool RollIfDue()
    {
        CheckWritable();
        var view = View;
        if (view.EndPosition == 0 || !IsOld(view.Active))
            return false;
        RollNow(view);
        return true;
    }

    private AppendResult? ReadHeaders(ReadOnlySpan<Memory<byte>> batches)
    {
        _headers.Clear();
        _gather.Clear();
        for (var i = 0; i < batches.Length; i++)
        {
            var fault = RecordBatchValidator.CheckFrame(batches[i].Span, out var header);
            if (fault == BatchFault.None && header.SizeInBytes != batches[i].Length)
                fault = BatchFault.BadLength;
            if (fault != BatchFault.None)
                return Refused(AppendStatus.Malformed, fault, i);
            if (batches[i].Length > Math.Min(Options.MaxMessageBytes, Options.SegmentBytes))
                return Refused(AppendStatus.TooLarge, BatchFault.TooLarge, i);
            _headers.Add(header);
        }

        return null;
    }

    private AppendResult Refused(AppendStatus status, BatchFault fault, int at)
    {
        _gather.Clear();
        return new AppendResult(status, fault, at, Offset.None, View.End);
    }

    private AppendResult Store(Offset firstOffset)
    {
        var before = View;
        if (_headers.Count == 0)
            return new AppendResult(AppendStatus.Ok, BatchFault.None, -1, before.End, before.End);
        long total = 0;
        foreach (ref readonly var header in CollectionsMarshal.AsSpan(_headers))
            total += header.SizeInBytes;
        if (_reserve is not null && !_reserve.TryTake(total))
            return Refused(AppendStatus.DiskFull, BatchFault.None, -1);
        _rolledTo.Clear();
        try
        {
            var after = Write(before);
            if (Volatile.Read(ref _oldestUnflushed) == 0)
                Volatile.Write(ref _oldestUnflushed, Math.Max(1, _time.GetTimestamp()));
            Volatile.Write(ref _view, after);
            return new AppendResult(AppendStatus.Ok, BatchFault.None, -1, firstOffset, after.End);
        }
        catch (IOException e)
        {
            Undo(before, e);
            return Refused(AppendStatus.DiskFull, BatchFault.None, -1);
        }
        finally
        {
            _gather.Clear();
        }
    }

    /// <summary>Writes all batches at hand, rolling where needed; nothing of it is visible before the view is published.</summary>
    private LogView Write(LogView before)
    {
        var segments = before.Segments;
        var position = before.EndPosition;
        var from = 0;
        if (position > 0 && IsOld(before.Active))
            (segments, position) = (Roll(segments, NewBase(before.End, _headers[0])), 0);
        var end = position;
        for (var i = 0; i < _headers.Count; i++)
        {
            if (MustRoll(segments[^1], end, _headers[i]))
            {
                WriteGroup(segments[^1], position, from, i);
                segments = Roll(segments, NewBase(i == 0 ? before.End : _headers[i - 1].NextOffset, _headers[i]));
                position = end = 0;
                from = i;
            }

            end += _headers[i].SizeInBytes;
        }

        WriteGroup(segments[^1], position, from, _headers.Count);
        return new LogView(segments, _headers[^1].NextOffset, end);
    }

    /// <summary>A segment begins where the last one ended, gap or not (recovery counts on it), unless that is out of its reach.</summary>
    private static Offset NewBase(Offset end, in RecordBatchHeader header) =>
        header.LastOffset - end > int.MaxValue ? header.BaseOffset : end;

    private bool MustRoll(LogSegment segment, long position, in RecordBatchHeader header)
    {
        if (header.LastOffset - segment.BaseOffset > int.MaxValue)
            return true;
        return position > 0
            && (position + header.SizeInBytes > Options.SegmentBytes
                || (segment.Offsets.Count + 1) * OffsetIndex.EntrySize > Options.SegmentIndexBytes
                || (segment.Times.Count + 1) * TimeIndex.EntrySize > Options.SegmentIndexBytes);
    }

    private bool IsOld(LogSegment active)
    {
        var now = _time.GetUtcNow();
        _activeSince ??= SegmentIndexes.FirstTimestamp(active) is { } first && first < now ? first : active.LastModified;
        return now - _activeSince >= Options.RollTime;
    }

    private void WriteGroup(LogSegment segment, long position, int from, int to)
    {
        if (from == to)
            return;
        var file = StartWriting(segment);
        if (to - from == 1)
            file.Write(_gather[from].Span, position);
        else
            file.Write(from == 0 && to == _gather.Count ? _gather : _gather.GetRange(from, to - from), position);
        for (var i = from; i < to; i++)
        {
            var header = _headers[i];
            segment.Note(header, position, Options.IndexIntervalBytes);
            if (header.PartitionLeaderEpoch > LatestEpoch)
                _epochs.Assign(header.PartitionLeaderEpoch, header.BaseOffset);
            position += header.SizeInBytes;
        }

        segment.Size = position;
        segment.IsFlushed = false;
        _activeSince ??= _time.GetUtcNow();
    }

    private IFile StartWriting(LogSegment segment)
    {
        if (ReferenceEquals(_writing, segment))
            return _writingFile!;
        StopWriting();
        _writingFile = segment.Acquire() ?? throw new InvalidOperationException("The active segment was deleted.");
        _writing = segment;
        return _writingFile;
    }

    private void StopWriting()
    {
        var writing = _writing;
        _writing = null;
        _writingFile = null;
        writing?.Release();
    }

    private void RollNow(LogView view)
    {
        try
        {
            Volatile.Write(ref _view, new LogView(Roll(view.Segments, view.End), view.End, 0));
        }
        catch (IOException e)
        {
            throw Fail("roll", e);
        }
    }

    /// <summary>Closes off the active segment and adds an empty one.</summary>
    private LogSegment[] Roll(LogSegment[] segments, Offset baseOffset)
    {
        var old = segments[^1];
        StartWriting(old);
        old.WriteOutIndexes();
        old.LastModified = _time.GetUtcNow();
        StopWriting();
        var next = CreateSegment(baseOffset);
        _rolledTo.Add(next);
        return [.. segments, next];
    }

    private LogSegment CreateSegment(Offset baseOffset)
    {
        _doomed.RemoveAll(static s => s.IsGone);
        foreach (var doomed in _doomed)
        {
            // One that was never given its last name takes nothing of the new one's with it.
            if (doomed.BaseOffset == baseOffset && doomed.LogPath == SegmentFiles.Path(Directory, baseOffset, SegmentFiles.Log))
                doomed.Supersede();
        }

        var segment = new LogSegment(_files, Directory, baseOffset, 0, _time.GetUtcNow());
        try
        {
            SegmentIndexes.ClearOnDisk(segment);
        }
        catch
        {
            segment.Shut();
            throw;
        }

        _namesChanged = true;
        _activeSince = null;
        return segment;
    }

    /// <summary>Takes back a write that failed half way. Only a full disk is survived: anything else leaves the log unsure.</summary>
    private void Undo(LogView before, IOException cause)
    {
        try
        {
            StopWriting();
            foreach (var segment in _rolledTo)
                segment.Delete();
            CutBackTo(before, before.EndPosition);
        }
        catch (IOException)
        {
            throw Fail("write", cause);
        }

        if (cause is not DiskFullException)
            throw Fail("write", cause);
    }
}

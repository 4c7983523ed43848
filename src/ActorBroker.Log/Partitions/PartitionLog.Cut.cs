namespace ActorBroker.Log;

/// <summary>Taking records away: from the front by retention, from the end by truncation.</summary>
public sealed partial class PartitionLog
{
    /// <summary>Deleted segments that a reader may still hold.</summary>
    private readonly List<LogSegment> _doomed = [];

    /// <summary>Records below are deleted, durably on return. Never moves back; beyond the log's end is refused (false).</summary>
    public bool AdvanceLogStartOffset(Offset offset)
    {
        CheckWritable();
        if (offset > LogEndOffset)
            return false;
        if (offset > LogStartOffset)
            MoveLogStart(offset);
        return true;
    }

    /// <summary>Cuts every batch that holds this offset or a later one; flushed before and after. Epoch entries and snapshots beyond go first.</summary>
    public void TruncateTo(Offset offset)
    {
        CheckWritable();
        if (offset >= LogEndOffset)
            return;
        if (offset <= View.Segments[0].BaseOffset)
        {
            TruncateFullyAndStartAt(offset);
            return;
        }

        AbandonCleaning();
        lock (_flushing)
        {
            try
            {
                FlushUnderLock(indexesOfActive: false);
                var (view, position) = CutPoint(offset);
                _epochs.TruncateFromEnd(view.End);
                _epochs.Save();
                LowerRecoveryPoint(view.End);
                LogFolder.DeleteSnapshots(_files, Directory, snapshot => snapshot > view.End);
                Cut(() => CutBackTo(view, position));
                FlushCut(view.Active);
                if (LogStartOffset > view.End)
                    MoveLogStart(view.End, backwards: true);
                Volatile.Write(ref _recoveryPoint, view.End.Value);
            }
            catch (IOException e) when (e is not LogFailedException)
            {
                throw Fail("truncation", e);
            }
        }
    }

    /// <summary>Drops everything; the log starts empty at this offset.</summary>
    public void TruncateFullyAndStartAt(Offset offset)
    {
        CheckWritable();
        AbandonCleaning();
        lock (_flushing)
        {
            try
            {
                _epochs.Clear();
                _epochs.Save();
                LowerRecoveryPoint(offset);
                MoveLogStart(offset, backwards: true);
                LogFolder.DeleteSnapshots(_files, Directory, static _ => true);
                Cut(() => StartOver(offset));
                Volatile.Write(ref _recoveryPoint, offset.Value);
            }
            catch (IOException e) when (e is not LogFailedException)
            {
                throw Fail("truncation", e);
            }
        }
    }

    /// <summary>Deletes whole segments by time, size and log start; none that reaches beyond the high watermark.</summary>
    public RetentionResult DeleteOldSegments(Offset highWatermark)
    {
        CheckWritable();
        var view = View;
        var plan = RetentionPlan.Make(view, Options, LogStartOffset, highWatermark, _time.GetUtcNow());
        if (plan.Segments == 0)
            return default;
        if (plan.Segments == view.Segments.Length)
        {
            RollNow(view);
            view = View;
        }

        var start = Offset.MaxOf(LogStartOffset, view.Segments[plan.Segments].BaseOffset);
        MoveLogStart(start);
        var removed = view.Segments[..plan.Segments];
        Volatile.Write(ref _view, view with { Segments = view.Segments[plan.Segments..] });
        LogFolder.DeleteSnapshots(_files, Directory, snapshot => snapshot < start);
        Remove(removed);
        return plan.Result;
    }

    private void MoveLogStart(Offset offset, bool backwards = false)
    {
        _checkpoints?.SetLogStartOffset(Partition, offset);
        Volatile.Write(ref _logStart, offset.Value);
        if (backwards)
            return;
        _epochs.TruncateFromStart(offset);
        _epochs.Save();
    }

    private void LowerRecoveryPoint(Offset offset)
    {
        if (RecoveryPoint > offset)
            Volatile.Write(ref _recoveryPoint, offset.Value);
        _checkpoints?.LowerRecoveryPoint(Partition, offset);
    }

    /// <summary>What the log looks like once everything from this offset on is cut.</summary>
    private (LogView View, long Position) CutPoint(Offset offset)
    {
        var view = View;
        var index = view.IndexOf(offset);
        var segment = view.Segments[index];
        var log = segment.Acquire()!;
        try
        {
            // From a batch that stays, so that its end is known: the log ends there and not in a gap behind it.
            using var scanner = new BatchScanner(log, segment.Offsets.Lookup(offset - 1), view.SizeOf(index));
            var end = segment.BaseOffset;
            var position = view.SizeOf(index);
            while (scanner.TryNext())
            {
                if (scanner.Header.LastOffset >= offset)
                {
                    position = scanner.Position;
                    break;
                }

                end = scanner.Header.NextOffset;
            }

            if (scanner.Fault != BatchFault.None)
                throw new LogCorruptException(segment.LogPath, scanner.Position, scanner.Fault.ToString());
            return (new LogView(view.Segments[..(index + 1)], end, position), position);
        }
        finally
        {
            segment.Release();
        }
    }

    /// <summary>Readers that run meanwhile see that something was cut and read again.</summary>
    private void Cut(Action cut)
    {
        Interlocked.Increment(ref _cuts);
        try
        {
            StopWriting();
            cut();
        }
        finally
        {
            Interlocked.Increment(ref _cuts);
        }
    }

    private void CutBackTo(LogView target, long position)
    {
        var current = View.Segments;
        Volatile.Write(ref _view, target);
        _epochs.TruncateFromEnd(target.End);
        for (var i = current.Length - 1; i >= target.Segments.Length; i--)
            Remove(current.AsSpan(i, 1));
        var active = target.Active;
        var log = active.Acquire()!;
        try
        {
            active.Size = position;
            active.IsFlushed = false;
            log.SetLength(position);
            active.Offsets.TruncateToPosition(position);
            active.Times.TruncateToOffset(target.End);
            SegmentIndexes.ReadTail(active, log, exactTimes: true);
        }
        finally
        {
            active.Release();
        }

        _activeSince = null;
    }

    private void FlushCut(LogSegment active)
    {
        var log = active.Acquire()!;
        try
        {
            log.Flush();
        }
        finally
        {
            active.Release();
        }

        _files.FlushDirectory(Directory);
    }

    private void StartOver(Offset offset)
    {
        var old = View.Segments;
        foreach (var segment in old)
            segment.Delete();
        _doomed.AddRange(old);
        lock (_swaps)
            _swaps.Clear();
        Volatile.Write(ref _view, new LogView([CreateSegment(offset)], offset, 0));
        _files.FlushDirectory(Directory);
    }

    private void Remove(ReadOnlySpan<LogSegment> segments)
    {
        // All of them first: when one can't be deleted, the others' files must not stay open unseen.
        _doomed.AddRange(segments);
        foreach (var segment in segments)
            segment.Delete();
        _doomed.RemoveAll(static segment => segment.IsGone);
    }
}

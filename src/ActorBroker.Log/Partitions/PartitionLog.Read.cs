namespace ActorBroker.Log;

/// <summary>Reading. Works on one <see cref="LogView"/>; what retention deletes or truncation cuts meanwhile makes it start over.</summary>
public sealed partial class PartitionLog
{
    /// <summary>The index leads at most this far before the batch wanted, unless a single batch is larger.</summary>
    private const int LargestSlack = 64 * 1024;

    /// <summary>
    /// Whole batches from the one that holds <paramref name="from"/> on, at most <paramref name="maxBytes"/> and all below
    /// <paramref name="upperBound"/> (exclusive). With <paramref name="minOneBatch"/> the first comes even when it is larger.
    /// One read ends at a segment's end at the latest.
    /// </summary>
    public LogReadResult Read(Offset from, int maxBytes, Offset upperBound, bool minOneBatch)
    {
        while (true)
        {
            var cuts = CutsWhenQuiet();
            try
            {
                var result = TryRead(from, maxBytes, upperBound, minOneBatch);
                if (result is not null && !CutSince(cuts))
                    return result;
                result?.Dispose();
            }
            catch (IOException) when (CutSince(cuts))
            {
                // What was read was being cut: read again.
            }
        }
    }

    /// <summary>The same into the caller's buffer, whose length is the limit; a first batch that does not fit yields nothing.</summary>
    public LogReadResult ReadInto(Memory<byte> buffer, Offset from, Offset upperBound)
    {
        while (true)
        {
            var cuts = CutsWhenQuiet();
            try
            {
                var result = TryReadInto(buffer, from, upperBound);
                if (result is not null && !CutSince(cuts))
                    return result;
            }
            catch (IOException) when (CutSince(cuts))
            {
                // What was read was being cut: read again.
            }
        }
    }

    /// <summary>The same as a range of a file, in which the last batch may be cut short; null when there is nothing to read there.</summary>
    public LogFileRegion? ReadRegion(Offset from, int maxBytes, Offset upperBound, bool minOneBatch)
    {
        while (true)
        {
            var cuts = CutsWhenQuiet();
            try
            {
                var found = TryReadRegion(from, maxBytes, upperBound, minOneBatch, out var region);
                if (found && !CutSince(cuts))
                    return region;
                region?.Dispose();
            }
            catch (IOException) when (CutSince(cuts))
            {
                // What was read was being cut: read again.
            }
        }
    }

    /// <summary>The first record at or above the log start whose timestamp is at or past this; null when none is.</summary>
    public TimestampedOffset? OffsetForTimestamp(long timestampMs) =>
        LookUp(() => (TimestampLookup.First(View, LogStartOffset, timestampMs, out var vanished), vanished));

    /// <summary>The record with the highest timestamp (the first of them); null when the log is empty.</summary>
    public TimestampedOffset? OffsetOfMaxTimestamp() => LookUp(() => (TimestampLookup.Highest(View, LogStartOffset, out var vanished), vanished));

    /// <summary>Null when a segment vanished meanwhile.</summary>
    private LogReadResult? TryRead(Offset from, int maxBytes, Offset upperBound, bool minOneBatch)
    {
        var start = LogStartOffset;
        var view = View;
        var bound = Offset.Min(upperBound, view.End);
        if (from < start || from > view.End)
            return new LogReadResult(LogReadStatus.OutOfRange, default, null, from, start, view.End);
        for (var i = view.IndexOf(from); from < bound && i < view.Segments.Length; i++)
        {
            var end = view.SizeOf(i);
            if (end == 0)
                continue;
            var segment = view.Segments[i];
            if (segment.Acquire() is not { } log)
                return null;
            try
            {
                var slack = Math.Min(Options.IndexIntervalBytes, LargestSlack);
                var stretch = LogReader.Read(segment, log, end, from, maxBytes, bound, minOneBatch, slack);
                if (stretch.NextOffset != Offset.None)
                    return new LogReadResult(LogReadStatus.Ok, stretch.Pooled.AsMemory(stretch.Start, stretch.Length), stretch.Pooled, stretch.NextOffset, start, view.End);
            }
            finally
            {
                segment.Release();
            }
        }

        return new LogReadResult(LogReadStatus.Ok, default, null, from, start, view.End);
    }

    private LogReadResult? TryReadInto(Memory<byte> buffer, Offset from, Offset upperBound)
    {
        var start = LogStartOffset;
        if (from < start || from > LogEndOffset)
            return new LogReadResult(LogReadStatus.OutOfRange, default, null, from, start, LogEndOffset);
        if (!TryReadRegion(from, buffer.Length, upperBound, minOneBatch: false, out var region))
            return null;
        if (region is null)
            return new LogReadResult(LogReadStatus.Ok, default, null, from, start, LogEndOffset);
        using (region)
        {
            var read = region.File.Read(buffer.Span[..region.Length], region.Position);
            var length = LogReader.TakeWhole(region.Segment, buffer.Span[..read], region.Position, upperBound, out var next);
            return new LogReadResult(LogReadStatus.Ok, buffer[..length], null, length == 0 ? from : next, start, LogEndOffset);
        }
    }

    /// <summary>False when a segment vanished meanwhile.</summary>
    private bool TryReadRegion(Offset from, int maxBytes, Offset upperBound, bool minOneBatch, out LogFileRegion? region)
    {
        region = null;
        var start = LogStartOffset;
        var view = View;
        var bound = Offset.Min(upperBound, view.End);
        if (from < start || from >= bound)
            return true;
        for (var i = view.IndexOf(from); i < view.Segments.Length; i++)
        {
            var end = view.SizeOf(i);
            if (end == 0)
                continue;
            var segment = view.Segments[i];
            if (segment.Acquire() is not { } log)
                return false;
            var taken = false;
            try
            {
                if (LogReader.Find(segment, log, segment.Offsets.Lookup(from), end, from) is not { } found)
                    continue;
                if (view.NextOffsetOf(i) > bound)
                    end = LogReader.Find(segment, log, Math.Max(found.Position, segment.Offsets.Lookup(bound)), end, bound)?.Position ?? end;
                var limit = found.Header.SizeInBytes <= maxBytes ? maxBytes : minOneBatch ? found.Header.SizeInBytes : 0;
                var length = (int)Math.Min(limit, end - found.Position);
                taken = length > 0;
                region = taken ? new LogFileRegion(segment, log, found.Position, length) : null;
                return true;
            }
            finally
            {
                if (!taken)
                    segment.Release();
            }
        }

        return true;
    }

    private TimestampedOffset? LookUp(Func<(TimestampedOffset? Found, bool Vanished)> search)
    {
        while (true)
        {
            var cuts = CutsWhenQuiet();
            try
            {
                var (found, vanished) = search();
                if (!vanished && !CutSince(cuts))
                    return found;
            }
            catch (IOException) when (CutSince(cuts))
            {
                // What was searched was being cut: search again.
            }
        }
    }

    private int CutsWhenQuiet()
    {
        var spin = default(SpinWait);
        while (true)
        {
            var cuts = Volatile.Read(ref _cuts);
            if ((cuts & 1) == 0)
                return cuts;
            spin.SpinOnce();
        }
    }

    private bool CutSince(int cuts) => Volatile.Read(ref _cuts) != cuts;
}

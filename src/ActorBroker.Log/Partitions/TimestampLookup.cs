namespace ActorBroker.Log;

/// <summary>Finds records by their time: segments by their highest timestamp, then the time index, then batch by batch.</summary>
internal static class TimestampLookup
{
    public static TimestampedOffset? First(LogView view, Offset logStart, long timestampMs)
    {
        for (var i = view.IndexOf(logStart); i < view.Segments.Length; i++)
        {
            var segment = view.Segments[i];
            if (view.SizeOf(i) == 0 || segment.KnownMaxTimestamp < timestampMs || segment.Acquire() is not { } log)
                continue;
            try
            {
                if (segment.MaxTimestamp().Timestamp < timestampMs)
                    continue;
                var from = Offset.MaxOf(segment.Times.Lookup(timestampMs), logStart);
                if (Scan(segment, log, from, view.SizeOf(i), logStart, timestampMs) is { } found)
                    return found;
            }
            finally
            {
                segment.Release();
            }
        }

        return null;
    }

    public static TimestampedOffset? Highest(LogView view, Offset logStart)
    {
        LogSegment? best = null;
        var bestIndex = 0;
        long highest = -1;
        for (var i = view.IndexOf(logStart); i < view.Segments.Length; i++)
        {
            var segment = view.Segments[i];
            if (view.SizeOf(i) == 0 || segment.Acquire() is null)
                continue;
            var timestamp = segment.MaxTimestamp().Timestamp;
            segment.Release();
            if (timestamp <= highest)
                continue;
            (best, bestIndex, highest) = (segment, i, timestamp);
        }

        if (best is null || best.Acquire() is not { } log)
            return null;
        try
        {
            var from = Offset.MaxOf(best.Times.Lookup(highest), logStart);
            return Scan(best, log, from, view.SizeOf(bestIndex), logStart, highest);
        }
        finally
        {
            best.Release();
        }
    }

    /// <summary>The first record from here on, at or above the log start, with this timestamp or a later one.</summary>
    private static TimestampedOffset? Scan(LogSegment segment, IFile log, Offset from, long end, Offset logStart, long timestampMs)
    {
        using var scanner = new BatchScanner(log, segment.Offsets.Lookup(from), end);
        while (scanner.TryNext())
        {
            if (scanner.Header.MaxTimestamp < timestampMs || scanner.Header.LastOffset < logStart)
                continue;
            var epoch = scanner.Header.PartitionLeaderEpoch;
            using var records = new RecordEnumerator(scanner.ReadBatch());
            while (records.TryMoveNext())
            {
                if (records.Current.Timestamp >= timestampMs && records.Current.Offset >= logStart)
                    return new TimestampedOffset(records.Current.Timestamp, records.Current.Offset, epoch);
            }

            // Packed with a codec that is not at hand: the batch is as near as can be told.
            if (records.Fault == BatchFault.UnknownCompression)
                return new TimestampedOffset(scanner.Header.MaxTimestamp, Offset.MaxOf(scanner.Header.BaseOffset, logStart), epoch);
        }

        return null;
    }
}

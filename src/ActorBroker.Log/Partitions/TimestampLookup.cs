namespace ActorBroker.Log;

/// <summary>Finds records by their time: segments by their highest timestamp, then the time index, then batch by batch.</summary>
internal static class TimestampLookup
{
    /// <param name="vanished">A segment was deleted or replaced meanwhile: look again in a newer view.</param>
    public static TimestampedOffset? First(LogView view, Offset logStart, long timestampMs, out bool vanished)
    {
        vanished = false;
        for (var i = view.IndexOf(logStart); i < view.Segments.Length; i++)
        {
            var segment = view.Segments[i];
            if (view.SizeOf(i) == 0 || segment.KnownMaxTimestamp < timestampMs)
                continue;
            if (segment.Acquire() is not { } log)
            {
                vanished = true;
                return null;
            }

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

    /// <param name="vanished">A segment was deleted or replaced meanwhile: look again in a newer view.</param>
    public static TimestampedOffset? Highest(LogView view, Offset logStart, out bool vanished)
    {
        TimestampedOffset? highest = null;
        vanished = false;
        for (var i = view.IndexOf(logStart); i < view.Segments.Length; i++)
        {
            var segment = view.Segments[i];
            if (view.SizeOf(i) == 0)
                continue;
            if (segment.Acquire() is not { } log)
            {
                vanished = true;
                return null;
            }

            try
            {
                var timestamp = segment.MaxTimestamp().Timestamp;
                if (highest is { } known && timestamp <= known.TimestampMs)
                    continue;
                // A segment's highest may be that of a record below the log start.
                var found = segment.BaseOffset < logStart
                    ? ScanForHighest(segment, log, view.SizeOf(i), logStart)
                    : Scan(segment, log, segment.Times.Lookup(timestamp), view.SizeOf(i), logStart, timestamp);
                if (found is not null && !(found.Value.TimestampMs <= highest?.TimestampMs))
                    highest = found;
            }
            finally
            {
                segment.Release();
            }
        }

        return highest;
    }

    private static TimestampedOffset? ScanForHighest(LogSegment segment, IFile log, long end, Offset logStart)
    {
        TimestampedOffset? highest = null;
        using var scanner = new BatchScanner(log, segment.Offsets.Lookup(logStart), end);
        while (scanner.TryNext())
        {
            // Record by record: the batch's highest may be that of one below the log start.
            while (Above(highest) <= scanner.Header.MaxTimestamp && scanner.Header.LastOffset >= logStart
                && FindInBatch(scanner, logStart, Above(highest)) is { } found)
                highest = found;
        }

        return highest;

        static long Above(TimestampedOffset? known) => known is { } highest ? highest.TimestampMs + 1 : 0;
    }

    /// <summary>The first record from here on, at or above the log start, with this timestamp or a later one.</summary>
    private static TimestampedOffset? Scan(LogSegment segment, IFile log, Offset from, long end, Offset logStart, long timestampMs)
    {
        using var scanner = new BatchScanner(log, segment.Offsets.Lookup(from), end);
        while (scanner.TryNext())
        {
            if (scanner.Header.MaxTimestamp >= timestampMs && scanner.Header.LastOffset >= logStart && FindInBatch(scanner, logStart, timestampMs) is { } found)
                return found;
        }

        return null;
    }

    private static TimestampedOffset? FindInBatch(BatchScanner scanner, Offset logStart, long timestampMs)
    {
        var epoch = scanner.Header.PartitionLeaderEpoch;
        using var records = new RecordEnumerator(scanner.ReadBatch());
        while (records.TryMoveNext())
        {
            if (records.Current.Timestamp >= timestampMs && records.Current.Offset >= logStart)
                return new TimestampedOffset(records.Current.Timestamp, records.Current.Offset, epoch);
        }

        // Packed with a codec that is not at hand: the batch is as near as can be told.
        return records.Fault == BatchFault.UnknownCompression
            ? new TimestampedOffset(scanner.Header.MaxTimestamp, Offset.MaxOf(scanner.Header.BaseOffset, logStart), epoch)
            : null;
    }
}

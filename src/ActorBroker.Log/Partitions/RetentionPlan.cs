namespace ActorBroker.Log;

/// <summary>Which segments at the front of a log may go.</summary>
internal readonly record struct RetentionPlan(int Segments, RetentionResult Result)
{
    public static RetentionPlan Make(LogView view, LogOptions options, Offset logStart, Offset highWatermark, DateTimeOffset now)
    {
        var deletes = (options.CleanupPolicy & CleanupPolicy.Delete) != CleanupPolicy.None;
        long excess = deletes && options.RetentionBytes >= 0 ? TotalSize(view) - options.RetentionBytes : -1;
        int byTime = 0, bySize = 0, byStart = 0, count = 0;
        long freed = 0;
        for (; count < view.Segments.Length; count++)
        {
            var size = view.SizeOf(count);
            var isActive = count == view.Segments.Length - 1;
            if (view.NextOffsetOf(count) > highWatermark || (isActive && size == 0))
                break;
            if (!isActive && view.NextOffsetOf(count) <= logStart)
                byStart++;
            else if (deletes && IsExpired(view.Segments[count], options, now))
                byTime++;
            else if (!isActive && excess >= size)
                bySize++;
            else
                break;
            excess -= size;
            freed += size;
        }

        return new RetentionPlan(count, new RetentionResult(byTime, bySize, byStart, freed));
    }

    private static bool IsExpired(LogSegment segment, LogOptions options, DateTimeOffset now)
    {
        if (options.RetentionTime is not { } retention)
            return false;

        // Records without timestamps age with their file.
        var newest = NewestTimestamp(segment);
        if (newest < 0)
            newest = segment.LastModified.ToUnixTimeMilliseconds();
        return now.ToUnixTimeMilliseconds() - newest > retention.TotalMilliseconds;
    }

    private static long NewestTimestamp(LogSegment segment)
    {
        if (segment.KnownMaxTimestamp is { } known)
            return known;
        if (segment.Acquire() is null)
            return -1;
        try
        {
            return segment.MaxTimestamp().Timestamp;
        }
        finally
        {
            segment.Release();
        }
    }

    private static long TotalSize(LogView view)
    {
        long total = 0;
        for (var i = 0; i < view.Segments.Length; i++)
            total += view.SizeOf(i);
        return total;
    }
}

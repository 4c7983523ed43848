namespace ActorBroker.Log;

/// <summary>What planning needs to know of a closed segment.</summary>
/// <param name="NewestMs">The highest timestamp, or the file's own time where records have none.</param>
internal readonly record struct SegmentFacts(Offset Base, Offset Next, long Bytes, long NewestMs);

/// <summary>How dirty a log is: what a cleaning of it would do now. Whole segments, from the log's first on.</summary>
/// <param name="FirstDirty">Everything below was cleaned before.</param>
/// <param name="FirstUncleanable">Everything from here on must be left alone: it is uncommitted, too young, or still being written.</param>
/// <param name="CleanBytes">Of segments that lie wholly below <paramref name="FirstDirty"/>.</param>
/// <param name="CleanableBytes">Of the segments between.</param>
/// <param name="IsOverdue">A record has been uncleaned for longer than max.compaction.lag.ms.</param>
public readonly record struct CleaningSurvey(Offset FirstDirty, Offset FirstUncleanable, long CleanBytes, long CleanableBytes, bool IsOverdue)
{
    /// <summary>From 0 (nothing to clean) to 1 (never cleaned).</summary>
    public double DirtyRatio => CleanableBytes == 0 ? 0 : CleanableBytes / (double)(CleanBytes + CleanableBytes);

    /// <summary>Whether it should be cleaned now.</summary>
    public bool IsDue(LogOptions options) => CleanableBytes > 0 && (IsOverdue || DirtyRatio > options.MinCleanableDirtyRatio);
}

/// <summary>Decides what may be cleaned, and which segments become one.</summary>
internal static class CleaningPlanner
{
    /// <param name="closed">All but the active one, by offset.</param>
    /// <param name="cleanedTo">As far as the last cleaning came; null when there was none.</param>
    /// <param name="oldestDirtyMs">The first dirty segment's first timestamp, given its place; null when it has none.</param>
    public static CleaningSurvey Survey(
        ReadOnlySpan<SegmentFacts> closed, Offset logStart, Offset? cleanedTo, Offset highWatermark, LogOptions options, long nowMs, Func<int, long?> oldestDirtyMs)
    {
        // A log that was cut below the point, or lost its front beyond it, has nothing clean that is known.
        var dirty = cleanedTo is { } known && known >= logStart && (closed.IsEmpty || known <= closed[^1].Next) ? known : logStart;
        var end = dirty;
        var youngest = options.MinCompactionLag > TimeSpan.Zero ? nowMs - options.MinCompactionLag.TotalMilliseconds : double.MaxValue;
        var (clean, cleanable, firstDirty) = (0L, 0L, -1);
        for (var i = 0; i < closed.Length; i++)
        {
            ref readonly var segment = ref closed[i];
            if (segment.Next <= dirty)
            {
                clean += segment.Bytes;
                continue;
            }

            if (segment.Next > highWatermark || segment.NewestMs > youngest)
                break;
            if (firstDirty < 0)
                firstDirty = i;
            cleanable += segment.Bytes;
            end = segment.Next;
        }

        var isOverdue = firstDirty >= 0 && options.MaxCompactionLag is { } lag && nowMs - oldestDirtyMs(firstDirty) > lag.TotalMilliseconds;
        return new CleaningSurvey(dirty, end, clean, cleanable, isOverdue);
    }

    /// <summary>
    /// How many segments from the front on become one file: as many as surely fit, so that logs don't end up as many tiny
    /// files. At least one.
    /// </summary>
    public static int NextGroup(ReadOnlySpan<SegmentFacts> segments, LogOptions options)
    {
        var bytes = 0L;
        for (var i = 0; i < segments.Length; i++)
        {
            bytes += segments[i].Bytes;
            var indexBytes = bytes / Math.Max(RecordBatchHeader.Size, options.IndexIntervalBytes) * TimeIndex.EntrySize;
            var fits = bytes <= options.SegmentBytes
                && indexBytes <= options.SegmentIndexBytes
                && segments[i].Next - 1 - segments[0].Base <= int.MaxValue;
            if (!fits && i > 0)
                return i;
        }

        return segments.Length;
    }
}

namespace ActorBroker.Log;

/// <summary>Makes a segment's indexes usable: takes over those on disk when they are sound, builds them anew otherwise.</summary>
internal static class SegmentIndexes
{
    /// <summary>What a rebuilt index uses; the log's own setting only matters while it writes.</summary>
    private const int RebuildIntervalBytes = 4096;

    /// <summary>Returns how many indexes were built anew.</summary>
    public static int Prepare(IFileSystem files, LogSegment segment, IFile log)
    {
        if (TryAdopt(files, segment))
            return 0;
        Rebuild(segment, log);
        return 2;
    }

    /// <summary>
    /// Adopts both indexes if their sizes are whole entries and their last entries lie inside the segment. What a crash of
    /// Kafka leaves (10 MiB of zeros behind the entries) fails that.
    /// </summary>
    public static bool TryAdopt(IFileSystem files, LogSegment segment)
    {
        if (!TryAdopt(files, segment.Offsets.File, OffsetIndex.EntrySize) || !TryAdopt(files, segment.Times.File, TimeIndex.EntrySize))
            return false;
        return IsSound(segment);
    }

    /// <summary>
    /// Reads the batches behind the indexes' last entries, which is little, and returns the offset behind the last one. Null when
    /// they don't end where the segment does. With <paramref name="exactTimes"/> it goes back as far as the time index leaves doubt.
    /// </summary>
    public static Offset? ReadTail(LogSegment segment, IFile log, bool exactTimes)
    {
        var lastIndexed = segment.Offsets.Count == 0 ? 0 : segment.Offsets.Entry(segment.Offsets.Count - 1).Position;
        var (timestamp, of) = segment.Times.Count == 0 ? (-1, segment.BaseOffset) : segment.Times.Entry(segment.Times.Count - 1);
        var next = segment.BaseOffset;
        using var scanner = new BatchScanner(log, exactTimes ? segment.Offsets.Lookup(of) : lastIndexed, segment.Size);
        while (scanner.TryNext())
        {
            next = scanner.Header.NextOffset;
            if (scanner.Header.RecordCount > 0 && scanner.Header.MaxTimestamp > timestamp)
                (timestamp, of) = (scanner.Header.MaxTimestamp, scanner.Header.LastOffset);
        }

        segment.SetMaxTimestamp(timestamp, of);
        segment.BytesSinceIndexEntry = (int)(segment.Size - lastIndexed);
        return scanner.Fault == BatchFault.None ? next : null;
    }

    /// <summary>The first batch's time; null when the segment is empty or its records have none.</summary>
    public static DateTimeOffset? FirstTimestamp(LogSegment segment)
    {
        if (segment.Size < RecordBatchHeader.Size || segment.Acquire() is not { } log)
            return null;
        try
        {
            Span<byte> bytes = stackalloc byte[RecordBatchHeader.Size];
            if (log.Read(bytes, 0) < bytes.Length || !RecordBatchHeader.TryParse(bytes, out var header))
                return null;
            var latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
            return header.MaxTimestamp >= 0 && header.MaxTimestamp <= latest ? DateTimeOffset.FromUnixTimeMilliseconds(header.MaxTimestamp) : null;
        }
        finally
        {
            segment.Release();
        }
    }

    public static void Clear(LogSegment segment)
    {
        segment.Offsets.File.Truncate(0);
        segment.Times.Clear();
        segment.BytesSinceIndexEntry = 0;
        segment.SetMaxTimestamp(-1, segment.BaseOffset);
    }

    /// <summary>Makes an empty segment's files, or empties what an earlier one of that name left.</summary>
    public static void ClearOnDisk(LogSegment segment)
    {
        segment.MarkIndexesReady();
        var log = segment.Acquire()!;
        try
        {
            if (log.Length > 0)
                log.SetLength(0);
            Clear(segment);
        }
        finally
        {
            segment.Release();
        }
    }

    private static bool TryAdopt(IFileSystem files, IndexFile index, int entrySize)
    {
        if (!files.FileExists(index.Path))
            return false;
        using var file = files.Open(index.Path, FileOpenMode.Read);
        var length = file.Length;
        if (length % entrySize != 0)
            return false;
        index.Adopt((int)(length / entrySize));
        return true;
    }

    private static bool IsSound(LogSegment segment)
    {
        var offsets = segment.Offsets;
        if (offsets.Count > 0)
        {
            var (offset, position) = offsets.Entry(offsets.Count - 1);
            if (offset < segment.BaseOffset || position <= 0 || position >= segment.Size)
                return false;
        }

        var times = segment.Times;
        if (times.Count == 0)
            return true;
        var (timestamp, of) = times.Entry(times.Count - 1);
        return timestamp >= 0 && of >= segment.BaseOffset && timestamp >= times.Entry(0).Timestamp;
    }

    private static void Rebuild(LogSegment segment, IFile log)
    {
        segment.Offsets.File.Adopt(0);
        segment.Times.File.Adopt(0);
        Clear(segment);
        using var scanner = new BatchScanner(log, 0, segment.Size);
        while (scanner.TryNext())
            segment.Note(scanner.Header, scanner.Position, RebuildIntervalBytes);
        segment.WriteOutIndexes();

        // Nobody flushes a closed segment again, and a file that lost its entries in a crash looks like one without any.
        segment.FlushIndexes();
    }
}

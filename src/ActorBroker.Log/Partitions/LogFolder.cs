namespace ActorBroker.Log;

/// <summary>Reads a partition's folder: which segments are there, and what an interrupted process left lying about.</summary>
internal static class LogFolder
{
    /// <summary>Segments by base offset; those that lie wholly below the log start are removed.</summary>
    public static List<LogSegment> Load(IFileSystem files, string directory, Offset logStartOffset, List<string> notes)
    {
        SwapRecovery.Complete(files, directory, logStartOffset);
        var segments = new List<LogSegment>();
        var orphans = new List<string>();
        foreach (var entry in files.ListFiles(directory))
        {
            if (SegmentFiles.TryParse(entry.Name, SegmentFiles.Log, out var baseOffset))
                segments.Add(new LogSegment(files, directory, baseOffset, entry.Length, entry.LastModified));
            else if (IsLeftover(entry.Name))
                files.DeleteFile(Path.Combine(directory, entry.Name));
            else if (entry.Name.EndsWith(SegmentFiles.OffsetIndex, StringComparison.Ordinal) || entry.Name.EndsWith(SegmentFiles.TimeIndex, StringComparison.Ordinal))
                orphans.Add(entry.Name);
        }

        segments.Sort(static (a, b) => a.BaseOffset.CompareTo(b.BaseOffset));
        RemoveOrphans(files, directory, segments, orphans, notes);
        while (segments.Count > 1 && segments[1].BaseOffset <= logStartOffset)
        {
            segments[0].Delete();
            segments.RemoveAt(0);
        }

        return segments;
    }

    public static void DeleteSnapshots(IFileSystem files, string directory, Func<Offset, bool> which)
    {
        foreach (var entry in files.ListFiles(directory))
        {
            if (SegmentFiles.TryParse(entry.Name, SegmentFiles.Snapshot, out var offset) && which(offset))
                files.DeleteFile(Path.Combine(directory, entry.Name));
        }
    }

    private static bool IsLeftover(string name) =>
        name.EndsWith(SegmentFiles.Deleted, StringComparison.Ordinal)
        || name.EndsWith(SegmentFiles.Cleaned, StringComparison.Ordinal)
        || name.EndsWith(SegmentFiles.Temporary, StringComparison.Ordinal);

    private static void RemoveOrphans(IFileSystem files, string directory, List<LogSegment> segments, List<string> indexes, List<string> notes)
    {
        foreach (var name in indexes)
        {
            var known = SegmentFiles.TryParse(name, SegmentFiles.OffsetIndex, out var offset)
                || SegmentFiles.TryParse(name, SegmentFiles.TimeIndex, out offset);
            if (known && segments.Exists(s => s.BaseOffset == offset))
                continue;
            files.DeleteFile(Path.Combine(directory, name));
            notes.Add($"removed {name}: an index without its segment");
        }
    }
}

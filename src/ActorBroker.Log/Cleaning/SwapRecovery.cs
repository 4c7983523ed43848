namespace ActorBroker.Log;

/// <summary>
/// Finishes swaps of cleaned segments that a crash interrupted. A file NNNNNNNNNNNNNNNNNNNN.log.swap is whole, and counts instead of
/// every segment that begins between its first offset and its end: it ends where the next one that is not replaced begins.
/// Files ending in .cleaned were not done yet and are none of its business. The same goes for what Kafka's cleaner left.
/// </summary>
internal static class SwapRecovery
{
    private static readonly string[] _extensions = [SegmentFiles.Log, SegmentFiles.OffsetIndex, SegmentFiles.TimeIndex, SegmentFiles.TransactionIndex];

    public static void Complete(IFileSystem files, string directory, Offset logStart)
    {
        var names = files.ListFiles(directory).Select(static file => file.Name).Order(StringComparer.Ordinal).ToList();
        var swaps = names.FindAll(static name => name.EndsWith(SegmentFiles.Swap, StringComparison.Ordinal));
        if (swaps.Count == 0)
            return;
        foreach (var name in swaps)
        {
            if (SegmentFiles.TryParse(name, SegmentFiles.Log + SegmentFiles.Swap, out var baseOffset))
                Complete(files, directory, names, baseOffset, logStart);
        }

        // Indexes are built anew when they are needed; by then nothing tells whose these are.
        foreach (var name in swaps.Where(static name => !name.EndsWith(SegmentFiles.Log + SegmentFiles.Swap, StringComparison.Ordinal)))
            files.DeleteFile(Path.Combine(directory, name));
        files.FlushDirectory(directory);
    }

    private static void Complete(IFileSystem files, string directory, List<string> names, Offset baseOffset, Offset logStart)
    {
        var path = SegmentFiles.Path(directory, baseOffset, SegmentFiles.Log + SegmentFiles.Swap);
        var end = EndOf(files, path, baseOffset);
        // Nothing in it, or nothing that anybody may see any more.
        if (end == baseOffset || end <= logStart)
        {
            files.DeleteFile(path);
            return;
        }

        foreach (var name in names)
        {
            foreach (var extension in _extensions)
            {
                if (SegmentFiles.TryParse(name, extension, out var replaced) && replaced >= baseOffset && replaced < end)
                    files.DeleteFile(Path.Combine(directory, name));
            }
        }

        // The name goes last: as long as it is there, this is begun again.
        files.FlushDirectory(directory);
        files.MoveFile(path, SegmentFiles.Path(directory, baseOffset, SegmentFiles.Log));
    }

    private static Offset EndOf(IFileSystem files, string path, Offset baseOffset)
    {
        using var file = files.Open(path, FileOpenMode.Read);
        using var scanner = new BatchScanner(file, 0, file.Length);
        var end = baseOffset;
        while (scanner.TryNext())
            end = scanner.Header.NextOffset;
        return end;
    }
}

using System.Text;

namespace ActorBroker.Log;

/// <summary>Replaces small files so that a crash leaves the old or the new content, and reads them.</summary>
public static class AtomicFile
{
    private const int LargestRead = 64 * 1024 * 1024;

    /// <summary>Durable on return unless asked otherwise: then a power loss may leave anything, a killed process nothing half done.</summary>
    public static void Write(IFileSystem files, string path, ReadOnlySpan<byte> content, bool durable = true)
    {
        var temporary = path + SegmentFiles.Temporary;
        using (var file = files.Open(temporary, FileOpenMode.Truncate))
        {
            file.Write(content, 0);
            if (durable)
                file.Flush();
        }

        files.MoveFile(temporary, path);
        if (durable)
            files.FlushDirectory(FolderNames.ParentOf(path));
    }

    public static void WriteText(IFileSystem files, string path, string text, bool durable = true) =>
        Write(files, path, Encoding.UTF8.GetBytes(text), durable);

    /// <summary>Makes the folder and its missing parents, whose names survive a power loss from then on.</summary>
    public static void EnsureDirectory(IFileSystem files, string path) => FolderNames.CreateDurably(files, path);

    /// <summary>Null when there is no such file.</summary>
    /// <exception cref="LogCorruptException">It is larger than anything of its kind.</exception>
    public static byte[]? Read(IFileSystem files, string path, int largest = LargestRead)
    {
        if (!files.FileExists(path))
            return null;
        using var file = files.Open(path, FileOpenMode.Read);
        var length = file.Length;
        if (length > largest)
            throw new LogCorruptException(path, largest, $"too large ({length} bytes)");
        var content = new byte[length];
        var read = file.Read(content, 0);
        return read == content.Length ? content : content[..read];
    }

    public static string? ReadText(IFileSystem files, string path) => Read(files, path) is { } content ? Encoding.UTF8.GetString(content) : null;
}

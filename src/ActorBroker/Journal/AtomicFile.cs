using ActorBroker.Log;

namespace ActorBroker.Journal;

/// <summary>Files that are there whole, in their old or their new form, whatever happens.</summary>
internal static class AtomicFile
{
    private const string TemporarySuffix = ".tmp";

    /// <summary>Durable on return.</summary>
    public static void Replace(IFileSystem files, string directory, string name, ReadOnlySpan<byte> bytes)
    {
        var path = Path.Combine(directory, name);
        var temporary = path + TemporarySuffix;
        using (var file = files.Open(temporary, FileOpenMode.Truncate))
        {
            file.Write(bytes, 0);
            file.Flush();
        }

        files.MoveFile(temporary, path);
        files.FlushDirectory(directory);
    }

    /// <summary>Makes the folder and its missing parents, whose names survive a power loss from then on.</summary>
    public static void EnsureDirectory(IFileSystem files, string directory)
    {
        if (files.DirectoryExists(directory)) return;
        var parent = Path.GetDirectoryName(directory);
        if (!string.IsNullOrEmpty(parent)) EnsureDirectory(files, parent);
        files.CreateDirectory(directory);
        if (!string.IsNullOrEmpty(parent)) files.FlushDirectory(parent);
    }

    public static byte[] ReadAll(IFileSystem files, string path)
    {
        using var file = files.Open(path, FileOpenMode.Read);
        var bytes = new byte[file.Length];
        var read = file.Read(bytes, 0);
        return read == bytes.Length ? bytes : bytes[..read];
    }
}

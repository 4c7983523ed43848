namespace ActorBroker.Log;

/// <summary>Folders whose names survive a power loss.</summary>
internal static class FolderNames
{
    public static string ParentOf(string path) => Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".";

    /// <summary>Creates the folder and its missing parents, durably.</summary>
    public static void CreateDurably(IFileSystem files, string path)
    {
        if (path == "." || files.DirectoryExists(path))
            return;
        var parent = ParentOf(path);
        CreateDurably(files, parent);
        files.CreateDirectory(path);
        files.FlushDirectory(parent);
    }
}

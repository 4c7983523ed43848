namespace ActorBroker.Log;

/// <summary>Folders whose names survive a power loss.</summary>
internal static class FolderNames
{
    public static string ParentOf(string path) => Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".";

    /// <summary>Creates the folder and its missing parents, durably. False when it was there already.</summary>
    public static bool CreateDurably(IFileSystem files, string path)
    {
        if (files.DirectoryExists(path))
            return false;
        var parent = ParentOf(path);
        if (parent != ".")
            CreateDurably(files, parent);
        files.CreateDirectory(path);
        files.FlushDirectory(parent);
        return true;
    }
}

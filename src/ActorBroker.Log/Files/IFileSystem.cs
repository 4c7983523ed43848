using Microsoft.Win32.SafeHandles;

namespace ActorBroker.Log;

/// <summary>How <see cref="IFileSystem.Open"/> treats a file that is or is not there.</summary>
public enum FileOpenMode
{
    /// <summary>Must exist; reading only.</summary>
    Read,

    /// <summary>Must exist; reading and writing.</summary>
    ReadWrite,

    /// <summary>Created empty when missing; reading and writing.</summary>
    OpenOrCreate,

    /// <summary>Must not exist yet; reading and writing.</summary>
    CreateNew,

    /// <summary>Created, or emptied when it exists; reading and writing.</summary>
    Truncate,
}

/// <summary>A file in a folder, as a listing saw it.</summary>
public readonly record struct FileEntry(string Name, long Length, DateTimeOffset LastModified);

/// <summary>
/// All file access of the log. Paths are full or relative paths of the platform (<see cref="Path.Combine(string, string)"/>).
/// What survives a power loss: a file's bytes after <see cref="IFile.Flush"/>, and its name (creation, rename, deletion)
/// after <see cref="FlushDirectory"/> of its folder. Faults: <see cref="DiskFullException"/> when no space is left,
/// <see cref="FileNotFoundException"/>, <see cref="DirectoryNotFoundException"/>, otherwise <see cref="IOException"/>.
/// No caller may delete, rename or replace a file that it holds open: Windows forbids some of it.
/// </summary>
public interface IFileSystem
{
    /// <summary>Others may read and write the file while it is open.</summary>
    IFile Open(string path, FileOpenMode mode);

    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>Creates the folder and its missing parents; nothing happens when it exists.</summary>
    void CreateDirectory(string path);

    /// <summary>Files directly in the folder, in no order.</summary>
    IReadOnlyList<FileEntry> ListFiles(string directory);

    /// <summary>Names of the folders directly in the folder, in no order.</summary>
    IReadOnlyList<string> ListDirectories(string directory);

    /// <summary>Renames atomically; the target is replaced when it exists.</summary>
    void MoveFile(string source, string target);

    /// <summary>Renames a folder; fails when the target exists.</summary>
    void MoveDirectory(string source, string target);

    /// <summary>Nothing happens when the file is missing.</summary>
    void DeleteFile(string path);

    /// <summary>Deletes the folder and everything in it; nothing happens when it is missing.</summary>
    void DeleteDirectory(string path);

    /// <summary>Makes names created, renamed and deleted directly in this folder survive a power loss.</summary>
    void FlushDirectory(string path);

    /// <summary>Takes an exclusive lock that ends with the process at the latest; null when someone else holds it.</summary>
    IDisposable? TryLock(string path);

    /// <summary>Bytes that may still be written to the volume of this folder.</summary>
    long FreeBytes(string directory);

    /// <summary>The size of the volume of this folder.</summary>
    long TotalBytes(string directory);
}

/// <summary>An open file with positional access: any number of threads at once. Writing past the end fills with zeros.</summary>
public interface IFile : IDisposable
{
    long Length { get; }

    /// <summary>Reads until the buffer is full or the file ends; the count tells which.</summary>
    int Read(Span<byte> buffer, long position);

    void Write(ReadOnlySpan<byte> bytes, long position);

    /// <summary>Writes all buffers one after the other. On a fault any part may have been written.</summary>
    void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long position);

    void SetLength(long length);

    /// <summary>Returns once all bytes written so far are on the device.</summary>
    void Flush();

    /// <summary>For handing the file to the kernel (sendfile); null where there is no real file.</summary>
    SafeFileHandle? Handle { get; }
}

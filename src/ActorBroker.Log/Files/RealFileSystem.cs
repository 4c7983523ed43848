using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ActorBroker.Log;

/// <summary>The platform's files.</summary>
public sealed class RealFileSystem : IFileSystem
{
    private RealFileSystem()
    {
    }

    public static RealFileSystem Instance { get; } = new();

    public IFile Open(string path, FileOpenMode mode)
    {
        var (fileMode, access) = mode switch
        {
            FileOpenMode.Read => (FileMode.Open, FileAccess.Read),
            FileOpenMode.ReadWrite => (FileMode.Open, FileAccess.ReadWrite),
            FileOpenMode.OpenOrCreate => (FileMode.OpenOrCreate, FileAccess.ReadWrite),
            FileOpenMode.CreateNew => (FileMode.CreateNew, FileAccess.ReadWrite),
            FileOpenMode.Truncate => (FileMode.Create, FileAccess.ReadWrite),
            _ => throw new ArgumentOutOfRangeException(nameof(mode)),
        };
        try
        {
            return new RealFile(path, File.OpenHandle(path, fileMode, access, FileShare.ReadWrite | FileShare.Delete));
        }
        catch (IOException e) when (DiskFull.Is(e))
        {
            throw new DiskFullException(path, e);
        }
    }

    public bool FileExists(string path) => File.Exists(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public void CreateDirectory(string path) => Guarded(path, Directory.CreateDirectory);

    public IReadOnlyList<FileEntry> ListFiles(string directory)
    {
        var entries = new List<FileEntry>();
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles())
        {
            // Another process's temporary file may go while we look.
            if (file.Exists)
                entries.Add(new FileEntry(file.Name, file.Length, new DateTimeOffset(file.LastWriteTimeUtc)));
        }

        return entries;
    }

    public IReadOnlyList<string> ListDirectories(string directory)
    {
        var names = new List<string>();
        foreach (var child in new DirectoryInfo(directory).EnumerateDirectories())
            names.Add(child.Name);
        return names;
    }

    public void MoveFile(string source, string target) => Guarded(target, _ => File.Move(source, target, overwrite: true));

    public void MoveDirectory(string source, string target) => Guarded(target, _ => Directory.Move(source, target));

    public void DeleteFile(string path) => File.Delete(path);

    public void DeleteDirectory(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    public void FlushDirectory(string path)
    {
        // Windows has no such call: NTFS journals names on its own.
        if (!OperatingSystem.IsWindows())
            UnixDirectory.Flush(path);
    }

    public IDisposable? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException) && !DiskFull.Is(e))
        {
            return null;
        }
    }

    public long FreeBytes(string directory) => VolumeOf(directory).AvailableFreeSpace;

    public long TotalBytes(string directory) => VolumeOf(directory).TotalSize;

    private static DriveInfo VolumeOf(string directory)
    {
        var full = Path.GetFullPath(directory);
        return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(full)! : full);
    }

    private static void Guarded(string path, Action<string> action)
    {
        try
        {
            action(path);
        }
        catch (IOException e) when (DiskFull.Is(e))
        {
            throw new DiskFullException(path, e);
        }
    }

    private static void Guarded(string path, Func<string, DirectoryInfo> action) => Guarded(path, p => { _ = action(p); });

    private sealed class RealFile(string path, SafeFileHandle handle) : IFile
    {
        public SafeFileHandle? Handle => handle;

        public long Length => RandomAccess.GetLength(handle);

        public int Read(Span<byte> buffer, long position)
        {
            var total = 0;
            while (total < buffer.Length)
            {
                var read = RandomAccess.Read(handle, buffer[total..], position + total);
                if (read == 0)
                    break;
                total += read;
            }

            return total;
        }

        public void Write(ReadOnlySpan<byte> bytes, long position)
        {
            try
            {
                RandomAccess.Write(handle, bytes, position);
            }
            catch (IOException e) when (DiskFull.Is(e))
            {
                throw new DiskFullException(path, e);
            }
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long position)
        {
            try
            {
                RandomAccess.Write(handle, buffers, position);
            }
            catch (IOException e) when (DiskFull.Is(e))
            {
                throw new DiskFullException(path, e);
            }
        }

        public void SetLength(long length)
        {
            try
            {
                RandomAccess.SetLength(handle, length);
            }
            catch (IOException e) when (DiskFull.Is(e))
            {
                throw new DiskFullException(path, e);
            }
        }

        public void Flush()
        {
            try
            {
                RandomAccess.FlushToDisk(handle);
            }
            catch (IOException e) when (DiskFull.Is(e))
            {
                throw new DiskFullException(path, e);
            }
        }

        public void Dispose() => handle.Dispose();
    }

    /// <summary>Recognises "no space left" and "quota exceeded" among the platform's error codes.</summary>
    private static class DiskFull
    {
        private const int WindowsDiskFull = unchecked((int)0x80070070);
        private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
        private const int NoSpace = 28;
        private static readonly int _quota = OperatingSystem.IsMacOS() ? 69 : 122;

        public static bool Is(IOException e) => OperatingSystem.IsWindows()
            ? e.HResult is WindowsDiskFull or WindowsHandleDiskFull
            : e.HResult == NoSpace || e.HResult == _quota;
    }

    /// <summary>.NET opens no folders, so their fsync goes to the C library.</summary>
    private static class UnixDirectory
    {
        private const int Interrupted = 4;

        public static void Flush(string path)
        {
            var descriptor = open(path, 0);
            if (descriptor < 0)
                throw new IOException($"{path}: can't open the folder to flush it (errno {Marshal.GetLastPInvokeError()})");
            try
            {
                while (fsync(descriptor) != 0)
                {
                    var error = Marshal.GetLastPInvokeError();
                    if (error != Interrupted)
                        throw new IOException($"{path}: can't flush the folder (errno {error})");
                }
            }
            finally
            {
                _ = close(descriptor);
            }
        }

        [DllImport("libc", SetLastError = true)]
        private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

        [DllImport("libc", SetLastError = true)]
        private static extern int fsync(int descriptor);

        [DllImport("libc", SetLastError = true)]
        private static extern int close(int descriptor);
    }
}

using Microsoft.Win32.SafeHandles;

namespace ActorBroker.Log;

/// <summary>
/// Files in memory. As strict as the strictest platform: a file that is open can't be deleted, renamed or replaced, so code
/// that passes here relies on nothing that Windows forbids.
/// </summary>
public class MemoryFileSystem : IFileSystem
{
    private readonly TimeProvider _time;
    private readonly bool _track;
    private readonly HashSet<string> _locks = new(StringComparer.Ordinal);

    public MemoryFileSystem(TimeProvider? time = null)
        : this(time ?? TimeProvider.System, trackUnflushed: false)
    {
    }

    private protected MemoryFileSystem(TimeProvider time, bool trackUnflushed)
    {
        _time = time;
        _track = trackUnflushed;
    }

    private protected MemoryDirectory Root { get; } = new();

    private protected Lock Gate { get; } = new();

    /// <summary>Counts crashes: handles and locks from before one are dead.</summary>
    private protected int Life { get; private set; }

    public IFile Open(string path, FileOpenMode mode)
    {
        lock (Gate)
        {
            var (parent, name) = Parent(path);
            var node = parent.Entries.GetValueOrDefault(name);
            if (node is MemoryDirectory)
                throw new IOException($"{path} is a folder");
            var file = node as MemoryFileNode;
            if (file is null && mode is (FileOpenMode.Read or FileOpenMode.ReadWrite))
                throw new FileNotFoundException($"{path} does not exist", path);
            if (file is not null && mode == FileOpenMode.CreateNew)
                throw new IOException($"{path} exists already");
            Before(FileOperation.Open, path);
            if (file is null)
                parent.Change(_track, (name, file = new MemoryFileNode(_track, _time.GetUtcNow())));
            else if (mode == FileOpenMode.Truncate)
                file.SetLength(0);
            file.OpenHandles++;
            return new OpenFile(this, path, file, mode != FileOpenMode.Read);
        }
    }

    public bool FileExists(string path)
    {
        lock (Gate)
            return Find(path) is MemoryFileNode;
    }

    public bool DirectoryExists(string path)
    {
        lock (Gate)
            return Find(path) is MemoryDirectory;
    }

    public void CreateDirectory(string path)
    {
        lock (Gate)
        {
            var directory = Root;
            foreach (var part in Parts(path))
            {
                if (directory.Entries.GetValueOrDefault(part) is not { } child)
                    directory.Change(_track, (part, child = new MemoryDirectory()));
                directory = child as MemoryDirectory ?? throw new IOException($"{path}: {part} is a file");
            }
        }
    }

    public IReadOnlyList<FileEntry> ListFiles(string directory)
    {
        lock (Gate)
        {
            Before(FileOperation.List, directory);
            var entries = new List<FileEntry>();
            foreach (var (name, node) in Folder(directory).Entries)
            {
                if (node is MemoryFileNode file)
                    entries.Add(new FileEntry(name, file.Length, file.LastModified));
            }

            return entries;
        }
    }

    public IReadOnlyList<string> ListDirectories(string directory)
    {
        lock (Gate)
        {
            Before(FileOperation.List, directory);
            var names = new List<string>();
            foreach (var (name, node) in Folder(directory).Entries)
            {
                if (node is MemoryDirectory)
                    names.Add(name);
            }

            return names;
        }
    }

    public void MoveFile(string source, string target)
    {
        lock (Gate)
        {
            Before(FileOperation.Move, target);
            var (from, fromName) = Parent(source);
            var (to, toName) = Parent(target);
            if (from.Entries.GetValueOrDefault(fromName) is not MemoryFileNode file)
                throw new FileNotFoundException($"{source} does not exist", source);
            if (to.Entries.GetValueOrDefault(toName) is MemoryDirectory)
                throw new IOException($"{target} is a folder");
            RefuseWhenOpen(source, file);
            RefuseWhenOpen(target, to.Entries.GetValueOrDefault(toName));
            Move(from, fromName, to, toName, file);
        }
    }

    public void MoveDirectory(string source, string target)
    {
        lock (Gate)
        {
            Before(FileOperation.Move, target);
            var (from, fromName) = Parent(source);
            var (to, toName) = Parent(target);
            if (from.Entries.GetValueOrDefault(fromName) is not MemoryDirectory directory)
                throw new DirectoryNotFoundException($"{source} does not exist");
            if (to.Entries.ContainsKey(toName))
                throw new IOException($"{target} exists already");
            RefuseWhenOpen(source, directory);
            Move(from, fromName, to, toName, directory);
        }
    }

    public void DeleteFile(string path)
    {
        lock (Gate)
        {
            var (parent, name) = Parent(path);
            if (parent.Entries.GetValueOrDefault(name) is not MemoryFileNode file)
                return;
            Before(FileOperation.Delete, path);
            RefuseWhenOpen(path, file);
            parent.Change(_track, (name, null));
        }
    }

    public void DeleteDirectory(string path)
    {
        lock (Gate)
        {
            var (parent, name) = Parent(path);
            if (parent.Entries.GetValueOrDefault(name) is not MemoryDirectory directory)
                return;
            Before(FileOperation.Delete, path);
            RefuseWhenOpen(path, directory);
            parent.Change(_track, (name, null));
        }
    }

    public void FlushDirectory(string path)
    {
        lock (Gate)
        {
            Before(FileOperation.FlushDirectory, path);
            Folder(path).Flush();
        }
    }

    public IDisposable? TryLock(string path)
    {
        Open(path, FileOpenMode.OpenOrCreate).Dispose();
        lock (Gate)
        {
            var key = string.Join('/', Parts(path));
            return _locks.Add(key) ? new HeldLock(this, key) : null;
        }
    }

    public virtual long FreeBytes(string directory) => long.MaxValue;

    public virtual long TotalBytes(string directory) => long.MaxValue;

    /// <summary>Called before every operation, to fail it.</summary>
    private protected virtual void Before(FileOperation operation, string path)
    {
    }

    /// <summary>How many of these bytes may be written; the rest fails as <see cref="AfterPartialWrite"/> says.</summary>
    private protected virtual int AllowWrite(string path, long currentLength, long position, int count) => count;

    private protected virtual void AfterPartialWrite(string path) => throw new DiskFullException(path);

    private protected virtual void FailFlush(string path, MemoryFileNode file)
    {
    }

    private protected void Forget()
    {
        Life++;
        _locks.Clear();
    }

    private protected MemoryNode? Find(string path)
    {
        MemoryNode? node = Root;
        foreach (var part in Parts(path))
            node = (node as MemoryDirectory)?.Entries.GetValueOrDefault(part);
        return node;
    }

    private static string[] Parts(string path) =>
        path == "." ? [] : path.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private MemoryDirectory Folder(string path) =>
        Find(path) as MemoryDirectory ?? throw new DirectoryNotFoundException($"{path} does not exist");

    private (MemoryDirectory Parent, string Name) Parent(string path)
    {
        var parts = Parts(path);
        if (parts.Length == 0)
            throw new IOException("The root is no file");
        var directory = Root;
        for (var i = 0; i < parts.Length - 1; i++)
        {
            directory = directory.Entries.GetValueOrDefault(parts[i]) as MemoryDirectory
                ?? throw new DirectoryNotFoundException($"{path}: its folder does not exist");
        }

        return (directory, parts[^1]);
    }

    private void Move(MemoryDirectory from, string fromName, MemoryDirectory to, string toName, MemoryNode node)
    {
        if (ReferenceEquals(from, to))
        {
            from.Change(_track, (fromName, null), (toName, node));
            return;
        }

        to.Change(_track, (toName, node));
        from.Change(_track, (fromName, null));
    }

    private static void RefuseWhenOpen(string path, MemoryNode? node)
    {
        if (node is MemoryFileNode { OpenHandles: > 0 })
            throw new IOException($"{path} is open");
        if (node is not MemoryDirectory directory)
            return;
        foreach (var (name, child) in directory.Entries)
            RefuseWhenOpen(Path.Combine(path, name), child);
    }

    private sealed class HeldLock(MemoryFileSystem files, string key) : IDisposable
    {
        private readonly int _life = files.Life;

        public void Dispose()
        {
            lock (files.Gate)
            {
                if (_life == files.Life)
                    files._locks.Remove(key);
            }
        }
    }

    private sealed class OpenFile(MemoryFileSystem files, string path, MemoryFileNode file, bool writable) : IFile
    {
        private readonly int _life = files.Life;
        private bool _disposed;

        public SafeFileHandle? Handle => null;

        public long Length
        {
            get
            {
                Check(FileOperation.Read);
                return file.Length;
            }
        }

        public int Read(Span<byte> buffer, long position)
        {
            Check(FileOperation.Read);
            return file.Read(buffer, position);
        }

        public void Write(ReadOnlySpan<byte> bytes, long position)
        {
            Check(FileOperation.Write);
            var allowed = files.AllowWrite(path, file.Length, position, bytes.Length);
            file.Write(bytes[..allowed], position);
            file.LastModified = files._time.GetUtcNow();
            if (allowed < bytes.Length)
                files.AfterPartialWrite(path);
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long position)
        {
            for (var i = 0; i < buffers.Count; i++)
            {
                Write(buffers[i].Span, position);
                position += buffers[i].Length;
            }
        }

        public void SetLength(long length)
        {
            Check(FileOperation.SetLength);
            file.SetLength(length);
            file.LastModified = files._time.GetUtcNow();
        }

        public void Flush()
        {
            Check(FileOperation.Flush);
            files.FailFlush(path, file);
            file.Flush();
        }

        public void Dispose()
        {
            lock (files.Gate)
            {
                if (_disposed)
                    return;
                _disposed = true;
                if (_life == files.Life)
                    file.OpenHandles--;
            }
        }

        private void Check(FileOperation operation)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_life != files.Life)
                throw new IOException($"{path}: the machine crashed since it was opened");
            if (!writable && operation is (FileOperation.Write or FileOperation.SetLength))
                throw new UnauthorizedAccessException($"{path} is open for reading only");
            files.Before(operation, path);
        }
    }
}

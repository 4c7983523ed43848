namespace ActorBroker.Log;

/// <summary>What a fault can be aimed at.</summary>
public enum FileOperation
{
    Open,
    Read,
    Write,
    SetLength,
    Flush,
    FlushDirectory,
    Move,
    Delete,
    List,
}

/// <summary>What a power loss leaves of bytes and names that were not flushed.</summary>
public enum CrashMode
{
    /// <summary>None of them.</summary>
    LoseAll,

    /// <summary>Per file and folder, the first of the changes; the next write is torn.</summary>
    KeepPrefix,

    /// <summary>Any 512-byte pages of them, in no order: files may have holes of zeros.</summary>
    KeepAnyPages,
}

/// <summary>
/// The simulator's disk: files in memory that lose what was not flushed, fill up, and fail on demand. All chance comes from
/// the seed.
/// </summary>
public sealed class SimulatedFileSystem(int seed, TimeProvider? time = null) : MemoryFileSystem(time ?? TimeProvider.System, trackUnflushed: true)
{
    private readonly Random _random = new(seed);
    private readonly List<Fault> _faults = [];

    /// <summary>What all files together may hold.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    public long UsedBytes
    {
        get
        {
            lock (Gate)
                return Used(Root);
        }
    }

    public override long FreeBytes(string directory) =>
        CapacityBytes == long.MaxValue ? long.MaxValue : Math.Max(0, CapacityBytes - UsedBytes);

    public override long TotalBytes(string directory) => CapacityBytes;

    /// <summary>
    /// The next <paramref name="times"/> such operations on paths that hold this text fail. A failed write leaves a part of its
    /// bytes, a failed flush loses what it should have saved though reads still show it.
    /// </summary>
    public void FailNext(FileOperation operation, string pathContains = "", int times = 1)
    {
        lock (Gate)
            _faults.Add(new Fault(operation, pathContains) { Left = times });
    }

    public void StopFailing()
    {
        lock (Gate)
            _faults.Clear();
    }

    /// <summary>
    /// The machine stops: so many more operations that change something succeed, and all others fail until
    /// <see cref="Crash"/>. Null: it does not stop.
    /// </summary>
    public long? ChangesLeft { get; set; }

    /// <summary>Power loss and restart: open handles and locks are dead, and only what was flushed is left, or a bit more by mode.</summary>
    public void Crash(CrashMode mode = CrashMode.LoseAll)
    {
        lock (Gate)
        {
            Forget();
            ChangesLeft = null;
            Crash(Root, mode);
        }
    }

    /// <summary>Bit rot: flips these bits of one stored byte.</summary>
    public void Damage(string path, long position, byte mask = 1)
    {
        lock (Gate)
        {
            var file = Find(path) as MemoryFileNode ?? throw new FileNotFoundException($"{path} does not exist", path);
            file.Damage(position, mask);
        }
    }

    private protected override void Before(FileOperation operation, string path)
    {
        if (ChangesLeft is { } left && operation is not (FileOperation.Read or FileOperation.List))
        {
            if (left == 0)
                throw new IOException($"{path}: the machine has stopped");
            ChangesLeft = left - 1;
        }

        if (operation is FileOperation.Write or FileOperation.Flush)
            return;
        if (TakeFault(operation, path))
            throw new IOException($"{path}: simulated fault of {operation}");
    }

    private protected override int AllowWrite(string path, long currentLength, long position, int count)
    {
        if (TakeFault(FileOperation.Write, path))
        {
            lock (Gate)
                return _random.Next(count);
        }

        if (CapacityBytes == long.MaxValue)
            return count;
        var growth = Math.Max(0, position + count - currentLength);
        var excess = growth - FreeBytes(path);
        return excess <= 0 ? count : (int)Math.Max(0, count - excess);
    }

    private protected override void AfterPartialWrite(string path)
    {
        if (CapacityBytes != long.MaxValue && FreeBytes(path) == 0)
            throw new DiskFullException(path);
        throw new IOException($"{path}: simulated fault of {FileOperation.Write}");
    }

    private protected override void FailFlush(string path, MemoryFileNode file)
    {
        if (!TakeFault(FileOperation.Flush, path))
            return;
        file.LoseUnflushed();
        throw new IOException($"{path}: simulated fault of {FileOperation.Flush}");
    }

    private void Crash(MemoryDirectory directory, CrashMode mode)
    {
        directory.Crash(mode == CrashMode.LoseAll ? 0 : _random.Next(directory.Unflushed.Count + 1));
        foreach (var node in directory.Entries.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => e.Value))
        {
            if (node is MemoryDirectory child)
                Crash(child, mode);
            else
                ((MemoryFileNode)node).Crash(mode, _random);
        }
    }

    private bool TakeFault(FileOperation operation, string path)
    {
        lock (Gate)
        {
            foreach (var fault in _faults)
            {
                if (fault.Operation != operation || !path.Contains(fault.PathContains, StringComparison.Ordinal))
                    continue;
                if (--fault.Left == 0)
                    _faults.Remove(fault);
                return true;
            }

            return false;
        }
    }

    private static long Used(MemoryDirectory directory)
    {
        long total = 0;
        foreach (var node in directory.Entries.Values)
            total += node is MemoryDirectory child ? Used(child) : ((MemoryFileNode)node).Length;
        return total;
    }

    private sealed record Fault(FileOperation Operation, string PathContains)
    {
        public int Left { get; set; }
    }
}

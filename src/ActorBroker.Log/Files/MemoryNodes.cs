namespace ActorBroker.Log;

/// <summary>A file or folder of <see cref="MemoryFileSystem"/>. Guarded by the file system's lock.</summary>
internal abstract class MemoryNode;

/// <summary>
/// A folder: names as seen now and names that survive a power loss. A change is one step of <see cref="Unflushed"/>; a
/// rename is one change of two names, so it happens whole or not at all.
/// </summary>
internal sealed class MemoryDirectory : MemoryNode
{
    private Dictionary<string, MemoryNode> _durable = new(StringComparer.Ordinal);

    public Dictionary<string, MemoryNode> Entries { get; private set; } = new(StringComparer.Ordinal);

    public List<(string Name, MemoryNode? Node)[]> Unflushed { get; } = [];

    public void Change(bool track, params (string Name, MemoryNode? Node)[] names)
    {
        Apply(Entries, names);
        if (track)
            Unflushed.Add(names);
    }

    public void Flush()
    {
        foreach (var change in Unflushed)
            Apply(_durable, change);
        Unflushed.Clear();
    }

    /// <summary>Power loss: only the first of the unflushed changes may have reached the device.</summary>
    public void Crash(int survivingChanges)
    {
        for (var i = 0; i < survivingChanges; i++)
            Apply(_durable, Unflushed[i]);
        Unflushed.Clear();
        Entries = new Dictionary<string, MemoryNode>(_durable, StringComparer.Ordinal);
    }

    private static void Apply(Dictionary<string, MemoryNode> names, (string Name, MemoryNode? Node)[] change)
    {
        foreach (var (name, node) in change)
        {
            if (node is null)
                names.Remove(name);
            else
                names[name] = node;
        }
    }
}

/// <summary>A file: bytes as seen now, and, where crashes are simulated, bytes on the device plus the writes not flushed yet.</summary>
internal sealed class MemoryFileNode(bool track, DateTimeOffset created) : MemoryNode
{
    private readonly Image _now = new();
    private readonly Image _durable = new();
    private readonly List<Change> _unflushed = [];

    /// <summary>A write of these bytes, or a new length when there are none.</summary>
    private readonly record struct Change(long Position, byte[]? Bytes);

    public int OpenHandles { get; set; }

    public DateTimeOffset LastModified { get; set; } = created;

    public long Length
    {
        get
        {
            lock (_now)
                return _now.Length;
        }
    }

    public int Read(Span<byte> buffer, long position)
    {
        lock (_now)
            return _now.Read(buffer, position);
    }

    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        lock (_now)
        {
            _now.Write(bytes, position);
            if (track)
                _unflushed.Add(new Change(position, bytes.ToArray()));
        }
    }

    public void SetLength(long length)
    {
        lock (_now)
        {
            _now.SetLength(length);
            if (track)
                _unflushed.Add(new Change(length, null));
        }
    }

    public void Flush()
    {
        lock (_now)
        {
            foreach (var change in _unflushed)
                Apply(change);
            _unflushed.Clear();
        }
    }

    /// <summary>A failed flush: the kernel forgets that these pages were dirty, so no later flush writes them.</summary>
    public void LoseUnflushed()
    {
        lock (_now)
            _unflushed.Clear();
    }

    /// <summary>Flips bits in place, on the device too: bit rot.</summary>
    public void Damage(long position, byte mask)
    {
        lock (_now)
        {
            _now.Xor(position, mask);
            _durable.Xor(position, mask);
        }
    }

    public void Crash(CrashMode mode, Random random)
    {
        lock (_now)
        {
            if (mode == CrashMode.KeepPrefix)
                KeepPrefix(random);
            else if (mode == CrashMode.KeepAnyPages)
                KeepAnyPages(random);
            _unflushed.Clear();
            _now.CopyFrom(_durable);
            OpenHandles = 0;
        }
    }

    private void KeepPrefix(Random random)
    {
        var keep = random.Next(_unflushed.Count + 1);
        for (var i = 0; i < keep; i++)
            Apply(_unflushed[i]);
        if (keep < _unflushed.Count && _unflushed[keep].Bytes is { } torn)
            _durable.Write(torn.AsSpan(0, random.Next(torn.Length + 1)), _unflushed[keep].Position);
    }

    private void KeepAnyPages(Random random)
    {
        const int Page = 512;
        foreach (var change in _unflushed)
        {
            if (change.Bytes is not { } bytes)
            {
                if (random.Next(2) == 0)
                    Apply(change);
                continue;
            }

            for (var at = 0; at < bytes.Length; at += Page)
            {
                if (random.Next(2) == 0)
                    _durable.Write(bytes.AsSpan(at, Math.Min(Page, bytes.Length - at)), change.Position + at);
            }
        }
    }

    private void Apply(Change change)
    {
        if (change.Bytes is { } bytes)
            _durable.Write(bytes, change.Position);
        else
            _durable.SetLength(change.Position);
    }

    private sealed class Image
    {
        private byte[] _bytes = [];

        public int Length { get; private set; }

        public int Read(Span<byte> buffer, long position)
        {
            if (position >= Length)
                return 0;
            var count = (int)Math.Min(buffer.Length, Length - position);
            _bytes.AsSpan((int)position, count).CopyTo(buffer);
            return count;
        }

        public void Write(ReadOnlySpan<byte> bytes, long position)
        {
            var end = checked((int)(position + bytes.Length));
            if (end > Length)
                SetLength(end);
            bytes.CopyTo(_bytes.AsSpan((int)position));
        }

        public void SetLength(long length)
        {
            var wanted = checked((int)length);
            if (wanted > _bytes.Length)
                Array.Resize(ref _bytes, Math.Max(wanted, (int)Math.Min(_bytes.Length * 2L, Array.MaxLength)));
            if (wanted < Length)
                _bytes.AsSpan(wanted, Length - wanted).Clear();
            Length = wanted;
        }

        public void Xor(long position, byte mask)
        {
            if (position < Length)
                _bytes[position] ^= mask;
        }

        public void CopyFrom(Image other)
        {
            SetLength(0);
            SetLength(other.Length);
            other._bytes.AsSpan(0, other.Length).CopyTo(_bytes);
        }
    }
}

namespace ActorBroker.Log;

/// <summary>
/// Fixed-size entries in a file, appended by one writer and read by any thread. The newest entries stay in memory until a page
/// of them is full or <see cref="WriteOut"/> is called; older ones are read by pages, of which the last one used is
/// kept. So an idle index costs next to nothing and a busy one two pages, however large the file.
/// <para>Callers hold the segment open (<see cref="LogSegment.Acquire"/>) around every call.</para>
/// </summary>
internal sealed class IndexFile(IFileSystem files, string path, int entrySize)
{
    private const int PageBytes = 4096;
    private readonly int _pageEntries = PageBytes / entrySize;
    private readonly Lock _opening = new();
    private Tail _tail = new(0, 0);
    private Page? _hot;
    private string _path = path;
    private IFile? _file;

    public string Path => _path;

    public int Count
    {
        get
        {
            var tail = Volatile.Read(ref _tail);
            return tail.Start + Volatile.Read(ref tail.Count);
        }
    }

    /// <summary>Takes what the file holds for sound up to this count of entries.</summary>
    public void Adopt(int count)
    {
        Volatile.Write(ref _hot, null);
        Volatile.Write(ref _tail, new Tail(count, 0));
    }

    public void Append(ReadOnlySpan<byte> entry)
    {
        var tail = _tail;
        if (tail.Count == _pageEntries)
        {
            WriteOut();
            Volatile.Write(ref _tail, tail = new Tail(tail.Start + tail.Count, 0));
        }

        var needed = (tail.Count + 1) * entrySize;
        if (tail.Bytes.Length < needed)
        {
            // Readers of the smaller array see the same entries in it.
            var grown = tail.Bytes;
            Array.Resize(ref grown, Math.Min(PageBytes, Math.Max(needed, grown.Length * 2)));
            tail.Bytes = grown;
        }

        entry.CopyTo(tail.Bytes.AsSpan(tail.Count * entrySize));
        Volatile.Write(ref tail.Count, tail.Count + 1);
    }

    public void Read(int index, Span<byte> entry)
    {
        var tail = Volatile.Read(ref _tail);
        if (index >= tail.Start)
        {
            tail.Bytes.AsSpan((index - tail.Start) * entrySize, entrySize).CopyTo(entry);
            return;
        }

        if (Volatile.Read(ref _hot) is { } hot && hot.Holds(index))
            hot.Entry(index, entrySize).CopyTo(entry);
        else if (File().Read(entry[..entrySize], (long)index * entrySize) != entrySize)
            throw new LogCorruptException(_path, (long)index * entrySize, "the index ends early");
    }

    /// <summary>Loads the page of this entry, so that its neighbours are read from memory.</summary>
    public (int First, int Count) LoadPage(int index)
    {
        var tail = Volatile.Read(ref _tail);
        if (Volatile.Read(ref _hot) is { } hot && hot.Holds(index))
            return (hot.First, hot.Count);
        var first = index / _pageEntries * _pageEntries;
        var count = Math.Min(_pageEntries, tail.Start - first);
        var bytes = new byte[count * entrySize];
        if (File().Read(bytes, (long)first * entrySize) != bytes.Length)
            throw new LogCorruptException(_path, (long)first * entrySize, "the index ends early");
        Volatile.Write(ref _hot, new Page(first, count, bytes));
        return (first, count);
    }

    public int PageEntries => _pageEntries;

    /// <summary>The first entry that is in memory for sure.</summary>
    public int TailStart => Volatile.Read(ref _tail).Start;

    /// <summary>The entries of the page read last; none when there is none.</summary>
    public (int First, int Count) HotPage => Volatile.Read(ref _hot) is { } hot ? (hot.First, hot.Count) : default;

    /// <summary>Puts all entries into the file, which exists afterwards even when there are none.</summary>
    public void WriteOut()
    {
        var tail = _tail;
        var file = File();
        if (tail.Written == tail.Count)
            return;
        file.Write(tail.Bytes.AsSpan(tail.Written * entrySize, (tail.Count - tail.Written) * entrySize), (long)(tail.Start + tail.Written) * entrySize);
        tail.Written = tail.Count;
    }

    public void Flush() => File().Flush();

    /// <summary>Keeps the first entries; the file is cut to what it then holds.</summary>
    public void Truncate(int count)
    {
        var tail = _tail;
        if (count < tail.Start)
        {
            Adopt(count);
            File().SetLength((long)count * entrySize);
            return;
        }

        var keep = new Tail(tail.Start, count - tail.Start) { Bytes = tail.Bytes.ToArray(), Written = Math.Min(tail.Written, count - tail.Start) };
        Volatile.Write(ref _tail, keep);
        var file = File();
        var length = (long)(keep.Start + keep.Written) * entrySize;
        if (file.Length > length)
            file.SetLength(length);
    }

    /// <summary>Forgets the cached page and closes the file; only while nobody holds the segment.</summary>
    public void Close()
    {
        _hot = null;
        _file?.Dispose();
        _file = null;
    }

    /// <summary>Gives the file another name; only while nobody holds the segment.</summary>
    public void Move(string path)
    {
        if (path == _path)
            return;
        Close();
        files.MoveFile(_path, path);
        _path = path;
    }

    private IFile File()
    {
        if (Volatile.Read(ref _file) is { } open)
            return open;
        lock (_opening)
            return _file ??= files.Open(_path, FileOpenMode.OpenOrCreate);
    }

    /// <summary>Entries from <see cref="Start"/> on; all before them are in the file.</summary>
    private sealed class Tail(int start, int count)
    {
        public readonly int Start = start;
        public int Count = count;
        public volatile byte[] Bytes = [];

        /// <summary>How many of these are in the file too. The writer's.</summary>
        public int Written;
    }

    private sealed record Page(int First, int Count, byte[] Bytes)
    {
        public bool Holds(int index) => index >= First && index < First + Count;

        public ReadOnlySpan<byte> Entry(int index, int entrySize) => Bytes.AsSpan((index - First) * entrySize, entrySize);
    }
}

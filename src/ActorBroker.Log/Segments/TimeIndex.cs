using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>
/// Sparse map from times to offsets. Entry, big endian: timestamp (i64), offset minus the segment's base (i32). It says: the highest
/// timestamp up to and with the batch that ends at this offset is this one. Both columns ascend, timestamps strictly.
/// </summary>
internal sealed class TimeIndex
{
    public const int EntrySize = 12;
    private const long NotRead = long.MinValue;
    private readonly Offset _baseOffset;
    private readonly Func<int, long> _key;
    private long _lastTimestamp = NotRead;

    public TimeIndex(IFileSystem files, string path, Offset baseOffset)
    {
        _baseOffset = baseOffset;
        _key = index => Entry(index).Timestamp;
        File = new IndexFile(files, path, EntrySize);
    }

    public IndexFile File { get; }

    public int Count => File.Count;

    /// <summary>Adds the entry unless it says nothing new.</summary>
    public void AppendIfLater(long timestamp, Offset offset)
    {
        if (_lastTimestamp == NotRead)
            _lastTimestamp = Count == 0 ? -1 : Entry(Count - 1).Timestamp;
        if (timestamp <= _lastTimestamp)
            return;
        Span<byte> entry = stackalloc byte[EntrySize];
        BinaryPrimitives.WriteInt64BigEndian(entry, timestamp);
        BinaryPrimitives.WriteInt32BigEndian(entry[8..], checked((int)(offset - _baseOffset)));
        File.Append(entry);
        _lastTimestamp = timestamp;
    }

    public (long Timestamp, Offset Offset) Entry(int index)
    {
        Span<byte> entry = stackalloc byte[EntrySize];
        File.Read(index, entry);
        return (BinaryPrimitives.ReadInt64BigEndian(entry), _baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry[8..]));
    }

    /// <summary>An offset at or before the first batch with this timestamp or a later one.</summary>
    public Offset Lookup(long timestamp)
    {
        var index = IndexSearch.LastAtMost(File, _key, timestamp);
        return index < 0 ? _baseOffset : Entry(index).Offset;
    }

    /// <summary>Drops the entries at this offset and beyond.</summary>
    public void TruncateToOffset(Offset offset)
    {
        var keep = IndexSearch.LastAtMost(File, index => Entry(index).Offset.Value, offset.Value - 1) + 1;
        if (keep < Count)
            File.Truncate(keep);
        _lastTimestamp = NotRead;
    }

    public void Clear()
    {
        File.Truncate(0);
        _lastTimestamp = NotRead;
    }
}

using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>
/// Sparse map from offsets to byte positions. Entry, big endian: offset minus the segment's base (i32), position (i32). An entry
/// names the last offset of the batch that starts at the position; entries ascend.
/// </summary>
internal sealed class OffsetIndex
{
    public const int EntrySize = 8;
    private readonly Offset _baseOffset;
    private readonly Func<int, long> _key;

    public OffsetIndex(IFileSystem files, string path, Offset baseOffset)
    {
        _baseOffset = baseOffset;
        _key = index => Entry(index).Offset.Value;
        File = new IndexFile(files, path, EntrySize);
    }

    public IndexFile File { get; }

    public int Count => File.Count;

    public void Append(Offset lastOffset, long position)
    {
        Span<byte> entry = stackalloc byte[EntrySize];
        BinaryPrimitives.WriteInt32BigEndian(entry, checked((int)(lastOffset - _baseOffset)));
        BinaryPrimitives.WriteInt32BigEndian(entry[4..], checked((int)position));
        File.Append(entry);
    }

    public (Offset Offset, int Position) Entry(int index)
    {
        Span<byte> entry = stackalloc byte[EntrySize];
        File.Read(index, entry);
        return (_baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry), BinaryPrimitives.ReadInt32BigEndian(entry[4..]));
    }

    /// <summary>A position at or before the batch that holds the offset; 0 when the index knows none.</summary>
    public int Lookup(Offset target)
    {
        var index = IndexSearch.LastAtMost(File, _key, target.Value);
        return index < 0 ? 0 : Entry(index).Position;
    }

    /// <summary>Drops the entries whose batch starts at this position or later.</summary>
    public void TruncateToPosition(long position)
    {
        var keep = IndexSearch.LastAtMost(File, index => Entry(index).Position, position - 1) + 1;
        if (keep < Count)
            File.Truncate(keep);
    }
}

using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>What a snapshot file keeps of one idempotent producer.</summary>
/// <param name="OffsetDelta">Last offset minus first offset of its last batch.</param>
/// <param name="CurrentTransactionFirstOffset">-1 outside a transaction.</param>
public readonly record struct ProducerSnapshotEntry(
    ProducerId ProducerId,
    ProducerEpoch Epoch,
    int LastSequence,
    Offset LastOffset,
    int OffsetDelta,
    long TimestampMs,
    int CoordinatorEpoch,
    Offset CurrentTransactionFirstOffset);

/// <summary>
/// The file NNNNNNNNNNNNNNNNNNNN.snapshot: the producers' state before the offset in its name. Big endian:
/// <code>
/// version i16 = 1 | CRC-32C of all behind it u32 | count i32 | count times
///   producer id i64 | epoch i16 | last sequence i32 | last offset i64 | offset delta i32
///   timestamp i64 | coordinator epoch i32 | current transaction's first offset i64
/// </code>
/// </summary>
public static class ProducerSnapshotFile
{
    private const short Version = 1;
    private const int CrcAt = 2;
    private const int CountAt = 6;
    private const int EntriesAt = 10;
    private const int EntrySize = 46;

    public static byte[] Encode(IReadOnlyList<ProducerSnapshotEntry> entries)
    {
        var bytes = new byte[EntriesAt + (entries.Count * EntrySize)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(CountAt), entries.Count);
        for (var i = 0; i < entries.Count; i++)
            Encode(bytes.AsSpan(EntriesAt + (i * EntrySize), EntrySize), entries[i]);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(CrcAt), Crc32C.Compute(bytes.AsSpan(CountAt)));
        return bytes;
    }

    /// <summary>False with the reason when the bytes are not a sound snapshot.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out IReadOnlyList<ProducerSnapshotEntry> entries, out string reason)
    {
        entries = [];
        reason = Check(bytes);
        if (reason.Length > 0)
            return false;
        var decoded = new ProducerSnapshotEntry[BinaryPrimitives.ReadInt32BigEndian(bytes[CountAt..])];
        for (var i = 0; i < decoded.Length; i++)
            decoded[i] = Decode(bytes.Slice(EntriesAt + (i * EntrySize), EntrySize));
        entries = decoded;
        return true;
    }

    private static string Check(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < EntriesAt)
            return "too short";
        var version = BinaryPrimitives.ReadInt16BigEndian(bytes);
        if (version != Version)
            return $"its version is {version}, not {Version}";
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes[CrcAt..]) != Crc32C.Compute(bytes[CountAt..]))
            return "its checksum does not match";
        var count = BinaryPrimitives.ReadInt32BigEndian(bytes[CountAt..]);
        return count < 0 || bytes.Length != EntriesAt + ((long)count * EntrySize) ? "its length does not fit its count" : "";
    }

    private static void Encode(Span<byte> target, in ProducerSnapshotEntry entry)
    {
        BinaryPrimitives.WriteInt64BigEndian(target, entry.ProducerId.Value);
        BinaryPrimitives.WriteInt16BigEndian(target[8..], entry.Epoch.Value);
        BinaryPrimitives.WriteInt32BigEndian(target[10..], entry.LastSequence);
        BinaryPrimitives.WriteInt64BigEndian(target[14..], entry.LastOffset.Value);
        BinaryPrimitives.WriteInt32BigEndian(target[22..], entry.OffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(target[26..], entry.TimestampMs);
        BinaryPrimitives.WriteInt32BigEndian(target[34..], entry.CoordinatorEpoch);
        BinaryPrimitives.WriteInt64BigEndian(target[38..], entry.CurrentTransactionFirstOffset.Value);
    }

    private static ProducerSnapshotEntry Decode(ReadOnlySpan<byte> source) => new(
        new ProducerId(BinaryPrimitives.ReadInt64BigEndian(source)),
        new ProducerEpoch(BinaryPrimitives.ReadInt16BigEndian(source[8..])),
        BinaryPrimitives.ReadInt32BigEndian(source[10..]),
        new Offset(BinaryPrimitives.ReadInt64BigEndian(source[14..])),
        BinaryPrimitives.ReadInt32BigEndian(source[22..]),
        BinaryPrimitives.ReadInt64BigEndian(source[26..]),
        BinaryPrimitives.ReadInt32BigEndian(source[34..]),
        new Offset(BinaryPrimitives.ReadInt64BigEndian(source[38..])));
}

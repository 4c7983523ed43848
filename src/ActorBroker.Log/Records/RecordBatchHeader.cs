using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>The bits of a batch's attributes that say how its records are packed.</summary>
public enum CompressionType
{
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

/// <summary>Who set the timestamps of a batch.</summary>
public enum TimestampType
{
    CreateTime = 0,
    LogAppendTime = 1,
}

/// <summary>
/// The 61 bytes before a record batch's records (format v2, big endian):
/// <code>
///  0 base offset      i64 | 23 last offset delta i32
///  8 length after it  i32 | 27 base timestamp    i64
/// 12 leader epoch     i32 | 35 max timestamp     i64
/// 16 magic = 2         i8 | 43 producer id       i64
/// 17 CRC-32C of 21..  u32 | 51 producer epoch    i16
/// 21 attributes       i16 | 53 base sequence     i32
///                         | 57 record count      i32
/// </code>
/// Base offset and leader epoch lie before the checksummed part: the leader sets them without computing it anew.
/// </summary>
public readonly record struct RecordBatchHeader
{
    public const int Size = 61;
    public const byte CurrentMagic = 2;

    /// <summary>Bytes before those that the length field counts.</summary>
    public const int LengthPrefix = 12;

    public const int BaseOffsetAt = 0;
    public const int LengthAt = 8;
    public const int LeaderEpochAt = 12;
    public const int MagicAt = 16;
    public const int CrcAt = 17;
    public const int AttributesAt = 21;
    public const int LastOffsetDeltaAt = 23;
    public const int BaseTimestampAt = 27;
    public const int MaxTimestampAt = 35;
    public const int ProducerIdAt = 43;
    public const int ProducerEpochAt = 51;
    public const int BaseSequenceAt = 53;
    public const int RecordCountAt = 57;

    private const short TimestampTypeBit = 1 << 3;
    private const short TransactionalBit = 1 << 4;
    private const short ControlBit = 1 << 5;
    private const short DeleteHorizonBit = 1 << 6;

    public Offset BaseOffset { get; init; }

    /// <summary>As stored: bytes behind the length field. See <see cref="SizeInBytes"/>.</summary>
    public int BatchLength { get; init; }

    public LeaderEpoch PartitionLeaderEpoch { get; init; }

    public byte Magic { get; init; }

    public uint Crc { get; init; }

    public short Attributes { get; init; }

    public int LastOffsetDelta { get; init; }

    /// <summary>Milliseconds since 1970 UTC, as all timestamps here; -1 is none.</summary>
    public long BaseTimestamp { get; init; }

    public long MaxTimestamp { get; init; }

    public ProducerId ProducerId { get; init; }

    public ProducerEpoch ProducerEpoch { get; init; }

    public int BaseSequence { get; init; }

    public int RecordCount { get; init; }

    /// <summary>The whole batch, header included. Beyond int.MaxValue only in garbage.</summary>
    public long SizeInBytes => (long)BatchLength + LengthPrefix;

    public Offset LastOffset => BaseOffset + LastOffsetDelta;

    public Offset NextOffset => BaseOffset + (LastOffsetDelta + 1L);

    public int LastSequence => BaseSequence < 0 ? BaseSequence : AddSequence(BaseSequence, LastOffsetDelta);

    public CompressionType Compression => (CompressionType)(Attributes & 7);

    public TimestampType TimestampType => (Attributes & TimestampTypeBit) != 0 ? TimestampType.LogAppendTime : TimestampType.CreateTime;

    public bool IsTransactional => (Attributes & TransactionalBit) != 0;

    public bool IsControl => (Attributes & ControlBit) != 0;

    /// <summary>BaseTimestamp then holds the time from which tombstones may go.</summary>
    public bool HasDeleteHorizon => (Attributes & DeleteHorizonBit) != 0;

    public bool IsIdempotent => ProducerId.Value >= 0;

    /// <summary>Sequences wrap from int.MaxValue to 0.</summary>
    public static int AddSequence(int sequence, int count)
    {
        var sum = (long)sequence + count;
        return (int)(sum > int.MaxValue ? sum - int.MaxValue - 1 : sum);
    }

    public static short MakeAttributes(CompressionType compression, TimestampType timestampType, bool isTransactional, bool isControl) =>
        (short)((int)compression
            | (timestampType == TimestampType.LogAppendTime ? TimestampTypeBit : 0)
            | (isTransactional ? TransactionalBit : 0)
            | (isControl ? ControlBit : 0));

    public static short WithDeleteHorizon(short attributes) => (short)(attributes | DeleteHorizonBit);

    /// <summary>Decodes without judging; false only when there are fewer than 61 bytes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out RecordBatchHeader header)
    {
        if (bytes.Length < Size)
        {
            header = default;
            return false;
        }

        header = new RecordBatchHeader
        {
            BaseOffset = new Offset(BinaryPrimitives.ReadInt64BigEndian(bytes)),
            BatchLength = BinaryPrimitives.ReadInt32BigEndian(bytes[LengthAt..]),
            PartitionLeaderEpoch = new LeaderEpoch(BinaryPrimitives.ReadInt32BigEndian(bytes[LeaderEpochAt..])),
            Magic = bytes[MagicAt],
            Crc = BinaryPrimitives.ReadUInt32BigEndian(bytes[CrcAt..]),
            Attributes = BinaryPrimitives.ReadInt16BigEndian(bytes[AttributesAt..]),
            LastOffsetDelta = BinaryPrimitives.ReadInt32BigEndian(bytes[LastOffsetDeltaAt..]),
            BaseTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[BaseTimestampAt..]),
            MaxTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[MaxTimestampAt..]),
            ProducerId = new ProducerId(BinaryPrimitives.ReadInt64BigEndian(bytes[ProducerIdAt..])),
            ProducerEpoch = new ProducerEpoch(BinaryPrimitives.ReadInt16BigEndian(bytes[ProducerEpochAt..])),
            BaseSequence = BinaryPrimitives.ReadInt32BigEndian(bytes[BaseSequenceAt..]),
            RecordCount = BinaryPrimitives.ReadInt32BigEndian(bytes[RecordCountAt..]),
        };
        return true;
    }

    /// <summary>Writes all 61 bytes as they stand, the checksum field included.</summary>
    public void WriteTo(Span<byte> target)
    {
        BinaryPrimitives.WriteInt64BigEndian(target, BaseOffset.Value);
        BinaryPrimitives.WriteInt32BigEndian(target[LengthAt..], BatchLength);
        BinaryPrimitives.WriteInt32BigEndian(target[LeaderEpochAt..], PartitionLeaderEpoch.Value);
        target[MagicAt] = Magic;
        BinaryPrimitives.WriteUInt32BigEndian(target[CrcAt..], Crc);
        BinaryPrimitives.WriteInt16BigEndian(target[AttributesAt..], Attributes);
        BinaryPrimitives.WriteInt32BigEndian(target[LastOffsetDeltaAt..], LastOffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(target[BaseTimestampAt..], BaseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(target[MaxTimestampAt..], MaxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(target[ProducerIdAt..], ProducerId.Value);
        BinaryPrimitives.WriteInt16BigEndian(target[ProducerEpochAt..], ProducerEpoch.Value);
        BinaryPrimitives.WriteInt32BigEndian(target[BaseSequenceAt..], BaseSequence);
        BinaryPrimitives.WriteInt32BigEndian(target[RecordCountAt..], RecordCount);
    }

    public static void PatchBaseOffset(Span<byte> batch, Offset baseOffset) =>
        BinaryPrimitives.WriteInt64BigEndian(batch, baseOffset.Value);

    public static void PatchLeaderEpoch(Span<byte> batch, LeaderEpoch epoch) =>
        BinaryPrimitives.WriteInt32BigEndian(batch[LeaderEpochAt..], epoch.Value);

    /// <summary>Says whose batch it is and which of that producer's records it holds; computes the checksum anew. Exactly one whole batch.</summary>
    public static void PatchProducer(Span<byte> batch, ProducerId id, ProducerEpoch epoch, int baseSequence)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch[ProducerIdAt..], id.Value);
        BinaryPrimitives.WriteInt16BigEndian(batch[ProducerEpochAt..], epoch.Value);
        BinaryPrimitives.WriteInt32BigEndian(batch[BaseSequenceAt..], baseSequence);
        PatchCrc(batch);
    }

    /// <summary>Marks the whole batch as stamped by the log at this time; computes the checksum anew. Exactly one whole batch.</summary>
    public static void PatchAppendTime(Span<byte> batch, long appendTimeMs)
    {
        var attributes = BinaryPrimitives.ReadInt16BigEndian(batch[AttributesAt..]);
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesAt..], (short)(attributes | TimestampTypeBit));
        BinaryPrimitives.WriteInt64BigEndian(batch[MaxTimestampAt..], appendTimeMs);
        PatchCrc(batch);
    }

    /// <summary>Computes the checksum and writes it. Exactly one whole batch.</summary>
    public static void PatchCrc(Span<byte> batch) =>
        BinaryPrimitives.WriteUInt32BigEndian(batch[CrcAt..], Crc32C.Compute(batch[AttributesAt..]));
}

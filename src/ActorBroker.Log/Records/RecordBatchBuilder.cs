using System.Text;

namespace ActorBroker.Log;

/// <summary>
/// Fills one record batch after the other. One owner, one thread. Nothing is allocated per record; the buffer is pooled
/// and goes back on <see cref="Dispose"/>.
/// </summary>
public sealed class RecordBatchBuilder : IDisposable
{
    private readonly CompressionType _compression;
    private readonly ICompressionCodec? _codec;
    private readonly PooledBuffer _plain;
    private PooledBuffer? _packed;

    /// <param name="maxBytes">The batch's size, header included and before compression, that a second record must not exceed.</param>
    public RecordBatchBuilder(int maxBytes, CompressionType compression = CompressionType.None, CompressionCodecs? codecs = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        MaxBytes = maxBytes;
        _compression = compression;
        if (compression != CompressionType.None && !(codecs ?? CompressionCodecs.Default).TryGet(compression, out _codec))
            throw new NotSupportedException($"Compression '{compression}' has no codec here.");
        _plain = new PooledBuffer(Math.Clamp(maxBytes, 256, 16 * 1024));
        Reset();
    }

    public int MaxBytes { get; }

    public int RecordCount { get; private set; }

    /// <summary>Header and records so far, before compression.</summary>
    public int SizeInBytes => _plain.Length;

    public bool IsEmpty => RecordCount == 0;

    public long BaseTimestamp { get; private set; }

    public long MaxTimestamp { get; private set; }

    public Offset BaseOffset { get; set; }

    public LeaderEpoch PartitionLeaderEpoch { get; set; }

    public ProducerId ProducerId { get; set; }

    public ProducerEpoch ProducerEpoch { get; set; }

    public int BaseSequence { get; set; }

    public bool IsTransactional { get; set; }

    public bool IsControl { get; set; }

    /// <summary>
    /// Adds a record. False, and nothing is added, when the batch would pass <see cref="MaxBytes"/>; the first record is
    /// always taken. Key, value and headers are copied. Beware: a null <c>byte[]</c> variable converts to an empty field, not to
    /// null; null is <c>default(ReadOnlyMemory&lt;byte&gt;?)</c>.
    /// </summary>
    public bool TryAppend(long timestampMs, ReadOnlyMemory<byte>? key, ReadOnlyMemory<byte>? value, ReadOnlySpan<RecordHeader> headers = default)
    {
        var baseTimestamp = RecordCount == 0 ? timestampMs : BaseTimestamp;
        var body = BodySize(timestampMs - baseTimestamp, RecordCount, key, value, headers);
        var total = body + Varint.SizeOf((int)Math.Min(body, int.MaxValue));
        if (body > int.MaxValue - 1024 || (RecordCount > 0 && _plain.Length + total > MaxBytes))
            return false;
        Write((int)body, (int)total, timestampMs - baseTimestamp, key, value, headers);
        BaseTimestamp = baseTimestamp;
        MaxTimestamp = RecordCount == 0 ? timestampMs : Math.Max(MaxTimestamp, timestampMs);
        RecordCount++;
        return true;
    }

    /// <summary>
    /// The finished batch, valid until the next call of any member; may be asked for again after the setters changed.
    /// At least one record is needed. What packing would not make smaller is left as it is, and says so.
    /// </summary>
    public Memory<byte> Build()
    {
        if (RecordCount == 0)
            throw new InvalidOperationException("A batch needs a record.");
        var (target, compression) = (_plain, CompressionType.None);
        if (_codec is not null)
        {
            _packed ??= new PooledBuffer(_plain.Length);
            _packed.SetLength(RecordBatchHeader.Size);
            _codec.Compress(_plain.WrittenSpan[RecordBatchHeader.Size..], _packed);
            if (_packed.Length < _plain.Length)
                (target, compression) = (_packed, _compression);
        }

        var bytes = target.MutableMemory;
        Header(bytes.Length, compression).WriteTo(bytes.Span);
        RecordBatchHeader.PatchCrc(bytes.Span);
        return bytes;
    }

    /// <summary>An empty batch again, with the producer, offsets and flags unset.</summary>
    public void Reset()
    {
        _plain.SetLength(RecordBatchHeader.Size);
        RecordCount = 0;
        BaseTimestamp = MaxTimestamp = -1;
        BaseOffset = Offset.Zero;
        PartitionLeaderEpoch = LeaderEpoch.None;
        ProducerId = ProducerId.None;
        ProducerEpoch = ProducerEpoch.None;
        BaseSequence = -1;
        IsTransactional = IsControl = false;
    }

    public void Dispose()
    {
        _plain.Dispose();
        _packed?.Dispose();
    }

    /// <summary>The most bytes that a batch of this one record takes uncompressed, header included.</summary>
    public static long SizeOfSingle(ReadOnlyMemory<byte>? key, ReadOnlyMemory<byte>? value, ReadOnlySpan<RecordHeader> headers = default)
    {
        var body = BodySize(0, 0, key, value, headers);
        return RecordBatchHeader.Size + body + Varint.SizeOf((int)Math.Min(body, int.MaxValue));
    }

    private RecordBatchHeader Header(int size, CompressionType compression) => new()
    {
        BaseOffset = BaseOffset,
        BatchLength = size - RecordBatchHeader.LengthPrefix,
        PartitionLeaderEpoch = PartitionLeaderEpoch,
        Magic = RecordBatchHeader.CurrentMagic,
        Attributes = RecordBatchHeader.MakeAttributes(compression, TimestampType.CreateTime, IsTransactional, IsControl),
        LastOffsetDelta = RecordCount - 1,
        BaseTimestamp = BaseTimestamp,
        MaxTimestamp = MaxTimestamp,
        ProducerId = ProducerId,
        ProducerEpoch = ProducerEpoch,
        BaseSequence = BaseSequence,
        RecordCount = RecordCount,
    };

    private static long BodySize(long timestampDelta, int offsetDelta, ReadOnlyMemory<byte>? key, ReadOnlyMemory<byte>? value, ReadOnlySpan<RecordHeader> headers)
    {
        var size = 1L + Varint.SizeOf(timestampDelta) + Varint.SizeOf(offsetDelta) + FieldSize(key) + FieldSize(value) + Varint.SizeOf(headers.Length);
        foreach (ref readonly var header in headers)
        {
            var keySize = Encoding.UTF8.GetByteCount(header.Key);
            size += Varint.SizeOf(keySize) + (long)keySize + FieldSize(header.Value);
        }

        return size;
    }

    private static long FieldSize(ReadOnlyMemory<byte>? field) =>
        field is { } bytes ? Varint.SizeOf(bytes.Length) + (long)bytes.Length : Varint.SizeOf(-1);

    private void Write(int body, int total, long timestampDelta, ReadOnlyMemory<byte>? key, ReadOnlyMemory<byte>? value, ReadOnlySpan<RecordHeader> headers)
    {
        var target = _plain.GetSpan(total)[..total];
        var at = Varint.Write(target, body);
        target[at++] = 0;
        at += Varint.Write(target[at..], timestampDelta);
        at += Varint.Write(target[at..], RecordCount);
        at += WriteField(target[at..], key);
        at += WriteField(target[at..], value);
        at += Varint.Write(target[at..], headers.Length);
        foreach (ref readonly var header in headers)
        {
            at += Varint.Write(target[at..], Encoding.UTF8.GetByteCount(header.Key));
            at += Encoding.UTF8.GetBytes(header.Key, target[at..]);
            at += WriteField(target[at..], header.Value);
        }

        _plain.Advance(at);
    }

    private static int WriteField(Span<byte> target, ReadOnlyMemory<byte>? field)
    {
        if (field is not { } bytes)
            return Varint.Write(target, -1);
        var at = Varint.Write(target, bytes.Length);
        bytes.Span.CopyTo(target[at..]);
        return at + bytes.Length;
    }
}

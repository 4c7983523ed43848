namespace ActorBroker.Log;

/// <summary>
/// Walks the records of one whole batch. Nothing is allocated for an uncompressed one; a compressed one is unpacked into a
/// pooled buffer, so dispose the enumerator (foreach does). Every length is checked before it is used.
/// </summary>
public ref struct RecordEnumerator
{
    /// <summary>What a compressed batch may unpack to unless the caller says otherwise.</summary>
    public const int DefaultMaxUnpackedBytes = 256 * 1024 * 1024;

    private readonly RecordBatchHeader _header;
    private readonly bool _appendTime;
    private readonly ReadOnlySpan<byte> _records;
    private PooledBuffer? _unpacked;
    private int _position;
    private int _index;
    private int _lastOffsetDelta;
    private Record _current;
    private int _recordAt;
    private int _fieldsAt;

    /// <summary>Opens a batch; <see cref="Fault"/> tells what is wrong with it, then there are no records.</summary>
    public RecordEnumerator(ReadOnlySpan<byte> batch, CompressionCodecs? codecs = null, int maxUnpackedBytes = DefaultMaxUnpackedBytes)
    {
        _lastOffsetDelta = -1;
        Fault = RecordBatchValidator.CheckFrame(batch, out _header);
        if (Fault != BatchFault.None)
            return;
        _appendTime = _header.TimestampType == TimestampType.LogAppendTime;
        _records = batch[RecordBatchHeader.Size..(int)_header.SizeInBytes];
        if (_header.Compression == CompressionType.None)
            return;
        Fault = (codecs ?? CompressionCodecs.Default).TryGet(_header.Compression, out var codec)
            ? Unpack(codec, maxUnpackedBytes, ref _records, ref _unpacked)
            : BatchFault.UnknownCompression;
    }

    /// <summary>None as long as all is well; set when the walk met something malformed.</summary>
    public BatchFault Fault { get; private set; }

    public readonly RecordBatchHeader Header => _header;

    /// <summary>The unpacked records, which <see cref="RecordSlice"/>s count in: the batch's own bytes when it is uncompressed.</summary>
    public readonly ReadOnlySpan<byte> Records => _records;

    public readonly Record Current => _current;

    /// <summary>Where the current record lies in <see cref="Records"/>: its length first; its key, value and headers; its end.</summary>
    internal readonly (int Start, int Fields, int End) CurrentPlace => (_recordAt, _fieldsAt, _position);

    public readonly RecordEnumerator GetEnumerator() => this;

    /// <summary>The next record. Throws <see cref="InvalidDataException"/> on a malformed one; for bytes not yet checked take <see cref="TryMoveNext"/>.</summary>
    public bool MoveNext()
    {
        if (TryMoveNext())
            return true;
        if (Fault != BatchFault.None)
            throw new InvalidDataException($"The batch at offset {_header.BaseOffset} is malformed ({Fault}, record {_index}).");
        return false;
    }

    /// <summary>The next record; false at the end or on a <see cref="Fault"/>.</summary>
    public bool TryMoveNext()
    {
        if (Fault != BatchFault.None)
            return false;
        if (_index == _header.RecordCount)
        {
            if (_position != _records.Length)
                Fault = BatchFault.BadRecordCount;
            return false;
        }

        if (_position == _records.Length)
            Fault = BatchFault.BadRecordCount;
        else
            Fault = ReadRecord();
        _index++;
        return Fault == BatchFault.None;
    }

    public void Dispose()
    {
        _unpacked?.Dispose();
        _unpacked = null;
    }

    private BatchFault ReadRecord()
    {
        _recordAt = _position;
        if (!Varint.TryRead(_records, ref _position, out int length) || length < 0 || length > _records.Length - _position)
            return BatchFault.MalformedRecord;
        var end = _position + length;
        var body = _records[..end];
        if (_position >= end)
            return BatchFault.MalformedRecord;
        _position++;
        if (!Varint.TryRead(body, ref _position, out long timestampDelta) || !Varint.TryRead(body, ref _position, out int offsetDelta))
            return BatchFault.MalformedRecord;
        if (offsetDelta <= _lastOffsetDelta || offsetDelta > _header.LastOffsetDelta)
            return BatchFault.BadOffsets;
        _fieldsAt = _position;
        if (!TrySlice(body, out var key) || !TrySlice(body, out var value))
            return BatchFault.MalformedRecord;
        if (!Varint.TryRead(body, ref _position, out int headerCount) || headerCount < 0)
            return BatchFault.MalformedRecord;
        var headersAt = _position;
        if (!TrySkipHeaders(body, headerCount) || _position != end)
            return BatchFault.MalformedRecord;
        _lastOffsetDelta = offsetDelta;
        var timestamp = _appendTime ? _header.MaxTimestamp : _header.BaseTimestamp + timestampDelta;
        _current = new Record(_records, _header.BaseOffset + offsetDelta, timestamp, key, value, headersAt, headerCount);
        return BatchFault.None;
    }

    private bool TrySlice(ReadOnlySpan<byte> body, out RecordSlice slice)
    {
        slice = default;
        if (!Varint.TryRead(body, ref _position, out int length) || length < -1 || length > body.Length - _position)
            return false;
        slice = new RecordSlice(_position, length);
        _position += Math.Max(length, 0);
        return true;
    }

    private bool TrySkipHeaders(ReadOnlySpan<byte> body, int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (!TrySlice(body, out var key) || key.IsNull || !TrySlice(body, out _))
                return false;
        }

        return true;
    }

    private static BatchFault Unpack(ICompressionCodec codec, int maxBytes, ref ReadOnlySpan<byte> records, ref PooledBuffer? unpacked)
    {
        var buffer = new PooledBuffer((int)Math.Clamp(records.Length * 3L, 256, Math.Max(256, maxBytes)));
        if (!codec.TryDecompress(records, buffer, maxBytes))
        {
            buffer.Dispose();
            return BatchFault.UnpackFailed;
        }

        unpacked = buffer;
        records = buffer.WrittenSpan;
        return BatchFault.None;
    }
}

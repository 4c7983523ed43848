using System.Text;

namespace ActorBroker.Log;

/// <summary>A record's header. Keys may repeat; a value may be null.</summary>
public readonly record struct RecordHeader(string Key, ReadOnlyMemory<byte>? Value);

/// <summary>Where a part of a record lies in <see cref="RecordEnumerator.Records"/>; length -1 is null.</summary>
public readonly record struct RecordSlice(int Start, int Length)
{
    public bool IsNull => Length < 0;
}

/// <summary>One record of a batch, as a view: valid as long as the bytes under its enumerator.</summary>
public readonly ref struct Record
{
    private readonly ReadOnlySpan<byte> _records;
    private readonly int _headersAt;

    internal Record(ReadOnlySpan<byte> records, Offset offset, long timestamp, RecordSlice key, RecordSlice value, int headersAt, int headerCount)
    {
        _records = records;
        Offset = offset;
        Timestamp = timestamp;
        KeySlice = key;
        ValueSlice = value;
        _headersAt = headersAt;
        HeaderCount = headerCount;
    }

    public Offset Offset { get; }

    /// <summary>Milliseconds since 1970 UTC; the batch's append time where the log stamps it; -1 is none.</summary>
    public long Timestamp { get; }

    public RecordSlice KeySlice { get; }

    public RecordSlice ValueSlice { get; }

    public int HeaderCount { get; }

    public bool HasKey => !KeySlice.IsNull;

    public bool HasValue => !ValueSlice.IsNull;

    /// <summary>Empty for a null key too; see <see cref="HasKey"/>.</summary>
    public ReadOnlySpan<byte> Key => HasKey ? _records.Slice(KeySlice.Start, KeySlice.Length) : default;

    /// <summary>Empty for a null value too; see <see cref="HasValue"/>.</summary>
    public ReadOnlySpan<byte> Value => HasValue ? _records.Slice(ValueSlice.Start, ValueSlice.Length) : default;

    public RecordHeaderEnumerator Headers => new(_records, _headersAt, HeaderCount);

    /// <summary>The headers as objects that own their bytes.</summary>
    public RecordHeader[] CopyHeaders()
    {
        if (HeaderCount == 0)
            return [];
        var headers = new RecordHeader[HeaderCount];
        var i = 0;
        foreach (var header in Headers)
            headers[i++] = new RecordHeader(Encoding.UTF8.GetString(header.Key), header.HasValue ? header.Value.ToArray() : default(ReadOnlyMemory<byte>?));
        return headers;
    }
}

/// <summary>One header of a record, as a view; the key is UTF-8.</summary>
public readonly ref struct RecordHeaderView(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool hasValue)
{
    public ReadOnlySpan<byte> Key { get; } = key;

    public ReadOnlySpan<byte> Value { get; } = value;

    public bool HasValue { get; } = hasValue;
}

/// <summary>Walks a record's headers; the record's own enumerator has checked their lengths.</summary>
public ref struct RecordHeaderEnumerator
{
    private readonly ReadOnlySpan<byte> _records;
    private int _position;
    private int _left;

    internal RecordHeaderEnumerator(ReadOnlySpan<byte> records, int position, int count)
    {
        _records = records;
        _position = position;
        _left = count;
        Current = default;
    }

    public RecordHeaderView Current { get; private set; }

    public readonly RecordHeaderEnumerator GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_left == 0)
            return false;
        _left--;
        var sound = Varint.TryRead(_records, ref _position, out int keyLength);
        var key = _records.Slice(_position, keyLength);
        _position += keyLength;
        sound &= Varint.TryRead(_records, ref _position, out int valueLength);
        if (!sound)
            throw new InvalidDataException("A record's header is malformed.");
        var value = valueLength < 0 ? default : _records.Slice(_position, valueLength);
        _position += Math.Max(valueLength, 0);
        Current = new RecordHeaderView(key, value, valueLength >= 0);
        return true;
    }
}

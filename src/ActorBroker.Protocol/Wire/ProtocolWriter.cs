using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace ActorBroker.Protocol;

/// <summary>Record bytes that a gathering writer left out, and the place in its buffer where they belong.</summary>
/// <param name="Position">How many bytes of the buffer come before them.</param>
/// <param name="Bytes">The record batches.</param>
public readonly record struct RecordSegment(int Position, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// Writes Kafka's primitive types, big-endian, into a buffer of the right size; <see cref="ProtocolReader"/> has the layouts.
/// Three modes: <see cref="Measure"/> counts only; a buffer takes everything; a buffer with a list of segments takes
/// everything but record batches, which the list gets, so that a socket or file can take them from where they are.
/// </summary>
public ref struct ProtocolWriter
{
    private const int MaxStringBytes = short.MaxValue;

    private readonly Span<byte> _buffer;
    private readonly bool _measuring;
    private readonly ICollection<RecordSegment>? _segments;
    private int _position;
    private int _apart;

    /// <param name="buffer">Takes the message; must be large enough: see <see cref="ApiMessageExtensions.SizeOf"/>.</param>
    public ProtocolWriter(Span<byte> buffer) => _buffer = buffer;

    /// <param name="buffer">Takes all but the record batches: <see cref="Length"/> less <see cref="RecordBytes"/> of a measure.</param>
    /// <param name="segments">Gets the record batches, in order.</param>
    public ProtocolWriter(Span<byte> buffer, ICollection<RecordSegment> segments)
    {
        _buffer = buffer;
        _segments = segments;
    }

    private ProtocolWriter(bool measuring) => _measuring = measuring;

    /// <summary>A writer that only counts.</summary>
    public static ProtocolWriter Measure() => new(measuring: true);

    /// <summary>The bytes of the message so far, record batches included.</summary>
    public readonly int Length => _position + _apart;

    /// <summary>How many of <see cref="Length"/> are record batches. Known to a measuring or gathering writer only.</summary>
    public readonly int RecordBytes => _apart;

    public void WriteBoolean(bool value) => WriteInt8((sbyte)(value ? 1 : 0));

    public void WriteInt8(sbyte value)
    {
        if (!_measuring)
            _buffer[_position] = (byte)value;
        _position++;
    }

    public void WriteInt16(short value)
    {
        if (!_measuring)
            BinaryPrimitives.WriteInt16BigEndian(_buffer[_position..], value);
        _position += 2;
    }

    public void WriteUInt16(ushort value) => WriteInt16((short)value);

    public void WriteInt32(int value)
    {
        if (!_measuring)
            BinaryPrimitives.WriteInt32BigEndian(_buffer[_position..], value);
        _position += 4;
    }

    public void WriteInt64(long value)
    {
        if (!_measuring)
            BinaryPrimitives.WriteInt64BigEndian(_buffer[_position..], value);
        _position += 8;
    }

    public void WriteFloat64(double value) => WriteInt64(BitConverter.DoubleToInt64Bits(value));

    public void WriteUuid(Guid value)
    {
        if (!_measuring)
            value.TryWriteBytes(_buffer[_position..], bigEndian: true, out _);
        _position += 16;
    }

    public void WriteUnsignedVarint(uint value)
    {
        if (_measuring)
        {
            _position += (BitOperations.Log2(value | 1) / 7) + 1;
            return;
        }

        for (; value > 0x7f; value >>= 7)
            _buffer[_position++] = (byte)(value | 0x80);
        _buffer[_position++] = (byte)value;
    }

    public void WriteString(string value, bool flexible, string field)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        if (length > MaxStringBytes)
            throw new ProtocolException(ProtocolFault.Unwritable, $"{field} takes {length} bytes; {MaxStringBytes} is the longest");
        if (flexible)
            WriteUnsignedVarint((uint)length + 1);
        else
            WriteInt16((short)length);
        if (!_measuring)
            Encoding.UTF8.GetBytes(value, _buffer[_position..]);
        _position += length;
    }

    public void WriteNullableString(string? value, bool flexible, bool nullable, string field, short version)
    {
        if (value is not null)
            WriteString(value, flexible, field);
        else if (!nullable)
            throw ProtocolException.NullInVersion(field, version);
        else if (flexible)
            WriteUnsignedVarint(0);
        else
            WriteInt16(-1);
    }

    public void WriteBytes(ReadOnlyMemory<byte> value, bool flexible)
    {
        WriteBytesLength(value.Length, flexible);
        if (!_measuring)
            value.Span.CopyTo(_buffer[_position..]);
        _position += value.Length;
    }

    public void WriteNullableBytes(ReadOnlyMemory<byte>? value, bool flexible, bool nullable, string field, short version)
    {
        if (value is { } bytes)
            WriteBytes(bytes, flexible);
        else
            WriteNullArray(flexible, nullable, field, version);
    }

    /// <summary>Record batches: left to the list of segments where there is one.</summary>
    public void WriteRecords(ReadOnlyMemory<byte> value, bool flexible)
    {
        if (!_measuring && _segments is null)
        {
            WriteBytes(value, flexible);
            return;
        }

        WriteBytesLength(value.Length, flexible);
        _apart = checked(_apart + value.Length);
        if (!value.IsEmpty)
            _segments?.Add(new RecordSegment(_position, value));
    }

    public void WriteNullableRecords(ReadOnlyMemory<byte>? value, bool flexible, bool nullable, string field, short version)
    {
        if (value is { } records)
            WriteRecords(records, flexible);
        else
            WriteNullArray(flexible, nullable, field, version);
    }

    public void WriteArrayLength(int count, bool flexible) => WriteBytesLength(count, flexible);

    public void WriteNullArray(bool flexible, bool nullable, string field, short version)
    {
        if (!nullable)
            throw ProtocolException.NullInVersion(field, version);
        if (flexible)
            WriteUnsignedVarint(0);
        else
            WriteInt32(-1);
    }

    /// <summary>The marker before a nullable structure; returns whether the structure is to follow.</summary>
    public bool WritePresence(bool present, bool nullable, string field, short version)
    {
        if (!present && !nullable)
            throw ProtocolException.NullInVersion(field, version);
        WriteInt8((sbyte)(present ? 1 : -1));
        return present;
    }

    /// <summary>The tag and the size of the tagged field that follows.</summary>
    public void WriteTag(uint tag, int size)
    {
        WriteUnsignedVarint(tag);
        WriteUnsignedVarint((uint)size);
    }

    private void WriteBytesLength(int length, bool flexible)
    {
        if (flexible)
            WriteUnsignedVarint((uint)length + 1);
        else
            WriteInt32(length);
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace ActorBroker.Protocol;

/// <summary>
/// Reads Kafka's primitive types from one contiguous frame, big-endian.
/// <code>
/// string   int16 length + UTF-8            compact: unsigned varint length + 1
/// bytes    int32 length + bytes            compact: unsigned varint length + 1
/// array    int32 count + elements          compact: unsigned varint count + 1
/// null     length -1                       compact: 0
/// struct?  int8: -1 null, 1 present
/// tags     unsigned varint count, then per tag: unsigned varint tag, unsigned varint size, size bytes
/// </code>
/// No claim of the sender is trusted: every length is compared with what remains before anything is allocated or sliced,
/// every array's count with the fewest bytes that so many elements take, and what is allocated is charged to a budget.
/// Byte fields are slices of the frame: they live as long as it does.
/// </summary>
public ref struct ProtocolReader
{
    /// <summary>What one message may take in memory, its record bytes not counted, unless told otherwise.</summary>
    public const int DefaultMemoryBudget = 256 * 1024 * 1024;

    private const int MaxStringBytes = short.MaxValue;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlyMemory<byte> _memory;
    private ReadOnlySpan<byte> _span; // the frame up to the end of the field being read
    private int _position;
    private long _budget;

    /// <param name="frame">One message: what follows the frame's length.</param>
    /// <param name="memoryBudget">The most bytes that the decoded message may take, about; record bytes are not counted.</param>
    public ProtocolReader(ReadOnlyMemory<byte> frame, int memoryBudget = DefaultMemoryBudget)
    {
        _memory = frame;
        _span = frame.Span;
        _budget = memoryBudget;
    }

    /// <summary>How many bytes have been read.</summary>
    public readonly int Position => _position;

    /// <summary>How many bytes are left.</summary>
    public readonly int Remaining => _span.Length - _position;

    /// <summary>Call after the body: bytes beyond it mean that it was not what it claimed to be.</summary>
    public readonly void ExpectEnd(string field)
    {
        if (Remaining > 0)
            throw Malformed(field, $"{Remaining} bytes are left over");
    }

    public bool ReadBoolean(string field) => ReadInt8(field) != 0;

    public sbyte ReadInt8(string field)
    {
        Need(1, field);
        return (sbyte)_span[_position++];
    }

    public short ReadInt16(string field)
    {
        Need(2, field);
        var value = BinaryPrimitives.ReadInt16BigEndian(_span[_position..]);
        _position += 2;
        return value;
    }

    public ushort ReadUInt16(string field) => (ushort)ReadInt16(field);

    public int ReadInt32(string field)
    {
        Need(4, field);
        var value = BinaryPrimitives.ReadInt32BigEndian(_span[_position..]);
        _position += 4;
        return value;
    }

    public long ReadInt64(string field)
    {
        Need(8, field);
        var value = BinaryPrimitives.ReadInt64BigEndian(_span[_position..]);
        _position += 8;
        return value;
    }

    public double ReadFloat64(string field) => BitConverter.Int64BitsToDouble(ReadInt64(field));

    public Guid ReadUuid(string field)
    {
        Need(16, field);
        var value = new Guid(_span.Slice(_position, 16), bigEndian: true);
        _position += 16;
        return value;
    }

    public uint ReadUnsignedVarint(string field)
    {
        var value = 0u;
        for (var shift = 0; shift <= 28; shift += 7)
        {
            Need(1, field);
            var b = _span[_position++];
            if (shift == 28 && b > 0x0f)
                break;
            value |= (uint)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }

        throw Malformed(field, "a variable-length number does not fit 32 bits");
    }

    public string ReadString(bool flexible, string field) => ReadNullableString(flexible, nullable: false, field)!;

    public string? ReadNullableString(bool flexible, bool nullable, string field)
    {
        var length = ReadLength(flexible, shortLength: true, nullable, field);
        if (length <= 0)
            return length < 0 ? null : "";
        if (length > MaxStringBytes)
            throw Malformed(field, $"a string of {length} bytes; {MaxStringBytes} is the longest");
        Charge(24 + (2L * length), field);
        try
        {
            var value = Utf8.GetString(_span.Slice(_position, length));
            _position += length;
            return value;
        }
        catch (DecoderFallbackException)
        {
            throw Malformed(field, "the string is not valid UTF-8");
        }
    }

    public ReadOnlyMemory<byte> ReadBytes(bool flexible, string field) =>
        ReadNullableBytes(flexible, nullable: false, field).GetValueOrDefault();

    /// <summary>A slice of the frame, not a copy.</summary>
    public ReadOnlyMemory<byte>? ReadNullableBytes(bool flexible, bool nullable, string field)
    {
        var length = ReadLength(flexible, shortLength: false, nullable, field);
        if (length < 0)
            return null;
        var value = _memory.Slice(_position, length);
        _position += length;
        return value;
    }

    /// <summary>The count of an array's elements, or -1 for a null array.</summary>
    /// <param name="flexible">Whether the version at hand is flexible.</param>
    /// <param name="nullable">Whether the array may be null in the version at hand.</param>
    /// <param name="minElementSize">The fewest bytes that an element takes on the wire.</param>
    /// <param name="elementCost">About what an element takes in memory.</param>
    /// <param name="field">What is being read, for errors.</param>
    public int ReadArrayLength(bool flexible, bool nullable, int minElementSize, int elementCost, string field)
    {
        var count = flexible ? (int)Math.Min(ReadUnsignedVarint(field), int.MaxValue) - 1 : ReadInt32(field);
        if (count < 0)
            return Null(count, nullable, field);
        if ((long)count * minElementSize > Remaining)
            throw Malformed(field, $"an array of {count} elements can't lie in the {Remaining} bytes left");
        Charge(24 + ((long)count * elementCost), field);
        return count;
    }

    /// <summary>Whether a nullable structure follows.</summary>
    public bool ReadPresence(string field, bool nullable)
    {
        var marker = ReadInt8(field);
        if (marker == -1 && !nullable)
            throw Malformed(field, "null is not allowed");
        return marker switch
        {
            -1 => false,
            1 => true,
            _ => throw Malformed(field, $"a structure is marked 1 or -1, not {marker}"),
        };
    }

    /// <summary>How many tagged fields follow.</summary>
    public uint ReadTagCount(string field)
    {
        var count = ReadUnsignedVarint(field);
        if (count > (uint)(Remaining / 2)) // a tag and a size each
            throw Malformed(field, $"{count} tagged fields can't lie in the {Remaining} bytes left");
        return count;
    }

    /// <summary>Begins a tagged field: until <see cref="EndTag"/> nothing beyond it can be read.</summary>
    /// <param name="field">What is being read, for errors.</param>
    /// <param name="outer">Where the enclosing field ends: hand it to <see cref="EndTag"/>.</param>
    public uint BeginTag(string field, out int outer)
    {
        var tag = ReadUnsignedVarint(field);
        var size = ReadUnsignedVarint(field);
        if (size > (uint)Remaining)
            throw Malformed(field, $"tagged field {tag} claims {size} bytes, but {Remaining} are left");
        outer = _span.Length;
        _span = _span[..(_position + (int)size)];
        return tag;
    }

    /// <summary>Passes over a tagged field not known here, as the protocol demands.</summary>
    public void SkipTag() => _position = _span.Length;

    public void EndTag(string field, uint tag, int outer)
    {
        if (Remaining > 0)
            throw Malformed(field, $"tagged field {tag} is {Remaining} bytes longer than its content");
        _span = _memory.Span[..outer];
    }

    /// <summary>Passes over tagged fields where none is known.</summary>
    public void SkipTaggedFields(string field)
    {
        for (var left = ReadTagCount(field); left > 0; left--)
        {
            var tag = BeginTag(field, out var outer);
            SkipTag();
            EndTag(field, tag, outer);
        }
    }

    /// <summary>A length that is known to lie within what remains, or -1 for null.</summary>
    private int ReadLength(bool flexible, bool shortLength, bool nullable, string field)
    {
        var length = flexible
            ? (int)Math.Min(ReadUnsignedVarint(field), int.MaxValue) - 1
            : shortLength ? ReadInt16(field) : ReadInt32(field);
        if (length < 0)
            return Null(length, nullable, field);
        if (length > Remaining)
            throw Malformed(field, $"{length} bytes are announced, but {Remaining} are left");
        return length;
    }

    private readonly int Null(int length, bool nullable, string field)
    {
        if (length < -1)
            throw Malformed(field, $"the length {length} is negative");
        return nullable ? -1 : throw Malformed(field, "null is not allowed");
    }

    private void Charge(long bytes, string field)
    {
        _budget -= bytes;
        if (_budget < 0)
            throw new ProtocolException(ProtocolFault.TooLarge, $"{field}, at byte {_position} of {_memory.Length}: the message would take too much memory");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Need(int bytes, string field)
    {
        if (Remaining < bytes)
            throw Malformed(field, $"{bytes} bytes are needed, but {Remaining} are left");
    }

    private readonly ProtocolException Malformed(string field, string what) =>
        ProtocolException.Malformed(field, _position, _memory.Length, what);
}

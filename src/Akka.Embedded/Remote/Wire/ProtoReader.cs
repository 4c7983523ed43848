using System.Buffers.Binary;
using System.Text;

namespace Akka.Remote.Wire;

/// <summary>
/// Reads protobuf fields from a span, copying nothing. Every length is checked against the bytes that are there before it is
/// used, so hostile input costs at most its own size. Fields may come in any order; an unknown one is skipped, as protobuf asks.
/// </summary>
internal ref struct ProtoReader
{
    private const int Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5;

    private readonly ReadOnlySpan<byte> _data;
    private int _at;
    private int _wire;

    public ProtoReader(ReadOnlySpan<byte> data)
    {
        _data = data;
        _at = 0;
        _wire = -1;
    }

    /// <summary>Moves to the next field. Its value must then be read with a method of its kind, or with <see cref="Skip"/>.</summary>
    public bool Next(out int field)
    {
        if (_at == _data.Length)
        {
            field = 0;
            return false;
        }

        var tag = ReadVarint();
        field = (int)(tag >> 3);
        _wire = (int)(tag & 7);
        if (field <= 0 || tag > uint.MaxValue)
            throw new WireFormatException("invalid field number");
        return true;
    }

    /// <summary>The current field is length-delimited.</summary>
    public readonly bool IsBytes => _wire == Bytes;

    public ReadOnlySpan<byte> BytesValue()
    {
        Expect(Bytes);
        var length = ReadVarint();
        if (length > (ulong)(_data.Length - _at))
            throw new WireFormatException("a length runs past the end of the frame");
        var value = _data.Slice(_at, (int)length);
        _at += (int)length;
        return value;
    }

    public string StringValue() => Encoding.UTF8.GetString(BytesValue());

    public ulong VarintValue()
    {
        Expect(Varint);
        return ReadVarint();
    }

    /// <summary>An int32 or bool: protobuf sends the low 32 bits, sign-extended.</summary>
    public int Int32Value() => unchecked((int)VarintValue());

    public ulong Fixed64Value()
    {
        Expect(Fixed64);
        if (_data.Length - _at < 8)
            throw new WireFormatException("a fixed64 is cut short");
        var value = BinaryPrimitives.ReadUInt64LittleEndian(_data[_at..]);
        _at += 8;
        return value;
    }

    public void Skip()
    {
        switch (_wire)
        {
            case Varint:
                ReadVarint();
                break;
            case Fixed64:
                Fixed64Value();
                break;
            case Bytes:
                BytesValue();
                break;
            case Fixed32 when _data.Length - _at >= 4:
                _at += 4;
                break;
            default:
                throw new WireFormatException("invalid wire type");
        }
    }

    private void Expect(int wire)
    {
        if (_wire != wire)
            throw new WireFormatException("a field has an unexpected wire type");
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (_at == _data.Length)
                throw new WireFormatException("a varint is cut short");
            var b = _data[_at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }

        throw new WireFormatException("a varint is too long");
    }
}

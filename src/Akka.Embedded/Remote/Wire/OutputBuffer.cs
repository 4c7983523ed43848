using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Akka.Remote.Wire;

/// <summary>
/// The growing, pooled buffer into which frames and protobuf messages are written. One owner at a time; <see cref="Dispose"/>
/// gives the memory back.
/// </summary>
internal sealed class OutputBuffer : IDisposable
{
    private const int Keep = 256 * 1024;
    private readonly int _initial;
    private byte[] _bytes;
    private int _length;

    public OutputBuffer(int capacity = 256)
    {
        _initial = capacity;
        _bytes = ArrayPool<byte>.Shared.Rent(capacity);
    }

    public int Length => _length;

    public ReadOnlySpan<byte> WrittenSpan => _bytes.AsSpan(0, _length);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _length);

    /// <summary>Forgets what was written; memory above what a batch needs goes back to the pool, so one large message is not paid for forever.</summary>
    public void Clear()
    {
        _length = 0;
        if (_bytes.Length <= Keep)
            return;
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = ArrayPool<byte>.Shared.Rent(_initial);
    }

    /// <summary>Takes back everything written after <paramref name="length"/>.</summary>
    public void Truncate(int length) => _length = length;

    public Span<byte> Reserve(int count)
    {
        if (count > _bytes.Length - _length)
            Grow(count);
        var span = _bytes.AsSpan(_length, count);
        _length += count;
        return span;
    }

    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    public void PatchInt32(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(at), value);

    public void Varint(ulong value)
    {
        Span<byte> scratch = stackalloc byte[10];
        var n = 0;
        while (value >= 0x80)
        {
            scratch[n++] = (byte)(value | 0x80);
            value >>= 7;
        }

        scratch[n++] = (byte)value;
        Write(scratch[..n]);
    }

    public void Tag(int field, int wire) => Varint((uint)(field << 3 | wire));

    // proto3 leaves out fields that hold their default; so do these.

    public void Int(int field, long value)
    {
        if (value == 0)
            return;
        Tag(field, 0);
        Varint(unchecked((ulong)value));
    }

    public void Bool(int field, bool value) => Int(field, value ? 1 : 0);

    public void Fixed64(int field, ulong value)
    {
        if (value == 0)
            return;
        Tag(field, 1);
        BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        if (!value.IsEmpty)
            Message(field, value);
    }

    public void String(int field, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return;
        var count = Encoding.UTF8.GetByteCount(value);
        Tag(field, 2);
        Varint((uint)count);
        Encoding.UTF8.GetBytes(value, Reserve(count));
    }

    /// <summary>A nested message: present even when it is empty.</summary>
    public void Message(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, 2);
        Varint((uint)value.Length);
        Write(value);
    }

    /// <summary>The head of a length-delimited field whose <paramref name="length"/> bytes follow.</summary>
    public void Head(int field, int length)
    {
        Tag(field, 2);
        Varint((uint)length);
    }

    public byte[] ToArray() => WrittenSpan.ToArray();

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _length = 0;
    }

    /// <summary>Bytes that <paramref name="value"/> takes as a varint.</summary>
    public static int VarintSize(uint value) => value < 1u << 7 ? 1 : value < 1u << 14 ? 2 : value < 1u << 21 ? 3 : value < 1u << 28 ? 4 : 5;

    /// <summary>Bytes of a length-delimited field with a field number below 16.</summary>
    public static int FieldSize(int length) => 1 + VarintSize((uint)length) + length;

    private void Grow(int count)
    {
        var size = (int)Math.Min(Array.MaxLength, Math.Max((long)_bytes.Length * 2, (long)_length + count));
        var larger = ArrayPool<byte>.Shared.Rent(size);
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}

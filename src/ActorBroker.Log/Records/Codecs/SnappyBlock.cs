using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>
/// Snappy's block format: the unpacked length as a varint, then elements, told apart by the low two bits of their first byte:
/// <code>
/// 00 literals: length - 1 in the upper six bits, or 60 to 63 for 1 to 4 bytes of it
/// 01 copy: length - 4 in three bits, distance in the upper three and one byte
/// 10 copy: length - 1 in six bits, distance u16      11 likewise with a u32        (little endian)
/// </code>
/// </summary>
internal static class SnappyBlock
{
    private const int MaxCopy = 64;
    private const int LastMatchBefore = 15;

    public static int MaxPacked(int length) => 32 + length + (length / 6);

    /// <summary>Three bytes make 64 at best.</summary>
    public static long MaxUnpacked(int packed) => packed * 22L;

    /// <param name="block">At most <see cref="MatchFinder.MaxBlock"/> bytes.</param>
    /// <param name="target">At least <see cref="MaxPacked"/>.</param>
    /// <returns>The bytes written.</returns>
    public static int Pack(ReadOnlySpan<byte> block, Span<byte> target)
    {
        Span<ushort> table = stackalloc ushort[MatchFinder.TableSize];
        table.Clear();
        var finder = new MatchFinder(block, table);
        var written = WriteLength(target, (uint)block.Length);
        var literals = 0;
        while (finder.TryFind(literals, block.Length - LastMatchBefore, block.Length, out var at, out var distance, out var length))
        {
            written += WriteLiterals(target[written..], block[literals..at]);
            literals = at + length;
            for (; length > 0; length -= Math.Min(length, MaxCopy))
            {
                target[written] = (byte)(0b10 | ((Math.Min(length, MaxCopy) - 1) << 2));
                BinaryPrimitives.WriteUInt16LittleEndian(target[(written + 1)..], (ushort)distance);
                written += 3;
            }
        }

        return written + WriteLiterals(target[written..], block[literals..]);
    }

    public static bool TryReadLength(ReadOnlySpan<byte> block, out uint length, out int begin)
    {
        (length, begin) = (0, 0);
        for (var shift = 0; shift < 35 && begin < block.Length; shift += 7)
        {
            var next = block[begin++];
            if (shift == 28 && next > 15)
                return false;
            length |= (uint)(next & 127) << shift;
            if (next < 128)
                return true;
        }

        return false;
    }

    /// <summary>Fills the target exactly; false if the elements are malformed, or make more or less.</summary>
    public static bool TryUnpack(ReadOnlySpan<byte> elements, Span<byte> target)
    {
        var at = 0;
        while (!elements.IsEmpty)
        {
            var tag = elements[0];
            var extra = ExtraBytes(tag);
            if (elements.Length <= extra)
                return false;
            var number = Number(elements.Slice(1, extra));
            elements = elements[(1 + extra)..];
            if ((tag & 3) != 0)
            {
                var (length, distance) = (tag & 3) == 1 ? (4 + ((tag >> 2) & 7), ((uint)(tag >> 5) << 8) | number) : (1 + (tag >> 2), number);
                if (distance > int.MaxValue || !Repetition.TryCopy(target, 0, ref at, (int)distance, length))
                    return false;
                continue;
            }

            var literals = 1L + (extra == 0 ? (uint)(tag >> 2) : number);
            if (literals > elements.Length || literals > target.Length - at)
                return false;
            elements[..(int)literals].CopyTo(target[at..]);
            elements = elements[(int)literals..];
            at += (int)literals;
        }

        return at == target.Length;
    }

    private static int ExtraBytes(byte tag) => (tag & 3) switch
    {
        0 => Math.Max((tag >> 2) - 59, 0),
        1 => 1,
        2 => 2,
        _ => 4,
    };

    private static uint Number(ReadOnlySpan<byte> bytes)
    {
        uint number = 0;
        for (var i = 0; i < bytes.Length; i++)
            number |= (uint)bytes[i] << (8 * i);
        return number;
    }

    private static int WriteLength(Span<byte> target, uint length)
    {
        var written = 0;
        for (; length >= 128; length >>= 7)
            target[written++] = (byte)(length | 128);
        target[written++] = (byte)length;
        return written;
    }

    private static int WriteLiterals(Span<byte> target, ReadOnlySpan<byte> literals)
    {
        if (literals.IsEmpty)
            return 0;
        var count = literals.Length - 1;
        var written = 1;
        if (count < 60)
        {
            target[0] = (byte)(count << 2);
        }
        else if (count < 256)
        {
            target[0] = 60 << 2;
            target[written++] = (byte)count;
        }
        else
        {
            target[0] = 61 << 2;
            BinaryPrimitives.WriteUInt16LittleEndian(target[1..], (ushort)count);
            written += 2;
        }

        literals.CopyTo(target[written..]);
        return written + literals.Length;
    }
}

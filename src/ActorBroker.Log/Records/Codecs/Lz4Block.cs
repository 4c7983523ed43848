using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>
/// LZ4's block format, a row of sequences:
/// <code>
/// token u8: literal length (high 4 bits), match length - 4 (low 4 bits); 15 is continued in bytes that add up, the last below 255
/// [literal length's rest] literals | distance u16 little endian, [match length's rest]
/// </code>
/// The last sequence is literals alone, at least five of them, and no match begins in the last twelve bytes.
/// </summary>
internal static class Lz4Block
{
    private const int MinMatch = 4;
    private const int LastLiterals = 5;
    private const int LastMatchBefore = 12;
    private const int Nibble = 15;

    /// <summary>The most that a block can take packed.</summary>
    public static int MaxPacked(int length) => length + (length / 255) + 16;

    /// <param name="block">At most <see cref="MatchFinder.MaxBlock"/> bytes.</param>
    /// <param name="target">At least <see cref="MaxPacked"/>.</param>
    /// <returns>The bytes written.</returns>
    public static int Pack(ReadOnlySpan<byte> block, Span<byte> target)
    {
        Span<ushort> table = stackalloc ushort[MatchFinder.TableSize];
        table.Clear();
        var finder = new MatchFinder(block, table);
        var literals = 0;
        var written = 0;
        while (finder.TryFind(literals, block.Length - LastMatchBefore, block.Length - LastLiterals, out var at, out var distance, out var length))
        {
            written += WriteLiterals(target[written..], block[literals..at], Math.Min(length - MinMatch, Nibble));
            BinaryPrimitives.WriteUInt16LittleEndian(target[written..], (ushort)distance);
            written += 2;
            written += WriteRest(target[written..], length - MinMatch);
            literals = at + length;
        }

        return written + WriteLiterals(target[written..], block[literals..], 0);
    }

    /// <summary>Appends an unpacked block; matches may reach back to <paramref name="start"/>. False if it is malformed or does not fit.</summary>
    /// <param name="at">The end of what is there already, and then of this block.</param>
    public static bool TryUnpack(ReadOnlySpan<byte> block, Span<byte> target, int start, ref int at)
    {
        var position = 0;
        while (position < block.Length)
        {
            var token = block[position++];
            if (!TryReadLength(block, ref position, token >> 4, out var literals) || literals > block.Length - position || literals > target.Length - at)
                return false;
            block.Slice(position, literals).CopyTo(target[at..]);
            position += literals;
            at += literals;
            if (position == block.Length)
                return (token & Nibble) == 0;
            if (block.Length - position < 2)
                return false;
            int distance = BinaryPrimitives.ReadUInt16LittleEndian(block[position..]);
            position += 2;
            if (!TryReadLength(block, ref position, token & Nibble, out var length) || !Repetition.TryCopy(target, start, ref at, distance, length + (long)MinMatch))
                return false;
        }

        return false;
    }

    private static int WriteLiterals(Span<byte> target, ReadOnlySpan<byte> literals, int matchNibble)
    {
        target[0] = (byte)((Math.Min(literals.Length, Nibble) << 4) | matchNibble);
        var written = 1 + WriteRest(target[1..], literals.Length);
        literals.CopyTo(target[written..]);
        return written + literals.Length;
    }

    private static int WriteRest(Span<byte> target, int length)
    {
        if (length < Nibble)
            return 0;
        var written = 0;
        for (length -= Nibble; length >= 255; length -= 255)
            target[written++] = 255;
        target[written++] = (byte)length;
        return written;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> block, ref int position, int nibble, out int length)
    {
        length = nibble;
        if (nibble < Nibble)
            return true;
        while (position < block.Length && length <= int.MaxValue - 255)
        {
            var more = block[position++];
            length += more;
            if (more < 255)
                return true;
        }

        return false;
    }
}

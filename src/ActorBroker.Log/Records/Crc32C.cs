using System.Numerics;
using System.Runtime.InteropServices;

namespace ActorBroker.Log;

/// <summary>
/// CRC-32C (Castagnoli) by the processor's instruction. That instruction takes three cycles and starts one each cycle, so
/// long inputs are worked on as three independent lanes, joined by "what the first lane's value becomes behind n zero
/// bytes": linear in its bits, hence four table lookups.
/// </summary>
public static class Crc32C
{
    private const int Lane = 1024;
    private static readonly uint[] _pastOneLane = PastZeros(Lane);

    /// <summary>The state before any byte, for <see cref="Update"/>; the checksum is the last state's complement.</summary>
    internal const uint Start = ~0u;

    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Update(Start, bytes);

    internal static uint Update(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 3 * Lane)
        {
            crc = ThreeLanes(crc, bytes[..(3 * Lane)]);
            bytes = bytes[(3 * Lane)..];
        }

        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        if (BitConverter.IsLittleEndian)
        {
            foreach (var word in words)
                crc = BitOperations.Crc32C(crc, word);
            bytes = bytes[(words.Length * sizeof(ulong))..];
        }

        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }

    private static uint ThreeLanes(uint crc, ReadOnlySpan<byte> bytes)
    {
        var a = MemoryMarshal.Cast<byte, ulong>(bytes[..Lane]);
        var b = MemoryMarshal.Cast<byte, ulong>(bytes.Slice(Lane, Lane));
        var c = MemoryMarshal.Cast<byte, ulong>(bytes.Slice(2 * Lane, Lane));
        uint crcB = 0, crcC = 0;
        for (var i = 0; i < a.Length && i < b.Length && i < c.Length; i++)
        {
            crc = BitOperations.Crc32C(crc, LittleEndian(a[i]));
            crcB = BitOperations.Crc32C(crcB, LittleEndian(b[i]));
            crcC = BitOperations.Crc32C(crcC, LittleEndian(c[i]));
        }

        return Past(Past(crc) ^ crcB) ^ crcC;
    }

    private static ulong LittleEndian(ulong word) =>
        BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word);

    private static uint Past(uint crc)
    {
        var table = _pastOneLane;
        return table[crc & 0xff]
            ^ table[256 + ((crc >> 8) & 0xff)]
            ^ table[512 + ((crc >> 16) & 0xff)]
            ^ table[768 + (crc >> 24)];
    }

    private static uint[] PastZeros(int count)
    {
        var table = new uint[4 * 256];
        for (var bit = 0; bit < 32; bit++)
        {
            var crc = 1u << bit;
            for (var i = 0; i < count / sizeof(ulong); i++)
                crc = BitOperations.Crc32C(crc, 0UL);
            var (lane, inLane) = Math.DivRem(bit, 8);
            for (var value = 0; value < 256; value++)
            {
                if ((value & (1 << inLane)) != 0)
                    table[(lane * 256) + value] ^= crc;
            }
        }

        return table;
    }
}

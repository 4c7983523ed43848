using System.Buffers.Binary;
using System.Numerics;

namespace Akka.Persistence.Snapshot;

internal static class Checksum
{
    /// <summary>CRC-32C, by the processor's instruction where it has one.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}

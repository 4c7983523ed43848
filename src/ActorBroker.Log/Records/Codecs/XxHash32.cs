using System.Buffers.Binary;
using System.Numerics;

namespace ActorBroker.Log;

/// <summary>The checksum of LZ4's frames: xxHash with 32 bits and seed 0.</summary>
internal static class XxHash32
{
    private const uint Prime1 = 0x9E3779B1;
    private const uint Prime2 = 0x85EBCA77;
    private const uint Prime3 = 0xC2B2AE3D;
    private const uint Prime4 = 0x27D4EB2F;
    private const uint Prime5 = 0x165667B1;
    private const int Stripe = 16;

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            var rest = data;
            var hash = Prime5;
            if (data.Length >= Stripe)
            {
                uint a = Prime1 + Prime2, b = Prime2, c = 0, d = 0 - Prime1;
                for (; rest.Length >= Stripe; rest = rest[Stripe..])
                {
                    a = Round(a, rest);
                    b = Round(b, rest[4..]);
                    c = Round(c, rest[8..]);
                    d = Round(d, rest[12..]);
                }

                hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7) + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
            }

            hash += (uint)data.Length;
            for (; rest.Length >= 4; rest = rest[4..])
                hash = BitOperations.RotateLeft(hash + (BinaryPrimitives.ReadUInt32LittleEndian(rest) * Prime3), 17) * Prime4;
            foreach (var one in rest)
                hash = BitOperations.RotateLeft(hash + (one * Prime5), 11) * Prime1;
            hash = (hash ^ (hash >> 15)) * Prime2;
            hash = (hash ^ (hash >> 13)) * Prime3;
            return hash ^ (hash >> 16);
        }
    }

    private static uint Round(uint lane, ReadOnlySpan<byte> data) =>
        unchecked(BitOperations.RotateLeft(lane + (BinaryPrimitives.ReadUInt32LittleEndian(data) * Prime2), 13) * Prime1);
}

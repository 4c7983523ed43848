using System.Buffers.Binary;

namespace ActorBroker.Client;

/// <summary>
/// The hash that decides a key's partition. It must give the same result as Kafka's clients for every key, or records
/// of one key written by both end in two partitions.
/// </summary>
internal static class Murmur2
{
    private const uint Seed = 0x9747b28c;
    private const uint Multiplier = 0x5bd1e995;
    private const int Rotation = 24;

    public static int Hash(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            var hash = Seed ^ (uint)data.Length;
            while (data.Length >= 4)
            {
                var word = BinaryPrimitives.ReadUInt32LittleEndian(data) * Multiplier;
                word = (word ^ (word >> Rotation)) * Multiplier;
                hash = (hash * Multiplier) ^ word;
                data = data[4..];
            }

            for (var i = data.Length - 1; i >= 0; i--)
                hash ^= (uint)data[i] << (8 * i);
            if (data.Length > 0)
                hash *= Multiplier;

            hash = (hash ^ (hash >> 13)) * Multiplier;
            return (int)(hash ^ (hash >> 15));
        }
    }

    /// <summary>The partition of a key among <paramref name="partitionCount"/> (above 0).</summary>
    public static int Partition(ReadOnlySpan<byte> key, int partitionCount) =>
        (Hash(key) & int.MaxValue) % partitionCount;
}

using System.Buffers.Binary;

namespace ActorBroker.Log;

/// <summary>
/// Finds repetitions in a block of at most 64 KiB, for LZ4 and Snappy alike: remembers where each hash of four bytes was last seen
/// and takes the first match it meets. It steps wider the longer it finds nothing, so that what can't be packed costs little.
/// </summary>
/// <param name="lastPositions">Of <see cref="TableSize"/> entries, zeroed.</param>
internal ref struct MatchFinder(ReadOnlySpan<byte> block, Span<ushort> lastPositions)
{
    public const int MaxBlock = 64 * 1024;
    public const int TableSize = 1 << Bits;

    private const int Bits = 12;
    private const int MinMatch = 4;
    private const int SkipShift = 6;
    private readonly ReadOnlySpan<byte> _block = block;
    private readonly Span<ushort> _last = lastPositions;

    /// <summary>The next repetition at or behind <paramref name="from"/>; false if there is none before the limit.</summary>
    /// <param name="from">Where to begin to look.</param>
    /// <param name="startLimit">Matches begin before it.</param>
    /// <param name="endLimit">Matches end there at the latest.</param>
    /// <param name="at">Where it begins.</param>
    /// <param name="distance">How far back the same bytes stand, at least 1 and below 64 KiB.</param>
    /// <param name="length">At least 4.</param>
    public readonly bool TryFind(int from, int startLimit, int endLimit, out int at, out int distance, out int length)
    {
        (at, distance, length) = (from, 0, 0);
        for (var tries = 1 << SkipShift; at < startLimit; at += tries++ >> SkipShift)
        {
            var word = BinaryPrimitives.ReadUInt32LittleEndian(_block[at..]);
            ref var last = ref _last[(int)(unchecked(word * 2654435761u) >> (32 - Bits))];
            int candidate = last;
            last = (ushort)at;
            if (candidate >= at || BinaryPrimitives.ReadUInt32LittleEndian(_block[candidate..]) != word)
                continue;
            distance = at - candidate;
            length = MinMatch + _block[(at + MinMatch)..endLimit].CommonPrefixLength(_block[(candidate + MinMatch)..]);
            return true;
        }

        return false;
    }
}

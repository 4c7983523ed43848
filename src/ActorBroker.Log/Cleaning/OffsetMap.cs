namespace ActorBroker.Log;

/// <summary>
/// The newest offset of each key, in memory that never grows: 24 bytes for each place, of which nine in ten may be taken.
/// Keys are known by 128 bits of a hash with a secret, so no key is ever taken for another.
/// </summary>
internal sealed class OffsetMap
{
    public const int BytesPerPlace = 3 * sizeof(ulong);
    private const double Load = 0.9;

    private readonly SipHash _hash;

    /// <summary>Three for each place: the hash, then the offset plus one (0 is a free place).</summary>
    private readonly ulong[] _places;
    private readonly ulong _count;
    private readonly long _most;

    /// <param name="maxBytes">What it may take; at least one key finds a place.</param>
    /// <param name="maxKeys">More than so many keys will not come.</param>
    public OffsetMap(long maxBytes, long maxKeys, SipHash hash)
    {
        _hash = hash;
        var wanted = Math.Min(Math.Ceiling(Math.Max(1, maxKeys) / Load), Array.MaxLength / 3);
        var places = Math.Max(2, Math.Min(maxBytes / BytesPerPlace, (long)wanted));
        _count = (ulong)places;
        _most = Math.Max(1, (long)(places * Load));
        _places = new ulong[places * 3];
    }

    public long Keys { get; private set; }

    public long SizeInBytes => (long)_count * BytesPerPlace;

    /// <summary>Later offsets of a key replace earlier ones. False when it is a new key and the map is full.</summary>
    public bool TryPut(ReadOnlySpan<byte> key, Offset offset)
    {
        var at = Find(key, out var hash);
        if (_places[at + 2] == 0)
        {
            if (Keys == _most)
                return false;
            Keys++;
            (_places[at], _places[at + 1]) = hash;
        }

        _places[at + 2] = (ulong)offset.Value + 1;
        return true;
    }

    /// <summary>None for a key that was never put.</summary>
    public Offset NewestOf(ReadOnlySpan<byte> key) => new((long)_places[Find(key, out _) + 2] - 1);

    /// <summary>The key's place, or the free one that it would get; there is always a free one.</summary>
    private int Find(ReadOnlySpan<byte> key, out (ulong First, ulong Second) hash)
    {
        hash = _hash.Hash(key);
        var place = Math.BigMul(hash.First, _count, out _);
        while (true)
        {
            var at = (int)place * 3;
            if (_places[at + 2] == 0 || (_places[at] == hash.First && _places[at + 1] == hash.Second))
                return at;
            place = place + 1 == _count ? 0 : place + 1;
        }
    }
}

using System.Diagnostics.CodeAnalysis;

namespace Akka.Remote;

/// <summary>
/// Values by the bytes of a name, looked up without making a string. It forgets everything when full: names that recur come
/// back at once, and names that don't can't fill memory. One thread at a time.
/// </summary>
internal sealed class PathCache<T>(int capacity)
    where T : class
{
    private readonly Dictionary<byte[], T> _entries = new(BytesComparer.Instance);

    public bool TryGet(ReadOnlySpan<byte> key, [NotNullWhen(true)] out T? value)
        => _entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out value);

    public void Set(ReadOnlySpan<byte> key, T value)
    {
        if (_entries.Count >= capacity)
            _entries.Clear();
        _entries.GetAlternateLookup<ReadOnlySpan<byte>>()[key] = value;
    }

    public void Remove(ReadOnlySpan<byte> key) => _entries.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(key);

    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly BytesComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            // Seeded per process: a peer can't choose paths that collide.
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}

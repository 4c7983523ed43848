using System.Buffers.Binary;
using System.Text;
using ActorBroker.Protocol;

namespace ActorBroker.Groups;

/// <summary>Texts that were read before, so that reading one again allocates nothing.</summary>
internal sealed class TextCache
{
    /// <summary>Longer ones are rare, and each its own.</summary>
    private const int LongestKept = 256;

    /// <summary>Beyond it texts don't repeat, and keeping them would only cost memory.</summary>
    private const int MostKept = 100_000;

    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public TextCache() => _lookup = _texts.GetAlternateLookup<ReadOnlySpan<char>>();

    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty) return "";
        if (utf8.Length > LongestKept) return Encoding.UTF8.GetString(utf8);
        Span<char> buffer = stackalloc char[LongestKept];
        var chars = buffer[..Encoding.UTF8.GetChars(utf8, buffer)];
        if (_lookup.TryGetValue(chars, out var known)) return known;
        var text = chars.ToString();
        if (_texts.Count < MostKept) _texts.Add(text);
        return text;
    }
}

/// <summary>Reads the fixed layouts of keys and offset values, big-endian, with texts from a cache.</summary>
internal ref struct TextReader(ReadOnlySpan<byte> bytes, TextCache texts)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    public string Text()
    {
        var length = Int16();
        return length < 0 ? throw TooShort() : texts.Get(Take(length));
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (_rest.Length < count) throw TooShort();
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private static ProtocolException TooShort() => new(ProtocolFault.Malformed, "a record of __consumer_offsets ends too early");
}

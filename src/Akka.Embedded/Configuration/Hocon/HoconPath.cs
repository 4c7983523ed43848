namespace Akka.Configuration.Hocon;

/// <summary>Dotted paths, keys in double quotes where they hold a dot.</summary>
internal static class HoconPath
{
    public static HoconValue? Find(HoconValue root, string path)
    {
        var rest = path.AsSpan();
        var node = root;
        while (true)
        {
            var more = Next(ref rest, out var key);
            if (node.GetObject() is not { } o || !o.Items.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(key, out node!))
                return null;
            if (!more)
                return node;
        }
    }

    // Cuts the first key off; false if it was the last.
    private static bool Next(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> key)
    {
        if (rest.Length > 0 && rest[0] == '"' && rest[1..].IndexOf('"') is >= 0 and var close)
        {
            key = rest.Slice(1, close);
            rest = rest[(close + 2)..];
            if (rest.IsEmpty)
                return false;
            if (rest[0] == '.')
                rest = rest[1..];
            return true;
        }
        var dot = rest.IndexOf('.');
        key = dot < 0 ? rest : rest[..dot];
        rest = dot < 0 ? default : rest[(dot + 1)..];
        return dot >= 0;
    }
}

namespace Akka.Configuration.Hocon;

/// <summary>Joins values that stand side by side: texts to a text, lists to a list, objects to an object.</summary>
internal static class HoconJoin
{
    public const string Mixed = "text, lists and objects can't be joined with each other; a comma or a line break may be missing";

    /// <summary>Null if the kinds don't fit together.</summary>
    public static object? Join(List<object> parts, Func<HoconObject, HoconObject, HoconObject> merge)
    {
        var kind = parts.Find(static p => p is not string s || !string.IsNullOrWhiteSpace(s));
        return kind switch
        {
            null or string => Texts(parts),
            List<HoconValue> => Lists(parts),
            _ => Objects(parts, merge),
        };
    }

    private static string? Texts(List<object> parts)
    {
        var texts = new string[parts.Count];
        for (var i = 0; i < texts.Length; i++)
        {
            if (parts[i] is not string s)
                return null;
            // As in the official engine, null leaves nothing in a joined text.
            texts[i] = s == "null" && parts.Count > 1 ? "" : s;
        }
        return string.Concat(texts).Trim();
    }

    private static List<HoconValue>? Lists(List<object> parts)
    {
        var result = new List<HoconValue>();
        foreach (var part in parts)
        {
            if (part is List<HoconValue> list)
                result.AddRange(list);
            else if (part is not string s || !string.IsNullOrWhiteSpace(s))
                return null;
        }
        return result;
    }

    private static HoconObject? Objects(List<object> parts, Func<HoconObject, HoconObject, HoconObject> merge)
    {
        HoconObject? result = null;
        foreach (var part in parts)
        {
            if (part is HoconObject o)
                result = result is null ? o : merge(result, o);
            else if (part is not string s || !string.IsNullOrWhiteSpace(s))
                return null;
        }
        return result;
    }
}

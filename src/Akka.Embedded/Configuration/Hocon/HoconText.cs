using System.Text;

namespace Akka.Configuration.Hocon;

/// <summary>Writes values as HOCON that parses to the same values.</summary>
internal static class HoconText
{
    private const string NotUnquoted = "$\"{}[]:=,#`^?!@*&\\/+";

    public static string Write(HoconObject o)
    {
        var text = new StringBuilder();
        Fields(text, o, 0);
        return text.ToString();
    }

    public static string Write(HoconValue value)
    {
        if (value.GetObject() is { } root)
            return Write(root);
        var text = new StringBuilder();
        Value(text, value, 0);
        return text.ToString();
    }

    private static void Fields(StringBuilder text, HoconObject o, int depth)
    {
        foreach (var (key, value) in o.Items)
        {
            text.Append(' ', depth * 2);
            Text(text, key, NotUnquoted + ".");
            text.Append(" : ");
            Value(text, value, depth);
            text.Append('\n');
        }
    }

    private static void Value(StringBuilder text, HoconValue value, int depth)
    {
        switch (value.Payload)
        {
            case HoconObject { Items.Count: 0 }:
                text.Append("{}");
                break;
            case HoconObject o:
                text.Append("{\n");
                Fields(text, o, depth + 1);
                text.Append(' ', depth * 2).Append('}');
                break;
            case List<HoconValue> list:
                text.Append('[');
                for (var i = 0; i < list.Count; i++)
                {
                    if (i > 0)
                        text.Append(", ");
                    Value(text, list[i], depth + 1);
                }
                text.Append(']');
                break;
            case string s:
                Text(text, s, NotUnquoted);
                break;
        }
    }

    private static void Text(StringBuilder text, string s, string special)
    {
        var plain = s.Length > 0 && s != "include";
        foreach (var c in s)
            plain &= c > ' ' && c < 127 && !special.Contains(c);
        if (plain)
        {
            text.Append(s);
            return;
        }
        text.Append('"');
        foreach (var c in s)
        {
            if (c is '"' or '\\')
                text.Append('\\').Append(c);
            else if (c < ' ')
                text.Append("\\u").Append(((int)c).ToString("x4"));
            else
                text.Append(c);
        }
        text.Append('"');
    }
}

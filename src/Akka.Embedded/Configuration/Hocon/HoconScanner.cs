using System.Buffers;
using System.Globalization;
using System.Text;

namespace Akka.Configuration.Hocon;

/// <summary>One pass over the characters of a text: blanks, comments, strings and positions.</summary>
internal sealed class HoconScanner(string text, string? name)
{
    private static readonly SearchValues<char> TextStops = SearchValues.Create("$\"{}[]:=,#`^?!@*&\\\n/");
    private static readonly SearchValues<char> KeyStops = SearchValues.Create("$\"{}[]:=,#`^?!@*&\\\n/.+");

    public int At { get; private set; }

    public bool End => At >= text.Length;

    public char Peek => At < text.Length ? text[At] : '\0';

    public bool Is(char c) => At < text.Length && text[At] == c;

    public bool Is(string s) => string.CompareOrdinal(text, At, s, 0, s.Length) == 0;

    public void Skip(int count = 1) => At += count;

    public bool Take(char c)
    {
        if (!Is(c))
            return false;
        At++;
        return true;
    }

    /// <summary>Skips blanks within the line; a comment counts as the end of the line.</summary>
    public void SkipBlanks()
    {
        while (At < text.Length && text[At] != '\n' && IsBlank(text[At]))
            At++;
    }

    /// <summary>Skips blanks, line ends and comments; true if the line ended.</summary>
    public bool SkipLines()
    {
        var newline = false;
        while (At < text.Length)
        {
            var c = text[At];
            if (IsBlank(c))
            {
                newline |= c == '\n';
                At++;
            }
            else if (IsComment(At))
            {
                At = text.IndexOf('\n', At) is >= 0 and var eol ? eol : text.Length;
            }
            else
            {
                break;
            }
        }
        return newline;
    }

    /// <summary>Reads up to a character that unquoted text can't hold; blanks inside are kept, blanks at its end are left.</summary>
    public string Unquoted(bool key)
    {
        var stops = key ? KeyStops : TextStops;
        var end = At;
        while (true)
        {
            var stop = text.AsSpan(end).IndexOfAny(stops);
            end = stop < 0 ? text.Length : end + stop;
            // These two end the text only together with what follows.
            if (end < text.Length && ((text[end] == '/' && !IsComment(end)) || (text[end] == '+' && !IsAppend(end))))
                end++;
            else
                break;
        }
        while (end > At && IsBlank(text[end - 1]))
            end--;
        var start = At;
        At = end;
        return text[start..end];
    }

    /// <summary>The blanks from here on, within the line.</summary>
    public string Blanks()
    {
        var start = At;
        SkipBlanks();
        return text[start..At];
    }

    public string Quoted()
    {
        var open = At;
        if (Is("\"\"\""))
            return TripleQuoted();
        Skip();
        var start = At;
        while (At < text.Length && text[At] is not ('"' or '\\' or '\n'))
            At++;
        if (Is('"'))
            return text[start..At++];

        var result = new StringBuilder(text, start, At - start, Math.Max(16, 2 * (At - start)));
        while (true)
        {
            if (End || Is('\n'))
                throw Error(open, "this \" has no closing \" on its line; text over several lines stands in triple quotes");
            var c = text[At++];
            if (c == '"')
                return result.ToString();
            result.Append(c == '\\' ? Escape() : c);
        }
    }

    public ConfigurationException Error(int at, string what)
    {
        var (line, column) = Position(at);
        return new ConfigurationException($"HOCON error at line {line}, column {column}{(name is null ? "" : $" of {name}")}: {what}.");
    }

    public ConfigurationException Expected(string what) => Error(At, $"expected {what}, found {Found()}");

    public static bool IsBlank(char c) => char.IsWhiteSpace(c) || c == '\uFEFF';

    private string TripleQuoted()
    {
        var open = At;
        var close = text.IndexOf("\"\"\"", At + 3, StringComparison.Ordinal);
        if (close < 0)
            throw Error(open, "this \"\"\" has no closing \"\"\"");
        At = close + 3;
        return text[(open + 3)..close];
    }

    private char Escape()
    {
        var c = Peek;
        At++;
        switch (c)
        {
            case '"' or '\\' or '/': return c;
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u' when At + 4 <= text.Length && ushort.TryParse(text.AsSpan(At, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                At += 4;
                return (char)code;
            default:
                throw Error(At - 2, "unknown escape; known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits. A Windows path stands in triple quotes");
        }
    }

    private bool IsComment(int at) => text[at] == '#' || (text[at] == '/' && at + 1 < text.Length && text[at + 1] == '/');

    private bool IsAppend(int at) => at + 1 < text.Length && text[at + 1] == '=';

    private (int Line, int Column) Position(int at)
    {
        at = Math.Min(at, text.Length);
        var before = text.AsSpan(0, at);
        return (before.Count('\n') + 1, at - (before.LastIndexOf('\n') + 1) + 1);
    }

    private string Found() => End ? "the end of the text" : Peek == '\n' ? "the end of the line" : $"'{Peek}'";
}

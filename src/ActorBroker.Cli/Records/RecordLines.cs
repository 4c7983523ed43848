using System.Text;

namespace ActorBroker.Cli.Records;

/// <summary>How a line of input becomes a record.</summary>
/// <param name="KeySeparator">What stands between key and value; null: lines are values without a key.</param>
/// <param name="NullValue">A value that is exactly this text is sent as null (a tombstone); null: no such text.</param>
internal sealed record LineFormat(byte[]? KeySeparator, byte[]? NullValue)
{
    public static LineFormat Create(string? keySeparator, string? nullValue)
    {
        var separator = keySeparator is null ? null : Encoding.UTF8.GetBytes(Escapes.Expand(keySeparator));
        if (separator is { Length: 0 }) throw CliException.Usage("--key-separator must not be empty.");
        return new LineFormat(separator, nullValue is null ? null : Encoding.UTF8.GetBytes(nullValue));
    }

    /// <summary>Splits a line, without its line end. False where a separator is asked for and the line has none.</summary>
    public bool TryParse(ReadOnlyMemory<byte> line, out ReadOnlyMemory<byte>? key, out ReadOnlyMemory<byte>? value)
    {
        key = null;
        value = line;
        if (KeySeparator is not null)
        {
            var at = line.Span.IndexOf(KeySeparator);
            if (at < 0) return false;
            key = line[..at];
            value = line[(at + KeySeparator.Length)..];
        }

        if (NullValue is not null && value.Value.Span.SequenceEqual(NullValue)) value = null;
        return true;
    }
}

/// <summary>The escapes of shells that don't have <c>$'...'</c>: \t, \n, \r, \\ and \0.</summary>
internal static class Escapes
{
    public static string Expand(string text)
    {
        if (!text.Contains('\\')) return text;
        var expanded = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                expanded.Append(text[i]);
                continue;
            }

            i++;
            expanded.Append(text[i] switch
            {
                't' => "\t",
                'n' => "\n",
                'r' => "\r",
                '0' => "\0",
                '\\' => "\\",
                var other => "\\" + other,
            });
        }

        return expanded.ToString();
    }
}

/// <summary>Bytes as text where they are UTF-8, otherwise as base64 and marked so.</summary>
internal static class TextOrBase64
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static bool TryText(ReadOnlySpan<byte> bytes, out string text)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            text = Strict.GetString(bytes);
            return true;
        }

        text = Convert.ToBase64String(bytes);
        return false;
    }
}

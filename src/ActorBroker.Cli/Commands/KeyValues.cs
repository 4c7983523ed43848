namespace ActorBroker.Cli.Commands;

/// <summary>Options of the form k=v.</summary>
internal static class KeyValues
{
    /// <summary>The value may hold further = signs and may be empty; a key may come once.</summary>
    public static IReadOnlyDictionary<string, string> Parse(string option, string[]? texts)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in texts ?? [])
        {
            var at = text.IndexOf('=');
            if (at <= 0) throw CliException.Usage($"{option} '{text}' is not of the form k=v.");
            if (!values.TryAdd(text[..at], text[(at + 1)..])) throw CliException.Usage($"{option} gives {text[..at]} more than once.");
        }

        return values;
    }
}

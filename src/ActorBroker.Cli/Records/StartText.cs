using System.Globalization;
using ActorBroker.Client;
using ActorBroker.Log;

namespace ActorBroker.Cli.Records;

/// <summary>Reads the four forms of <c>consume --from</c> and <c>groups reset-offsets --to</c>.</summary>
internal static class StartText
{
    /// <summary>A time without a zone is taken as UTC; <paramref name="assumedUtc"/> tells, so that the user can be told.</summary>
    public static StartPosition Parse(string text, out bool assumedUtc) => Parse(text, "--from", out assumedUtc);

    public static StartPosition Parse(string text, string option, out bool assumedUtc)
    {
        assumedUtc = false;
        if (text is "beginning" or "earliest") return StartPosition.Beginning;
        if (text is "end" or "latest") return StartPosition.End;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var offset)) return StartPosition.At(new Offset(offset));
        if (text.Length >= 10 && text[4] == '-'
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            assumedUtc = !HasZone(text);
            return StartPosition.At(time);
        }

        throw CliException.Usage($"{option} '{text}' is none of: beginning, end, an offset (a whole number), or an ISO 8601 time such as 2026-11-22T15:00:00Z.");
    }

    private static bool HasZone(string text)
    {
        var time = text.IndexOfAny(['T', ' ']);
        return time >= 0 && text.AsSpan(time).IndexOfAny('Z', '+', '-') >= 0;
    }
}

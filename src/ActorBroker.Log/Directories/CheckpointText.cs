using System.Globalization;
using System.Text;

namespace ActorBroker.Log;

/// <summary>
/// Kafka's checkpoint text: a line with the version (0), a line with the count of entries, one line for each, fields
/// parted by spaces.
/// </summary>
internal static class CheckpointText
{
    private const int Version = 0;

    public static string Format<T>(IReadOnlyCollection<T> entries, Action<StringBuilder, T> line)
    {
        var text = new StringBuilder();
        text.Append(Version).Append('\n').Append(entries.Count).Append('\n');
        foreach (var entry in entries)
        {
            line(text, entry);
            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The entries' fields; false with the reason when the text is no such file, or of a newer version.</summary>
    public static bool TryParse(string text, int fields, out List<string[]> entries, out string reason)
    {
        entries = [];
        var lines = text.Split('\n', StringSplitOptions.TrimEntries);
        if (lines.Length < 2 || !int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            reason = "it has no version line";
            return false;
        }

        if (version != Version)
        {
            reason = $"its version is {version}, not {Version}";
            return false;
        }

        if (!int.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            reason = "it has no count line";
            return false;
        }

        foreach (var line in lines.AsSpan(2))
        {
            if (line.Length == 0)
                continue;
            var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length != fields)
            {
                reason = $"line '{line}' does not have {fields} fields";
                return false;
            }

            entries.Add(parts);
        }

        reason = entries.Count == count ? "" : $"it announces {count} entries and holds {entries.Count}";
        return entries.Count == count;
    }
}

using System.Globalization;

namespace ActorBroker.Log;

/// <summary>The names of the files in a partition's folder, which are Kafka's.</summary>
internal static class SegmentFiles
{
    public const string Log = ".log";
    public const string OffsetIndex = ".index";
    public const string TimeIndex = ".timeindex";
    public const string TransactionIndex = ".txnindex";
    public const string Snapshot = ".snapshot";
    public const string Deleted = ".deleted";
    public const string Cleaned = ".cleaned";
    public const string Swap = ".swap";
    public const string Temporary = ".tmp";

    private const int Digits = 20;

    public static string Path(string directory, Offset baseOffset, string suffix) =>
        System.IO.Path.Combine(directory, baseOffset.Value.ToString("D20", CultureInfo.InvariantCulture) + suffix);

    public static bool TryParse(string fileName, string suffix, out Offset baseOffset)
    {
        baseOffset = default;
        if (fileName.Length != Digits + suffix.Length || !fileName.EndsWith(suffix, StringComparison.Ordinal))
            return false;
        var parsed = long.TryParse(fileName.AsSpan(0, Digits), NumberStyles.None, CultureInfo.InvariantCulture, out var value);
        baseOffset = new Offset(value);
        return parsed;
    }
}

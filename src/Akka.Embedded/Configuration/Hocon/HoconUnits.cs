using System.Globalization;

namespace Akka.Configuration.Hocon;

/// <summary>Durations and byte sizes. One-letter size units are powers of 1,024 and, for K and M up, case doesn't matter;
/// two letters ending in B are powers of 1,000; "KB" is ambiguous and refused, as in the official engine.</summary>
internal static class HoconUnits
{
    public const string SizeShape =
        "a size in bytes such as 512, 64kB (1,000s), 64K or 64KiB (1,024s); units are B, kB, K, Ki, KiB, MB, M, Mi, MiB, and so on up to E";

    public static string DurationShape(bool allowInfinite) =>
        "a duration that is not negative, such as 500ms, 5s, 10 minutes, 2h or 1d" + (allowInfinite ? ", or infinite" : "");

    public static bool TryDuration(string? text, bool allowInfinite, out TimeSpan span)
    {
        span = default;
        if (text is null)
            return false;
        if (allowInfinite && text.Equals("infinite", StringComparison.OrdinalIgnoreCase))
        {
            span = Timeout.InfiniteTimeSpan;
            return true;
        }
        var digits = text.Length;
        while (digits > 0 && char.IsAsciiLetter(text[digits - 1]))
            digits--;
        // Without a unit the number may have an exponent; with one it is digits and a point.
        var ticksPerUnit = TicksPer(text.AsSpan(digits));
        if (ticksPerUnit == 0)
            return false;
        if (!double.TryParse(text.AsSpan(0, digits), NumberStyles.Float, NumberFormatInfo.InvariantInfo, out var n))
            return false;
        var ticks = n * ticksPerUnit;
        if (!(ticks >= 0 && ticks <= long.MaxValue - 1024))
            return false;
        span = TimeSpan.FromTicks((long)Math.Round(ticks));
        return true;
    }

    public static bool TrySize(string? text, out long size)
    {
        size = 0;
        if (text is null)
            return false;
        var digits = text.Length;
        while (digits > 0 && char.IsAsciiLetter(text[digits - 1]))
            digits--;
        if (!long.TryParse(text.AsSpan(0, digits), NumberStyles.Integer, NumberFormatInfo.InvariantInfo, out var n))
            return false;
        var factor = BytesPer(text.AsSpan(digits));
        if (factor == 0)
            return false;
        var product = (Int128)n * factor;
        size = (long)product;
        return size == product;
    }

    private static double TicksPer(ReadOnlySpan<char> unit) => unit switch
    {
        "" or "ms" or "milli" or "millis" or "millisecond" or "milliseconds" => TimeSpan.TicksPerMillisecond,
        "s" or "second" or "seconds" => TimeSpan.TicksPerSecond,
        "m" or "minute" or "minutes" => TimeSpan.TicksPerMinute,
        "h" or "hour" or "hours" => TimeSpan.TicksPerHour,
        "d" or "day" or "days" => TimeSpan.TicksPerDay,
        "us" or "micro" or "micros" or "microsecond" or "microseconds" => TimeSpan.TicksPerMicrosecond,
        "ns" or "nano" or "nanos" or "nanosecond" or "nanoseconds" => 0.01,
        _ => 0,
    };

    private static long BytesPer(ReadOnlySpan<char> unit) => unit switch
    {
        "" or "b" or "B" or "byte" or "bytes" => 1,
        "kB" or "kilobyte" or "kilobytes" => 1_000,
        "MB" or "megabyte" or "megabytes" => 1_000_000,
        "GB" or "gigabyte" or "gigabytes" => 1_000_000_000,
        "TB" or "terabyte" or "terabytes" => 1_000_000_000_000,
        "PB" or "petabyte" or "petabytes" => 1_000_000_000_000_000,
        "EB" or "exabyte" or "exabytes" => 1_000_000_000_000_000_000,
        "K" or "k" or "Ki" or "KiB" or "kibibyte" or "kibibytes" => 1L << 10,
        "M" or "m" or "Mi" or "MiB" or "mebibyte" or "mebibytes" => 1L << 20,
        "G" or "g" or "Gi" or "GiB" or "gibibyte" or "gibibytes" => 1L << 30,
        "T" or "t" or "Ti" or "TiB" or "tebibyte" or "tebibytes" => 1L << 40,
        "P" or "p" or "Pi" or "PiB" or "pebibyte" or "pebibytes" => 1L << 50,
        "E" or "e" or "Ei" or "EiB" or "exbibyte" or "exbibytes" => 1L << 60,
        _ => 0,
    };
}

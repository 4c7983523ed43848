using System.Globalization;
using System.Text;

namespace ActorBroker.MultiNode.Tests.Histories;

/// <summary>What a record says of itself: its producer and its number.</summary>
internal static class RecordText
{
    private const int Keys = 13;

    public static byte[] Key(long number) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"key-{number % Keys}"));

    /// <param name="padding">Bytes added to make it larger.</param>
    public static byte[] Value(string producer, long number, int padding = 0) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{producer}:{number}") + new string(' ', padding));

    public static (string Producer, long Number) Parse(ReadOnlySpan<byte> value) => Parse(Encoding.UTF8.GetString(value));

    public static (string Producer, long Number) Parse(string value)
    {
        value = value.TrimEnd(' ');
        var colon = value.LastIndexOf(':');
        return colon > 0 && long.TryParse(value.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (value[..colon], number)
            : throw new InvalidDataException($"A record that no producer of these tests wrote: {value}");
    }
}

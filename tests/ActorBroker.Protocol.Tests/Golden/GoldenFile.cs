using System.Globalization;
using System.Text.Json;

namespace ActorBroker.Protocol.Tests.Golden;

/// <summary>
/// One line of a golden file: a body as Kafka's own classes write it, with its values. GoldenFixtures.java has the format.
/// Versions that Kafka no longer has stand in dropped.txt, derived by hand from their field tables: the message's name, then the same.
/// </summary>
internal sealed record GoldenLine(string Message, short Version, string Variant, byte[] Bytes, JsonElement Values)
{
    public ApiKey Key => Enum.Parse<ApiKey>(Message.Replace("Request", "").Replace("Response", ""));

    public bool IsRequest => Message.EndsWith("Request", StringComparison.Ordinal);

    public IApiMessage Read() => Read(Bytes);

    public IApiMessage Read(ReadOnlyMemory<byte> bytes)
    {
        var reader = new ProtocolReader(bytes);
        IApiMessage message = IsRequest
            ? ApiRegistry.ReadRequest(Key, Version, ref reader)
            : ApiRegistry.ReadResponse(Key, Version, ref reader);
        reader.ExpectEnd(Message);
        return message;
    }

    public override string ToString() => $"{Message} v{Version} {Variant}";
}

internal static class GoldenFile
{
    private static readonly Lazy<List<GoldenLine>> Lines = new(() => [.. Load()]);

    /// <summary>Every body of every API and version.</summary>
    public static IReadOnlyList<GoldenLine> All => Lines.Value;

    public static IEnumerable<string> MessageNames => ApiRegistry.All.ToArray().SelectMany(a => new[] { $"{a.Key}Request", $"{a.Key}Response" });

    public static IEnumerable<GoldenLine> Of(string message) => All.Where(l => l.Message == message);

    public static string[] Text(string name)
    {
        using var stream = typeof(GoldenFile).Assembly.GetManifestResourceStream("Golden/" + name)
            ?? throw new InvalidOperationException($"{name} is not embedded");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static IEnumerable<GoldenLine> Load()
    {
        foreach (var message in MessageNames)
        {
            foreach (var line in Text("dropped.txt"))
                if (line.StartsWith(message + " ", StringComparison.Ordinal)) yield return Parse(message, line[(message.Length + 1)..]);
            foreach (var line in Text(message + ".golden")) yield return Parse(message, line);
        }
    }

    private static GoldenLine Parse(string message, string line)
    {
        var words = line.Split(' ', 4);
        return new GoldenLine(
            message,
            short.Parse(words[0], CultureInfo.InvariantCulture),
            words[1],
            Convert.FromHexString(words[2]),
            JsonDocument.Parse(words[3]).RootElement);
    }
}

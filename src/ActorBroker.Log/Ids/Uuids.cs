using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace ActorBroker.Log;

/// <summary>Kafka's text form of a 128-bit id: its 16 bytes, big endian, in url-safe base64 without padding (22 characters).</summary>
internal static class UuidText
{
    public const int Length = 22;

    public static string Format(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out Guid value)
    {
        value = default;
        if (text is null || text.Length != Length || !Base64Url.IsValid(text))
            return false;
        Span<byte> bytes = stackalloc byte[16];
        if (!Base64Url.TryDecodeFromChars(text, bytes, out var written) || written != 16)
            return false;
        value = new Guid(bytes, bigEndian: true);
        return true;
    }
}

/// <summary>A topic's identity: a topic deleted and made anew under the same name is another topic.</summary>
public readonly record struct TopicId(Guid Value)
{
    /// <summary>All zero: no topic, as in Kafka's requests.</summary>
    public static TopicId None => default;

    public static bool TryParse(string? text, out TopicId id)
    {
        var parsed = UuidText.TryParse(text, out var value);
        id = new TopicId(value);
        return parsed;
    }

    public static TopicId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a topic id (22 characters of url-safe base64).");

    public override string ToString() => UuidText.Format(Value);
}

/// <summary>The identity of one data folder, made when the folder is formatted.</summary>
public readonly record struct DirectoryId(Guid Value)
{
    public static bool TryParse(string? text, out DirectoryId id)
    {
        var parsed = UuidText.TryParse(text, out var value);
        id = new DirectoryId(value);
        return parsed;
    }

    public static DirectoryId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a directory id (22 characters of url-safe base64).");

    public override string ToString() => UuidText.Format(Value);
}

/// <summary>The identity of a cluster: text, 22 characters of url-safe base64 when we make it; what others made is taken as it is.</summary>
public readonly record struct ClusterId(string Value)
{
    public static ClusterId From(Guid value) => new(UuidText.Format(value));

    public override string ToString() => Value ?? "";
}

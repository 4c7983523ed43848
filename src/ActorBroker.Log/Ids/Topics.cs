using System.Globalization;

namespace ActorBroker.Log;

/// <summary>One partition of a topic; its text form is also its folder's name.</summary>
public readonly record struct TopicPartition(string Topic, int Partition)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Topic}-{Partition}");

    /// <summary>Reads "topic-0"; the topic may itself hold dashes. False for anything else.</summary>
    public static bool TryParse(string? text, out TopicPartition value)
    {
        value = default;
        var dash = text?.LastIndexOf('-') ?? -1;
        if (dash <= 0)
            return false;
        var number = text.AsSpan(dash + 1);
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var partition))
            return false;
        if (number.Length > 1 && number[0] == '0')
            return false;
        value = new TopicPartition(text![..dash], partition);
        return true;
    }
}

/// <summary>What is wrong with a topic's name.</summary>
public enum TopicNameFault
{
    None,
    Empty,

    /// <summary>"." or "..".</summary>
    Reserved,
    TooLong,

    /// <summary>A character other than ASCII letters, digits, '.', '_' and '-'.</summary>
    IllegalCharacter,
}

/// <summary>Kafka's rules for topic names.</summary>
public static class TopicName
{
    public const int MaxLength = 249;

    public static TopicNameFault Check(string? name)
    {
        if (string.IsNullOrEmpty(name))
            return TopicNameFault.Empty;
        if (name is "." or "..")
            return TopicNameFault.Reserved;
        if (name.Length > MaxLength)
            return TopicNameFault.TooLong;
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
                return TopicNameFault.IllegalCharacter;
        }

        return TopicNameFault.None;
    }

    public static bool IsValid(string? name) => Check(name) == TopicNameFault.None;

    /// <summary>
    /// Whether two different names must not live together: equal once '.' and '_' are taken as one (metric names) and
    /// case is ignored (folders on Windows and macOS).
    /// </summary>
    public static bool Collides(string a, string b) =>
        !string.Equals(a, b, StringComparison.Ordinal)
        && string.Equals(CollisionKey(a), CollisionKey(b), StringComparison.Ordinal);

    /// <summary>Equal for all names that collide: a key for an index of existing topics.</summary>
    public static string CollisionKey(string name) => name.Replace('.', '_').ToLowerInvariant();
}

using System.Diagnostics.CodeAnalysis;

namespace ActorBroker.Protocol;

/// <summary>What is known about an <see cref="ErrorCode"/>. The tables are generated from <c>Schema/errors.txt</c>.</summary>
public static partial class ErrorCodes
{
    /// <summary>
    /// True if the same request may succeed later, perhaps after fresh metadata. False for codes not known here: retrying
    /// what is not understood could repeat it for ever.
    /// </summary>
    public static bool IsRetriable(this ErrorCode code) => Has(code) && Retriable[(int)code + 1];

    /// <summary>Kafka's own spelling, such as NOT_LEADER_OR_FOLLOWER; ERROR_n for a code not known here.</summary>
    public static string KafkaName(this ErrorCode code) => Has(code) ? Names[(int)code + 1] : $"ERROR_{(int)code}";

    /// <summary>A plain sentence for people.</summary>
    public static string Describe(this ErrorCode code) =>
        Has(code) ? Sentences[(int)code + 1] : $"The broker answered with error {(int)code}, which this version does not know.";

    /// <summary>Finds a code by Kafka's spelling.</summary>
    public static bool TryParse([NotNullWhen(true)] string? kafkaName, out ErrorCode code)
    {
        var index = Array.IndexOf(Names, kafkaName);
        code = (ErrorCode)(index - 1);
        return index >= 0;
    }

    private static bool Has(ErrorCode code) => (int)code >= -1 && (int)code + 1 < Names.Length;
}

using System.Globalization;
using System.Text;
using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// What stands in a dead-letter topic: key, value and headers of the record that failed, and behind them where it came from
/// and why it is here, in the headers of Kafka's dead-letter queues of share groups (KIP-1191), all text.
/// </summary>
public static class DeadLetters
{
    public const string TopicHeader = "__dlq.errors.topic";

    public const string PartitionHeader = "__dlq.errors.partition";

    public const string OffsetHeader = "__dlq.errors.offset";

    public const string GroupHeader = "__dlq.errors.group";

    /// <summary>Deliveries that failed.</summary>
    public const string AttemptsHeader = "__dlq.errors.delivery.count";

    public const string MessageHeader = "__dlq.errors.message";

    /// <summary>A stack trace must not make a record too large to write.</summary>
    private const int MostReasonChars = 4096;

    internal static Produce Of(DeadLetter letter, ConsumerSettings settings)
    {
        var record = letter.Record;
        var reason = letter.Reason.Length <= MostReasonChars ? letter.Reason : letter.Reason[..MostReasonChars];
        return new Produce(settings.DeadLetterTopic, record.Key, record.Value,
        [
            .. record.Headers,
            Header(TopicHeader, record.Partition.Topic),
            Header(PartitionHeader, record.Partition.Partition.ToString(CultureInfo.InvariantCulture)),
            Header(OffsetHeader, record.Offset.Value.ToString(CultureInfo.InvariantCulture)),
            .. settings.GroupId.Length == 0 ? Array.Empty<RecordHeader>() : [Header(GroupHeader, settings.GroupId)],
            Header(AttemptsHeader, letter.Attempts.ToString(CultureInfo.InvariantCulture)),
            Header(MessageHeader, reason),
        ])
        {
            Timestamp = record.TimestampMs < 0 ? null : record.Timestamp,
            Correlation = letter,
        };
    }

    private static RecordHeader Header(string key, string value) => new(key, Encoding.UTF8.GetBytes(value));
}

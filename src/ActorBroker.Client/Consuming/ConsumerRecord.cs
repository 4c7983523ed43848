using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>One record as read. Key and value are slices of the received answer, which lives as long as any of them.</summary>
/// <param name="Key">Null if the record has none.</param>
/// <param name="Value">Null is a tombstone.</param>
/// <param name="Headers">In order; keys may repeat; empty if there are none.</param>
/// <param name="TimestampMs">Milliseconds since 1970 UTC; -1 is none.</param>
public readonly record struct ConsumerRecord(
    TopicPartition Partition,
    Offset Offset,
    long TimestampMs,
    ReadOnlyMemory<byte>? Key,
    ReadOnlyMemory<byte>? Value,
    IReadOnlyList<RecordHeader> Headers)
{
    public DateTimeOffset Timestamp => DateTimeOffset.FromUnixTimeMilliseconds(TimestampMs);
}

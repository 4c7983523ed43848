using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Who hears of a record's outcome: the one thing allocated per record. Called once, on the producer actor's thread.</summary>
internal abstract class Delivery
{
    /// <summary>Milliseconds since 1970 UTC; set when the record is taken up.</summary>
    public long TimestampMs { get; set; } = -1;

    public abstract void Succeeded(TopicPartition partition, Offset offset, long timestampMs);

    public abstract void Failed(string topic, int? partition, DeliveryFailure reason, ErrorCode error, string message);
}

/// <summary>A record on its way into a batch. Its bytes still belong to the caller.</summary>
/// <param name="Partition">-1 leaves it to the partitioner.</param>
/// <param name="Taken">When it was handed over; its delivery timeout counts from here.</param>
/// <param name="MayWait">Whether it waits for memory, up to max.block.ms, or fails at once.</param>
internal readonly record struct OutgoingRecord(
    string Topic,
    int Partition,
    ReadOnlyMemory<byte>? Key,
    ReadOnlyMemory<byte>? Value,
    RecordHeader[]? Headers,
    Delivery Delivery,
    TimeSpan Taken,
    bool MayWait)
{
    /// <summary>The bytes of a batch that holds just this record.</summary>
    public long SizeInBytes => RecordBatchBuilder.SizeOfSingle(Key, Value, Headers);
}

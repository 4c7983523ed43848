using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// One record for a producer actor, which answers the sender with <see cref="Delivered"/> or <see cref="DeliveryFailed"/>,
/// exactly once. Key and value may be null; their memory must not change before that answer.
/// </summary>
public sealed record Produce(
    string Topic, ReadOnlyMemory<byte>? Key, ReadOnlyMemory<byte>? Value, IReadOnlyList<RecordHeader>? Headers = null)
{
    public Produce(string topic, byte[]? key, byte[]? value, IReadOnlyList<RecordHeader>? headers = null)
        : this(topic, Bytes.OrNull(key), Bytes.OrNull(value), headers)
    {
    }

    /// <summary>The partition to use; null leaves it to the partitioner.</summary>
    public int? Partition
    {
        get;
        init => field = value is null or >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(Partition), value, "A partition is not negative.");
    }

    /// <summary>Null is the time at which the producer takes the record up.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    /// <summary>Comes back with the outcome, untouched.</summary>
    public object? Correlation { get; init; }
}

/// <summary>The record is where <c>acks</c> asks for.</summary>
/// <param name="Offset"><see cref="Offset.None"/> where nobody said: with acks=0, or when the broker only knew that it has the record already.</param>
/// <param name="Timestamp">The record's own, or the broker's where the topic stamps on append.</param>
public sealed record Delivered(object? Correlation, TopicPartition Partition, Offset Offset, DateTimeOffset Timestamp);

/// <summary>
/// The record is given up. It may have been written nevertheless after <see cref="DeliveryFailure.TimedOut"/>,
/// <see cref="DeliveryFailure.Unresolved"/> or <see cref="DeliveryFailure.Closed"/>, with idempotence at most once, and never after
/// <see cref="DeliveryFailure.BufferFull"/>, <see cref="DeliveryFailure.RecordTooLarge"/> or <see cref="DeliveryFailure.InvalidTopicOrPartition"/>.
/// </summary>
/// <param name="Partition">Null if none was chosen yet.</param>
/// <param name="Error">The broker's last word, or None.</param>
public sealed record DeliveryFailed(
    object? Correlation, string Topic, int? Partition, DeliveryFailure Reason, ErrorCode Error, string Message);

/// <summary>Why a record was given up.</summary>
public enum DeliveryFailure
{
    /// <summary><c>buffer.memory</c> is in use and, where waiting was allowed, stayed so for <c>max.block.ms</c>: slow down.</summary>
    BufferFull,

    /// <summary><c>delivery.timeout.ms</c> or <c>retries</c> ran out.</summary>
    TimedOut,

    /// <summary>Larger than <c>max.request.size</c>, <c>buffer.memory</c> or a frame of Akka.Remote.</summary>
    RecordTooLarge,

    /// <summary>No such topic or partition.</summary>
    InvalidTopicOrPartition,

    /// <summary>A broker refused the batch for good.</summary>
    Rejected,

    /// <summary>
    /// Idempotent producers only: a batch before it was given up, and since an answer was lost no broker can tell any more
    /// whether this one was written. It is not repeated, as it might be there twice.
    /// </summary>
    Unresolved,

    /// <summary>No broker of the cluster answers.</summary>
    Unreachable,

    /// <summary>The producer stopped first.</summary>
    Closed,
}

/// <summary>Asks a producer actor to send at once what it holds; answered by <see cref="Flushed"/> when all of it has an outcome.</summary>
public sealed record Flush(object? Correlation = null);

public sealed record Flushed(object? Correlation);

/// <summary>Asks a producer actor for <see cref="ProducerMetrics"/>.</summary>
public sealed record GetProducerMetrics
{
    public static GetProducerMetrics Instance { get; } = new();
}

/// <summary>A producer at one moment, immutable: counts since its start, and what it holds now. Units stand in the names.</summary>
public sealed record ProducerMetrics
{
    public required long RecordsAccepted { get; init; }

    public required long RecordsDelivered { get; init; }

    public required long RecordsFailed { get; init; }

    /// <summary>Records failed per second, over the last 30 s.</summary>
    public required double RecordErrorRate { get; init; }

    public required long RequestsSent { get; init; }

    /// <summary>Now: sent and not answered.</summary>
    public required int RequestsInFlight { get; init; }

    public required long BatchesSent { get; init; }

    /// <summary>Now: being filled, one for a partition at most.</summary>
    public required int BatchesOpen { get; init; }

    /// <summary>Now: filled and not sent, or waiting to be sent again.</summary>
    public required int BatchesQueued { get; init; }

    /// <summary>Now: in requests that are not answered, those given up included.</summary>
    public required int BatchesInFlight { get; init; }

    /// <summary>Batches sent again.</summary>
    public required long BatchesRetried { get; init; }

    /// <summary>
    /// Batches written behind a later one of their partition, because they were refused alone while that one was out. Only
    /// without idempotence, with more than one request in flight.
    /// </summary>
    public required long BatchesReordered { get; init; }

    /// <summary>Bytes of all batches sent, packed, repeats included.</summary>
    public required long RecordBytesSent { get; init; }

    /// <summary>Bytes of all batches to what they were before packing; 1 without compression.</summary>
    public required double CompressionRate { get; init; }

    /// <summary>Now: of <c>buffer.memory</c>.</summary>
    public required long BufferBytesUsed { get; init; }

    /// <summary><c>buffer.memory</c>.</summary>
    public required long BufferBytesTotal { get; init; }

    /// <summary>Now: records that wait for <c>buffer.memory</c>.</summary>
    public required int RecordsWaiting { get; init; }

    /// <summary>Now: their bytes, no more than <c>buffer.memory</c> again.</summary>
    public required long BytesWaiting { get; init; }

    /// <summary>-1 while it has none, or without idempotence.</summary>
    public required long ProducerId { get; init; }

    /// <summary>How often a partition's sequence numbers began anew because a batch was given up.</summary>
    public required long SequenceEpochsEnded { get; init; }
}

/// <summary>Where a record went.</summary>
/// <param name="Offset"><see cref="Offset.None"/> with acks=0, or when the broker only knew that it has the record already.</param>
/// <param name="TimestampMs">Milliseconds since 1970 UTC.</param>
public readonly record struct RecordMetadata(TopicPartition Partition, Offset Offset, long TimestampMs);

/// <summary>A record that <see cref="ProducerClient.ProduceAsync(string, ReadOnlyMemory{byte}?, ReadOnlyMemory{byte}?, IReadOnlyList{RecordHeader}?, DateTimeOffset?, int?)"/> gave up.</summary>
public sealed class DeliveryException(string topic, int? partition, DeliveryFailure reason, ErrorCode error, string message)
    : Exception(message)
{
    public string Topic { get; } = topic;

    public int? Partition { get; } = partition;

    public DeliveryFailure Reason { get; } = reason;

    public ErrorCode Error { get; } = error;
}

internal static class Bytes
{
    /// <summary>Keeps null null: the language's own conversion makes a null array an empty memory, which is another key.</summary>
    public static ReadOnlyMemory<byte>? OrNull(byte[]? bytes) => bytes is null ? default(ReadOnlyMemory<byte>?) : bytes;
}

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
/// <param name="Offset"><see cref="Offset.None"/> with acks=0: nobody said.</param>
/// <param name="Timestamp">The record's own, or the broker's where the topic stamps on append.</param>
public sealed record Delivered(object? Correlation, TopicPartition Partition, Offset Offset, DateTimeOffset Timestamp);

/// <summary>
/// The record is given up. It may have been written nevertheless after <see cref="DeliveryFailure.TimedOut"/>, and never
/// after <see cref="DeliveryFailure.BufferFull"/>, <see cref="DeliveryFailure.RecordTooLarge"/> or <see cref="DeliveryFailure.InvalidTopicOrPartition"/>.
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

/// <summary>Counts since the producer's start, and its buffer now.</summary>
/// <param name="RecordBytesSent">Bytes of all batches sent, repeats included.</param>
/// <param name="BatchesRetried">Batches sent again.</param>
/// <param name="BatchesReordered">
/// Batches written behind a later one of their partition, because they were refused alone while that one was out. Only
/// with more than one request in flight.
/// </param>
public sealed record ProducerMetrics(
    long RecordsAccepted,
    long RecordsDelivered,
    long RecordsFailed,
    long RequestsSent,
    long BatchesSent,
    long RecordBytesSent,
    long BatchesRetried,
    long BatchesReordered,
    long BufferBytesUsed,
    long RecordsWaiting);

/// <summary>Where a record went.</summary>
/// <param name="Offset"><see cref="Offset.None"/> with acks=0.</param>
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

using System.Globalization;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api;

/// <summary>The edge where the partitions' typed errors become Kafka's codes and sentences.</summary>
internal static class PartitionErrors
{
    public static ErrorCode Code(PartitionError error) => error switch
    {
        PartitionError.None => ErrorCode.None,
        PartitionError.NotLeader => ErrorCode.NotLeaderOrFollower,
        PartitionError.FencedLeaderEpoch => ErrorCode.FencedLeaderEpoch,
        PartitionError.UnknownLeaderEpoch => ErrorCode.UnknownLeaderEpoch,
        PartitionError.NotEnoughReplicas => ErrorCode.NotEnoughReplicas,
        PartitionError.OffsetOutOfRange => ErrorCode.OffsetOutOfRange,
        PartitionError.MessageTooLarge => ErrorCode.MessageTooLarge,
        PartitionError.BatchRefused => ErrorCode.InvalidRecord,
        PartitionError.OutOfOrderSequence => ErrorCode.OutOfOrderSequenceNumber,
        PartitionError.StaleProducerEpoch => ErrorCode.InvalidProducerEpoch,
        PartitionError.StorageFull or PartitionError.StorageFailed or PartitionError.BehindRefused => ErrorCode.KafkaStorageError,
        _ => ErrorCode.UnknownServerError,
    };

    /// <summary>Null where Kafka's own sentence for the code says it all.</summary>
    public static string? Message(PartitionError error, TopicPartition partition, TopicSettings settings) => error switch
    {
        PartitionError.None => null,
        PartitionError.MessageTooLarge => TooLarge(partition, settings),
        PartitionError.NotEnoughReplicas =>
            $"{partition} has fewer replicas in sync than its min.insync.replicas={Text(settings.MinInsyncReplicas)}; nothing was written.",
        PartitionError.StorageFull =>
            $"The disk that holds {partition} is below its reserve: writes are refused until there is room again.",
        PartitionError.OutOfOrderSequence => $"{partition} lacks batches of this producer that come before this one; nothing was written.",
        PartitionError.StaleProducerEpoch => $"{partition} has batches of a later epoch of this producer; nothing was written.",
        PartitionError.BehindRefused => $"{partition} refused a batch that this one stood behind; nothing was written.",
        PartitionError.BatchRefused => $"The log of {partition} does not take this batch.",
        PartitionError.StorageFailed => $"Writing to {partition} failed; it is being reopened.",
        _ => null,
    };

    public static ErrorCode Code(BatchRefusal refusal) => refusal switch
    {
        BatchRefusal.None => ErrorCode.None,
        BatchRefusal.Corrupt => ErrorCode.CorruptMessage,
        BatchRefusal.UnsupportedFormat => ErrorCode.UnsupportedForMessageFormat,
        BatchRefusal.UnsupportedCompression => ErrorCode.UnsupportedCompressionType,
        BatchRefusal.TooLarge => ErrorCode.MessageTooLarge,
        BatchRefusal.TimestampOutOfRange => ErrorCode.InvalidTimestamp,
        BatchRefusal.Transactional => ErrorCode.InvalidTxnState,
        _ => ErrorCode.InvalidRecord,
    };

    public static string Message(BatchRefusal refusal, BatchFault fault, TopicPartition partition, TopicSettings settings) => refusal switch
    {
        BatchRefusal.Corrupt => $"The batch for {partition} is damaged ({fault}).",
        BatchRefusal.UnsupportedFormat => $"The batch for {partition} is not record batch format v2.",
        BatchRefusal.UnsupportedCompression => $"The batch for {partition} is compressed in a way that this broker can't read.",
        BatchRefusal.MissingKey => $"Topic {partition.Topic} is compacted: every record for {partition} needs a key.",
        BatchRefusal.TooLarge => TooLarge(partition, settings),
        BatchRefusal.TimestampOutOfRange =>
            $"The batch for {partition} has a timestamp outside what the topic's message.timestamp.before.max.ms and message.timestamp.after.max.ms allow.",
        BatchRefusal.Transactional => $"The batch for {partition} is of a transaction, and this broker does not serve transactions.",
        _ => $"The batch for {partition} breaks the record batch format ({fault}), is a control batch, or names a producer without epoch or sequence.",
    };

    private static string TooLarge(TopicPartition partition, TopicSettings settings) =>
        $"The batch for {partition} is larger than the topic's max.message.bytes={Text(settings.Log.MaxMessageBytes)}.";

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

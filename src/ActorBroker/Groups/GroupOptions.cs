namespace ActorBroker.Groups;

/// <summary>What coordinators of consumer groups read of the configuration; Kafka's keys and defaults.</summary>
/// <param name="TopicPartitions">Of <c>__consumer_offsets</c> when it is made; it can't change later, since it says who coordinates whom.</param>
/// <param name="TopicReplicationFactor">Of the same; -1: 3, or as many as there are brokers.</param>
internal sealed record GroupOptions(
    TimeSpan MinSessionTimeout,
    TimeSpan MaxSessionTimeout,
    TimeSpan InitialRebalanceDelay,
    int MaxSize,
    TimeSpan CommitTimeout,
    int MaxMetadataBytes,
    TimeSpan OffsetsRetention,
    TimeSpan RetentionCheckInterval,
    int LoadBufferBytes,
    int TopicPartitions,
    int TopicReplicationFactor,
    int TopicSegmentBytes);

namespace ActorBroker.Control;

/// <summary>What the controller falls back to where a request leaves something open.</summary>
/// <param name="DefaultPartitions"><c>num.partitions</c>.</param>
/// <param name="DefaultReplicationFactor"><c>default.replication.factor</c>; the controller never takes more than there are brokers.</param>
/// <param name="MaxPartitionsPerTopic"><c>max.partitions.per.topic</c>: bounds what one request can make this node open.</param>
internal sealed record ControllerOptions(int DefaultPartitions, int DefaultReplicationFactor, int MaxPartitionsPerTopic);

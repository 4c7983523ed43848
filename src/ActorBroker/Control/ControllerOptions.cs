namespace ActorBroker.Control;

/// <summary>What the controller falls back to where a request leaves something open, and how it watches over brokers.</summary>
/// <param name="DefaultPartitions"><c>num.partitions</c>.</param>
/// <param name="DefaultReplicationFactor"><c>default.replication.factor</c>; the controller never takes more than there are brokers.</param>
/// <param name="MaxPartitionsPerTopic"><c>max.partitions.per.topic</c>: bounds what one request can make this node open.</param>
/// <param name="SessionTimeout"><c>broker.session.timeout.ms</c>: a broker that has been silent for so long is fenced.</param>
/// <param name="LeaderImbalanceCheckInterval"><c>leader.imbalance.check.interval.seconds</c>; null: leaders are not given back by themselves (<c>auto.leader.rebalance.enable</c>).</param>
/// <param name="LeaderImbalancePercentage"><c>leader.imbalance.per.broker.percentage</c>.</param>
/// <param name="EventsBetweenImages"><c>metadata.log.max.events.between.images</c>: then the log begins anew with an image.</param>
/// <param name="InternalReplicationFactor"><c>offsets.topic.replication.factor</c>, where -1 stands for <see cref="InternalTopics.DefaultReplicationFactor"/>: what internal topics are made with, and raised to as brokers join.</param>
internal sealed record ControllerOptions(
    int DefaultPartitions,
    int DefaultReplicationFactor,
    int MaxPartitionsPerTopic,
    TimeSpan SessionTimeout,
    TimeSpan? LeaderImbalanceCheckInterval,
    int LeaderImbalancePercentage,
    int EventsBetweenImages,
    int InternalReplicationFactor);

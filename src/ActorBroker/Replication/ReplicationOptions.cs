using ActorBroker.Cleaning;

namespace ActorBroker.Replication;

/// <summary>Timing of the replica manager's own work, and how replicas follow each other.</summary>
/// <param name="HousekeepingInterval"><c>log.retention.check.interval.ms</c>: how often segments are rolled by age and deleted.</param>
/// <param name="HighWatermarkInterval"><c>replica.high.watermark.checkpoint.interval.ms</c>.</param>
/// <param name="RecoveryPointInterval"><c>log.flush.offset.checkpoint.interval.ms</c>.</param>
/// <param name="Workers"><c>num.recovery.threads.per.data.dir</c>: logs that are opened, closed or deleted at the same time.</param>
/// <param name="LagTime"><c>replica.lag.time.max.ms</c>: how long a follower may lag before it leaves the ISR.</param>
/// <param name="ProducerExpiration"><c>producer.id.expiration.ms</c>: how long a silent idempotent producer's last batches are remembered.</param>
/// <param name="ProducerExpirationInterval"><c>producer.id.expiration.check.interval.ms</c>; every producer that a restart finds is remembered at least so long.</param>
/// <param name="Port"><c>replication.port</c> of the inter-broker listener; 0: any free one.</param>
/// <param name="AdvertisedPort"><c>replication.advertised-port</c>: what other brokers are told; 0: the port that was bound.</param>
internal sealed record ReplicationOptions(
    TimeSpan HousekeepingInterval,
    TimeSpan HighWatermarkInterval,
    TimeSpan RecoveryPointInterval,
    int Workers,
    TimeSpan LagTime,
    TimeSpan ProducerExpiration,
    TimeSpan ProducerExpirationInterval,
    int Port,
    int AdvertisedPort,
    FollowerOptions Follower,
    CleanerOptions Cleaner);

/// <summary>How this node's followers fetch from one leader's node.</summary>
/// <param name="Wait"><c>replica.fetch.wait.max.ms</c>: how long a leader with nothing new holds a fetch.</param>
/// <param name="MinBytes"><c>replica.fetch.min.bytes</c>: what is worth an answer before that.</param>
/// <param name="PartitionMaxBytes"><c>replica.fetch.max.bytes</c>: of one partition in one answer; a first batch comes whole regardless.</param>
/// <param name="ResponseMaxBytes"><c>replica.fetch.response.max.bytes</c>: of all partitions in one answer.</param>
/// <param name="Backoff"><c>replica.fetch.backoff.ms</c>: the longest pause after a fault; the first is a twentieth of a second or less.</param>
/// <param name="SocketTimeout"><c>replica.socket.timeout.ms</c>: an answer that takes longer means that the connection is dead.</param>
/// <param name="ReceiveBuffer"><c>replica.socket.receive.buffer.bytes</c>; -1: the system's choice.</param>
internal sealed record FollowerOptions(
    TimeSpan Wait, int MinBytes, int PartitionMaxBytes, int ResponseMaxBytes, TimeSpan Backoff, TimeSpan SocketTimeout, int ReceiveBuffer);

namespace ActorBroker.Replication;

/// <summary>Timing of the replica manager's own work.</summary>
/// <param name="HousekeepingInterval"><c>log.retention.check.interval.ms</c>: how often segments are rolled by age and deleted.</param>
/// <param name="HighWatermarkInterval"><c>replica.high.watermark.checkpoint.interval.ms</c>.</param>
/// <param name="RecoveryPointInterval"><c>log.flush.offset.checkpoint.interval.ms</c>.</param>
/// <param name="Workers"><c>num.recovery.threads.per.data.dir</c>: logs that are opened, closed or deleted at the same time.</param>
internal sealed record ReplicationOptions(
    TimeSpan HousekeepingInterval, TimeSpan HighWatermarkInterval, TimeSpan RecoveryPointInterval, int Workers);

using ActorBroker.Log;
using ActorBroker.Metadata;
using Akka.Actor;

namespace ActorBroker.Replication;

/// <summary>What the replica manager takes beside <c>MetadataChanged</c>, and what it answers.</summary>
internal static class ReplicaManagerProtocol
{
    /// <summary>Stop serving: drain, flush, checkpoint, mark the data folder clean. Answered by <see cref="ShutdownCompleted"/>; nothing is served afterwards.</summary>
    public sealed class Shutdown
    {
        public static Shutdown Instance { get; } = new();
    }

    /// <param name="IsClean">False when logs will be checked at the next start.</param>
    public sealed record ShutdownCompleted(bool IsClean);

    /// <summary>After every registration: from now on this node follows, and is followed, under this broker epoch. No answer.</summary>
    public sealed record Registered(long BrokerEpoch);

    /// <summary>
    /// The node has lost the controller for longer than its session (true), or found it again (false). While it is fenced
    /// nothing is served to clients from here: somebody else may lead by now. No answer.
    /// </summary>
    public sealed record SelfFenced(bool IsFenced);

    internal sealed record Retry(ReplicaKey Key);

    internal enum Tick
    {
        Housekeeping,
        HighWatermarks,
        RecoveryPoints,
        Isr,
        Producers,
        Proposals,
    }
}

/// <summary>What the replica manager is made of.</summary>
/// <param name="Directory">Open; the manager closes it at shutdown.</param>
/// <param name="NextJitter">From 0 up to 1.</param>
/// <param name="Controller">Takes <c>AlterPartitions</c>, wherever the controller is at the moment.</param>
internal sealed record ReplicaManagerSetup(
    BrokerId Self,
    LogDirectory Directory,
    PartitionDirectory Partitions,
    TopicDefaults Defaults,
    ReplicationOptions Options,
    Func<Guid> NewId,
    Func<double> NextJitter,
    TimeProvider Time,
    IActorRef Controller);

/// <summary>What a worker does with logs, where waiting for the disk stops nobody else.</summary>
internal static class LogWorkerProtocol
{
    public sealed record Open(ReplicaKey Key, LogOptions Options);

    public sealed record Opened(ReplicaKey Key, PartitionLog Log, Offset HighWatermark);

    public sealed record OpenFailed(ReplicaKey Key, Exception Cause);

    public enum CloseMode
    {
        Clean,
        Abandon,
        Delete,
    }

    public sealed record Close(ReplicaKey Key, CloseMode Mode);

    /// <param name="Fault">Null when all went well; the log is closed either way.</param>
    public sealed record Closed(ReplicaKey Key, Exception? Fault);

    /// <param name="HighWatermarks">Null: the recovery points are due.</param>
    public sealed record Checkpoint(IReadOnlyDictionary<TopicPartition, Offset>? HighWatermarks);

    /// <summary>After all logs: closes the data folder. Answered by <see cref="ReplicaManagerProtocol.ShutdownCompleted"/>.</summary>
    /// <param name="IsClean">False when some log must be checked at the next start.</param>
    public sealed record CloseDirectory(IReadOnlyDictionary<TopicPartition, Offset> HighWatermarks, bool IsClean);

    /// <summary>Say which folders belong to no partition that this broker should have.</summary>
    public sealed record ReportStrays(IReadOnlySet<TopicPartition> Known);
}

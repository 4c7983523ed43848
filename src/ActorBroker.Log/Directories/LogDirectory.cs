namespace ActorBroker.Log;

/// <summary>Who may use a data folder.</summary>
/// <param name="NewDirectoryId">Given to the folder when it has none yet.</param>
public sealed record LogDirectoryIdentity(ClusterId ClusterId, BrokerId NodeId, DirectoryId NewDirectoryId);

/// <summary>
/// A node's data folder: its identity, its lock, its checkpoints and the partition logs in it. One process at a time.
/// <see cref="OpenLog"/> may be called from several threads for different partitions.
/// </summary>
public sealed class LogDirectory : ILogCheckpoints, IDisposable
{
    /// <summary>Free bytes of the volume that appends leave alone.</summary>
    public const long DefaultReserveBytes = 256L * 1024 * 1024;

    /// <summary>Locks the folder, checks or writes its identity; <see cref="LogDirectoryException"/> when it must not be used.</summary>
    public static LogDirectory Open(
        IFileSystem files, string path, LogDirectoryIdentity identity, TimeProvider time, long reserveBytes = DefaultReserveBytes) => throw new NotImplementedException();

    public string DirectoryPath => throw new NotImplementedException();

    public DirectoryId Id => throw new NotImplementedException();

    /// <summary>It was shut down cleanly before this open.</summary>
    public bool WasClean => throw new NotImplementedException();

    /// <summary>What was repaired on opening, one sentence each; to be told to the operator.</summary>
    public IReadOnlyList<string> Notes => throw new NotImplementedException();

    public DiskReserve Reserve => throw new NotImplementedException();

    /// <summary>The partitions that have a folder here.</summary>
    public IReadOnlyList<TopicPartition> ListPartitions() => throw new NotImplementedException();

    /// <summary>Opens (or creates) a partition's log with what the checkpoints know of it.</summary>
    public PartitionLog OpenLog(TopicPartition partition, LogOptions options) => throw new NotImplementedException();

    /// <summary>Takes a closed log's folder away: renamed at once and durably, so it never comes back, then deleted.</summary>
    public void DeleteLog(TopicPartition partition, Guid uniqueSuffix) => throw new NotImplementedException();

    /// <summary>The high watermark as of the last checkpoint; 0 when there is none.</summary>
    public Offset HighWatermark(TopicPartition partition) => throw new NotImplementedException();

    /// <summary>Replaces replication-offset-checkpoint.</summary>
    public void WriteHighWatermarks(IReadOnlyDictionary<TopicPartition, Offset> highWatermarks) => throw new NotImplementedException();

    /// <summary>Writes the recovery points and log starts of all open logs; call it every minute or so.</summary>
    public void WriteCheckpoints() => throw new NotImplementedException();

    public void LowerRecoveryPoint(TopicPartition partition, Offset recoveryPoint) => throw new NotImplementedException();

    public void SetLogStartOffset(TopicPartition partition, Offset logStartOffset) => throw new NotImplementedException();

    /// <summary>Closes every open log cleanly, writes all checkpoints, then the marker of a clean shutdown; unlocks.</summary>
    public void CloseCleanly() => throw new NotImplementedException();

    /// <summary>Unlocks and lets go as a crash would.</summary>
    public void Dispose() => throw new NotImplementedException();
}

using System.Collections.Concurrent;

namespace ActorBroker.Log;

/// <summary>Who may use a data folder.</summary>
/// <param name="ClusterId">Given to a folder that belongs to no cluster yet. Null: whatever cluster the folder belongs to, or none.</param>
/// <param name="NewDirectoryId">Given to the folder when it has none yet.</param>
public sealed record LogDirectoryIdentity(ClusterId? ClusterId, BrokerId NodeId, DirectoryId NewDirectoryId);

/// <summary>
/// A node's data folder: its identity, its lock, its checkpoints and the partition logs in it. One process at a time.
/// <see cref="OpenLog"/> may be called from several threads for different partitions.
/// </summary>
public sealed class LogDirectory : ILogCheckpoints, IDisposable
{
    /// <summary>Free bytes of the volume that appends leave alone.</summary>
    public const long DefaultReserveBytes = 256L * 1024 * 1024;

    private const int ClosingThreads = 8;
    private const string LockFile = ".lock";
    private const string CleanMarker = ".kafka_cleanshutdown";
    private const string DeleteSuffix = "-delete";

    private readonly IFileSystem _files;
    private readonly TimeProvider _time;
    private readonly IDisposable _lock;
    private readonly List<string> _notes = [];
    private readonly ConcurrentDictionary<TopicPartition, PartitionLog> _open = new();

    /// <summary>How logs that were opened since the folder was ended up; the others are as the marker says.</summary>
    private readonly ConcurrentDictionary<TopicPartition, bool> _closedCleanly = new();
    private readonly PartitionCheckpoint _recoveryPoints;
    private readonly PartitionCheckpoint _highWatermarks;
    private readonly PartitionCheckpoint _logStarts;
    private readonly PartitionCheckpoint _cleanedTo;
    private BrokerId _node;
    private bool _closed;

    private LogDirectory(IFileSystem files, string path, IDisposable held, TimeProvider time, long reserveBytes)
    {
        _files = files;
        _time = time;
        _lock = held;
        DirectoryPath = path;
        Reserve = new DiskReserve(files, path, reserveBytes, time);
        _recoveryPoints = new PartitionCheckpoint(files, path, PartitionCheckpoint.RecoveryPoint);
        _highWatermarks = new PartitionCheckpoint(files, path, PartitionCheckpoint.HighWatermark);
        _logStarts = new PartitionCheckpoint(files, path, PartitionCheckpoint.LogStart);
        _cleanedTo = new PartitionCheckpoint(files, path, PartitionCheckpoint.Cleaner);
    }

    /// <summary>Locks the folder, checks or writes its identity; <see cref="LogDirectoryException"/> when it must not be used.</summary>
    public static LogDirectory Open(
        IFileSystem files, string path, LogDirectoryIdentity identity, TimeProvider time, long reserveBytes = DefaultReserveBytes)
    {
        FolderNames.CreateDurably(files, path);
        var held = files.TryLock(Path.Combine(path, LockFile))
            ?? throw new LogDirectoryException(LogDirectoryFault.InUse, path, $"{path} is in use by another process; stop that one, or choose another folder.");
        var directory = new LogDirectory(files, path, held, time, reserveBytes);
        try
        {
            directory.Load(identity);
            return directory;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    public string DirectoryPath { get; }

    public DirectoryId Id { get; private set; }

    /// <summary>Null until a cluster has accepted the node: see <see cref="AdoptCluster"/>.</summary>
    public ClusterId? ClusterId { get; private set; }

    /// <summary>This open made it a data folder.</summary>
    public bool IsNew { get; private set; }

    /// <summary>It was shut down cleanly before this open.</summary>
    public bool WasClean { get; private set; }

    /// <summary>What was repaired on opening, one sentence each; to be told to the operator.</summary>
    public IReadOnlyList<string> Notes => _notes;

    public DiskReserve Reserve { get; }

    /// <summary>From now on, durably, the folder belongs to that cluster.</summary>
    /// <exception cref="InvalidOperationException">It belongs to another.</exception>
    public void AdoptCluster(ClusterId cluster)
    {
        if (ClusterId == cluster)
            return;
        if (ClusterId is { } own)
            throw new InvalidOperationException($"{DirectoryPath} belongs to cluster {own} and can't be given to {cluster}.");
        WriteIdentity(cluster);
    }

    /// <summary>The partitions that have a folder here.</summary>
    public IReadOnlyList<TopicPartition> ListPartitions()
    {
        var partitions = new List<TopicPartition>();
        foreach (var name in _files.ListDirectories(DirectoryPath))
        {
            if (!name.EndsWith(DeleteSuffix, StringComparison.Ordinal) && TopicPartition.TryParse(name, out var partition))
                partitions.Add(partition);
        }

        return partitions;
    }

    /// <summary>Opens (or creates) a partition's log with what the checkpoints know of it.</summary>
    public PartitionLog OpenLog(TopicPartition partition, LogOptions options)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_open.ContainsKey(partition))
            throw new InvalidOperationException($"{partition} is open already.");
        var logStart = _logStarts.Get(partition) ?? Offset.Zero;
        var wasOpen = _closedCleanly.TryGetValue(partition, out var wasClosedCleanly);
        var isClean = wasOpen ? wasClosedCleanly : WasClean;
        _closedCleanly[partition] = false;
        var recovery = new LogRecoveryInfo(_recoveryPoints.Get(partition) ?? Offset.Zero, logStart, isClean, RewriteTail: wasOpen && !wasClosedCleanly);
        var log = PartitionLog.Open(_files, FolderOf(partition), partition, options, _time, recovery, this, Reserve);
        if (!_open.TryAdd(partition, log))
        {
            log.Dispose();
            throw new InvalidOperationException($"{partition} is open already.");
        }

        return log;
    }

    /// <summary>Closes one log, flushed; it may be opened again.</summary>
    public void CloseLog(TopicPartition partition)
    {
        if (!_open.TryRemove(partition, out var log))
            return;
        log.CloseCleanly();
        _recoveryPoints.Set(partition, log.RecoveryPoint);
        _closedCleanly[partition] = true;
    }

    /// <summary>Lets go of a log that failed (<see cref="LogFailedException"/>); opening it again recovers it as after a crash.</summary>
    public void AbandonLog(TopicPartition partition)
    {
        if (_open.TryRemove(partition, out var log))
            log.Dispose();
    }

    /// <summary>Takes a log's folder away, open or not: renamed at once and durably, so it never comes back, then deleted.</summary>
    public void DeleteLog(TopicPartition partition, Guid uniqueSuffix)
    {
        if (_open.TryRemove(partition, out var log))
            log.Dispose();
        var folder = FolderOf(partition);
        if (_files.DirectoryExists(folder))
        {
            // Kafka's name for it, cut to what a folder's name may hold: TOPIC.UNIQUE-delete.
            var suffix = $"-{partition.Partition}.{uniqueSuffix:n}{DeleteSuffix}";
            var doomed = Path.Combine(DirectoryPath, partition.Topic[..Math.Min(partition.Topic.Length, 255 - suffix.Length)] + suffix);
            _files.MoveDirectory(folder, doomed);
            _files.FlushDirectory(DirectoryPath);
            _files.DeleteDirectory(doomed);
        }

        _closedCleanly.TryRemove(partition, out _);
        _recoveryPoints.Set(partition, null);
        _logStarts.Set(partition, null);
        _cleanedTo.Set(partition, null);
        _highWatermarks.Set(partition, null);
    }

    /// <summary>The high watermark as of the last checkpoint; 0 when there is none.</summary>
    public Offset HighWatermark(TopicPartition partition) => _highWatermarks.Get(partition) ?? Offset.Zero;

    /// <summary>As far as the last compaction of this log came; null when there was none, or records below were cut since.</summary>
    public Offset? CleanedTo(TopicPartition partition) => _cleanedTo.Get(partition);

    /// <summary>Durable on return. Nothing happens when the log was let go of meanwhile.</summary>
    public void SetCleanedTo(PartitionLog log, Offset offset)
    {
        if (_open.TryGetValue(log.Partition, out var open) && ReferenceEquals(open, log))
            _cleanedTo.Set(log.Partition, offset);
    }

    /// <summary>Replaces replication-offset-checkpoint.</summary>
    public void WriteHighWatermarks(IReadOnlyDictionary<TopicPartition, Offset> highWatermarks) => _highWatermarks.Replace(highWatermarks);

    /// <summary>Writes the recovery points of all open logs; call it every minute or so. Log starts are written as they move.</summary>
    public void WriteCheckpoints() =>
        _recoveryPoints.Update(_open.Select(static e => KeyValuePair.Create(e.Key, e.Value.RecoveryPoint)));

    void ILogCheckpoints.LowerRecoveryPoint(TopicPartition partition, Offset recoveryPoint)
    {
        _recoveryPoints.Lower(partition, recoveryPoint);
        _cleanedTo.Lower(partition, recoveryPoint);
    }

    void ILogCheckpoints.SetLogStartOffset(TopicPartition partition, Offset logStartOffset) => _logStarts.Set(partition, logStartOffset);

    /// <summary>
    /// Closes every open log cleanly, writes all checkpoints, then the marker of a clean shutdown; unlocks. False, without the
    /// marker, when a log could not be flushed: the next start recovers.
    /// </summary>
    public bool CloseCleanly()
    {
        if (_closed)
            return true;

        // Closing waits for the device, and devices flush many files at once faster than one after the other.
        var failed = 0;
        Parallel.ForEach(_open.Values, new ParallelOptions { MaxDegreeOfParallelism = ClosingThreads }, log => Interlocked.Add(ref failed, TryClose(log) ? 0 : 1));
        WriteCheckpoints();
        var clean = failed == 0 && !_closedCleanly.Any(e => !e.Value && !_open.ContainsKey(e.Key));
        if (clean)
            AtomicFile.WriteText(_files, Path.Combine(DirectoryPath, CleanMarker), """{"version":0,"brokerEpoch":-1}""");
        Dispose();
        return clean;
    }

    /// <summary>Unlocks and lets go as a crash would.</summary>
    public void Dispose()
    {
        if (_closed)
            return;
        _closed = true;
        foreach (var log in _open.Values)
            log.Dispose();
        _lock.Dispose();
    }

    private static bool TryClose(PartitionLog log)
    {
        try
        {
            log.CloseCleanly();
            return true;
        }
        catch (IOException)
        {
            // The log keeps the cause and its owner has been told; the others must still be closed.
            log.Dispose();
            return false;
        }
    }

    private string FolderOf(TopicPartition partition) => Path.Combine(DirectoryPath, partition.ToString());

    private void Load(LogDirectoryIdentity identity)
    {
        LoadIdentity(identity);
        var marker = Path.Combine(DirectoryPath, CleanMarker);
        WasClean = _files.FileExists(marker);
        LoadCheckpoint(_recoveryPoints, PartitionCheckpoint.RecoveryPoint, "every record will be checked");
        LoadCheckpoint(_highWatermarks, PartitionCheckpoint.HighWatermark, "high watermarks start at 0 and are learnt anew");
        LoadCheckpoint(_logStarts, PartitionCheckpoint.LogStart, "logs start at their first segment: records deleted within it are back");
        // All that it says is where a cleaning may begin.
        if (!_cleanedTo.TryLoad(out var reason))
            _notes.Add($"{Path.Combine(DirectoryPath, PartitionCheckpoint.Cleaner)} is unreadable ({reason}): compacted logs are cleaned from their start");
        foreach (var name in _files.ListDirectories(DirectoryPath))
        {
            if (name.EndsWith(DeleteSuffix, StringComparison.Ordinal))
                _files.DeleteDirectory(Path.Combine(DirectoryPath, name));
        }

        // From here on a crash is a crash. Gone from the device before the first write.
        _files.DeleteFile(marker);
        _files.FlushDirectory(DirectoryPath);
    }

    private void LoadIdentity(LogDirectoryIdentity identity)
    {
        var path = Path.Combine(DirectoryPath, MetaProperties.FileName);
        if (AtomicFile.ReadText(_files, path) is { } text)
        {
            var meta = MetaProperties.Parse(path, text);
            meta.RequireSame(path, identity);
            _node = meta.NodeId;
            Id = meta.DirectoryId;
            ClusterId = meta.ClusterId;
            if (ClusterId is null && ListPartitions() is [var kept, ..])
                throw new LogDirectoryException(LogDirectoryFault.Unreadable, path, $"{path}: 'cluster.id' is missing though the folder holds data ({kept}); restore the file from a backup, it names the cluster that this folder belongs to.");
            if (identity.ClusterId is { } cluster)
                AdoptCluster(cluster);
            return;
        }

        if (ListPartitions() is [var first, ..])
            throw new LogDirectoryException(LogDirectoryFault.Unreadable, path, $"{path} is missing though the folder holds data ({first}); restore it from a backup, it names the cluster and node that this folder belongs to.");
        _node = identity.NodeId;
        Id = identity.NewDirectoryId;
        WriteIdentity(identity.ClusterId);
        IsNew = true;
    }

    private void WriteIdentity(ClusterId? cluster)
    {
        AtomicFile.WriteText(_files, Path.Combine(DirectoryPath, MetaProperties.FileName), new MetaProperties(cluster, _node, Id).Format());
        ClusterId = cluster;
    }

    private void LoadCheckpoint(PartitionCheckpoint checkpoint, string name, string consequence)
    {
        if (checkpoint.TryLoad(out var reason))
            return;
        _notes.Add($"{Path.Combine(DirectoryPath, name)} was unreadable ({reason}) and is written anew: {consequence}");

        // What it said about flushed records is lost, so a clean close can't be believed either.
        WasClean = false;
        checkpoint.Replace(new Dictionary<TopicPartition, Offset>());
    }
}

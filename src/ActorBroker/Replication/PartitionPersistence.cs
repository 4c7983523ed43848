using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Replication;

/// <summary>Where partitions persist.</summary>
internal static class PartitionPersistence
{
    public const string JournalPluginId = "actorbroker.journal.commit-log";
    public const string SnapshotPluginId = "actorbroker.snapshot.checkpoint";

    /// <summary>By name, as the folder: a topic made anew under an old name gets its log only when the old one is gone.</summary>
    public static string Id(TopicPartition partition) => $"topic-{partition}";
}

/// <summary>What a new incarnation begins with.</summary>
/// <param name="HighWatermark">As of the last checkpoint; 0 when there is none.</param>
internal sealed record PartitionStart(PartitionAssignment Assignment, TopicSettings Settings, Offset HighWatermark, TimeProvider Time, ReplicationOptions Options);

/// <summary>When to leave a snapshot: at every roll, so that recovery reads the headers of one segment at most.</summary>
internal sealed class PartitionSnapshotter(PartitionLog log)
{
    private Offset _activeSegment = log.ActiveSegmentBaseOffset;

    public Offset Newest { get; private set; } = Offset.None;

    public bool IsDue
    {
        get
        {
            var active = log.ActiveSegmentBaseOffset;
            var rolled = active != _activeSegment;
            _activeSegment = active;
            return rolled;
        }
    }

    /// <summary>A save has been asked for and not answered yet: it must not come behind a cut.</summary>
    public bool IsSaving { get; private set; }

    public void OnSaving() => IsSaving = true;

    public void OnSaveFailed() => IsSaving = false;

    public void OnSaved(Offset at)
    {
        IsSaving = false;
        Newest = Offset.MaxOf(Newest, at);
    }

}

/// <summary>A partition's log as its cores see it.</summary>
internal sealed class ReplicaLog(PartitionLog log) : IReplicaLog
{
    public EpochEnd EndOffsetFor(LeaderEpoch epoch) => log.EndOffsetFor(epoch);

    public Offset FirstBatchOffset
    {
        get
        {
            var start = log.LogStartOffset;
            try
            {
                using var read = log.Read(start, RecordBatchHeader.Size, Offset.Max, minOneBatch: true);
                return RecordBatchHeader.TryParse(read.Batches.Span, out var header) ? Offset.Min(header.BaseOffset, start) : start;
            }
            catch (IOException)
            {
                return start; // damaged: its followers must do without
            }
        }
    }
}

using ActorBroker.Log;

namespace ActorBroker.Journal;

internal enum JournalLogContent
{
    /// <summary>Events of any type: one record each, encoded by <see cref="EventCodec"/>.</summary>
    Events,

    /// <summary><see cref="RecordBatchEvent"/>s only: any other event would take one of the topic's offsets.</summary>
    RecordBatches,
}

/// <summary>A log that stands behind a persistence id.</summary>
/// <param name="highWatermark">
/// Asked from any thread. Deletes never pass it, and one checkpoint at or below it is kept. Null where everything stored
/// is committed.
/// </param>
internal sealed class JournalLog(PartitionLog log, JournalLogContent content, Func<Offset>? highWatermark = null)
{
    public PartitionLog Log { get; } = log;

    public JournalLogContent Content { get; } = content;

    public bool HasHighWatermark => highWatermark is not null;

    public Offset HighWatermark => highWatermark?.Invoke() ?? Log.LogEndOffset;
}

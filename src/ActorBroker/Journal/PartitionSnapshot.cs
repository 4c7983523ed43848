using ActorBroker.Log;

namespace ActorBroker.Journal;

/// <summary>
/// A partition's only kind of snapshot, kept by <c>actorbroker.snapshot.checkpoint</c> as the log's producer state at the
/// offset that is the snapshot's sequence number. Leader epochs are in the log's own checkpoint.
/// </summary>
public sealed record PartitionSnapshot(IReadOnlyList<ProducerSnapshotEntry> Producers)
{
    public static PartitionSnapshot Empty { get; } = new([]);
}

using System.Runtime.InteropServices;

namespace ActorBroker.Log;

/// <summary>
/// What a partition knows of its idempotent producers (KIP-98, KIP-360), from the headers of its batches alone. Of each it
/// remembers the newest epoch and that epoch's last five batches.
/// <code>
/// producer    batch                                    judged
/// unknown     any                                      Next (its state may have expired, or gone with old segments' snapshots)
/// known       lower epoch                              StaleEpoch
/// known       same epoch, same sequences as one of
///             the last five                            Duplicate; DuplicateInFlight while that one is only admitted
/// known       same epoch, begins behind the newest     Next
/// known       higher epoch, begins at 0                Next
/// known       anything else                            OutOfOrder
/// </code>
/// Stored is what <see cref="Apply"/> was told, on leaders, followers and in recovery alike; it is believed without being
/// judged. Admitted is what a leader has taken and not stored yet: it counts for judging, and for nothing else.
/// Invariants: what is admitted of a producer is stored in the order of admission, or dropped with all that was admitted behind it.
/// Deleting old records changes nothing here; a log that is cut begins a new table from a snapshot below the cut.
/// Time is milliseconds of a clock that never steps back. One owner, one thread; nothing is allocated per batch of a known producer.
/// </summary>
public sealed class ProducerTable
{
    private readonly Dictionary<ProducerId, ProducerEntry> _producers = [];

    public int Count => _producers.Count;

    /// <param name="stamp">Of an idempotent producer.</param>
    public ProducerVerdict Judge(in ProducerStamp stamp) =>
        _producers.TryGetValue(stamp.Id, out var known) ? known.Judge(stamp) : new ProducerVerdict(ProducerJudgement.Next);

    /// <summary>The batch was judged <see cref="ProducerJudgement.Next"/> and is being written.</summary>
    /// <param name="ticket">Names it in later verdicts.</param>
    public void Admit(in ProducerStamp stamp, long ticket, long nowMs) => Known(stamp.Id, nowMs).Admit(stamp, ticket);

    /// <summary>
    /// The batch was turned away for now. If nothing is known of its producer, what comes behind it must not pass for that
    /// producer's first: it is awaited from here on.
    /// </summary>
    public void Await(in ProducerStamp stamp, long nowMs)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_producers, stamp.Id, out var exists);
        if (!exists) known = new ProducerEntry(nowMs, stamp);
    }

    /// <summary>Nothing that was admitted and is not stored will be. It may come again.</summary>
    public void DropAdmitted()
    {
        foreach (var producer in _producers.Values) producer.DropAdmitted();
    }

    /// <summary>A batch is stored, whoever made it.</summary>
    /// <param name="seenMs">When its producer was last heard of.</param>
    public void Apply(in RecordBatchHeader header, long seenMs)
    {
        var stamp = ProducerStamp.Of(header);
        if (stamp.IsIdempotent) Known(stamp.Id, seenMs).Apply(stamp, header.LastOffset, header.LastOffsetDelta, header.MaxTimestamp, seenMs);
    }

    /// <summary>Takes up one entry of a snapshot. Those of one producer come in the order of their offsets.</summary>
    public void Load(in ProducerSnapshotEntry entry, long seenMs) => Known(entry.ProducerId, seenMs).Load(entry, seenMs);

    /// <summary>
    /// What is stored, for <see cref="ProducerSnapshotFile"/>: an entry for each batch remembered, by producer and offset. Kafka
    /// writes the newest alone; of several of one producer it takes the last, so it reads ours too.
    /// </summary>
    public List<ProducerSnapshotEntry> Snapshot()
    {
        var entries = new List<ProducerSnapshotEntry>(_producers.Count);
        var ids = _producers.Keys.ToArray();
        Array.Sort(ids, static (a, b) => a.Value.CompareTo(b.Value));
        foreach (var id in ids) _producers[id].SnapshotTo(entries, id);
        return entries;
    }

    /// <summary>What is stored: of each producer its newest batch, by producer.</summary>
    public List<ProducerSnapshotEntry> Newest()
    {
        var newest = new List<ProducerSnapshotEntry>(_producers.Count);
        foreach (var entry in Snapshot())
        {
            if (newest.Count > 0 && newest[^1].ProducerId == entry.ProducerId) newest[^1] = entry;
            else newest.Add(entry);
        }

        return newest;
    }

    /// <summary>Forgets producers that were not heard of for this long and have nothing in flight.</summary>
    public void Expire(long nowMs, long expirationMs)
    {
        foreach (var (id, producer) in _producers)
            if (nowMs - producer.SeenMs >= expirationMs && !producer.HasAdmitted) _producers.Remove(id);
    }

    private ProducerEntry Known(ProducerId id, long seenMs)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_producers, id, out _);
        return known ??= new ProducerEntry(seenMs);
    }
}

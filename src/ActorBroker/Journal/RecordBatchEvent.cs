using ActorBroker.Log;

namespace ActorBroker.Journal;

/// <summary>
/// A partition's only kind of event: one record batch, stored as it is by <c>actorbroker.journal.commit-log</c>.
/// Offset, epoch and append time are given to it by the log when it is written, never by the one who persists it; so the
/// journal completes the same object that it was handed, before it reports success. Belongs to one actor at a time.
/// </summary>
public sealed class RecordBatchEvent
{
    /// <summary>A leader's batch, to be written at the log's end.</summary>
    /// <param name="batch">Exactly one batch that passed <see cref="RecordBatchValidator.CheckProduced"/>; given away: the log writes into it.</param>
    public RecordBatchEvent(Memory<byte> batch, LeaderEpoch epoch)
    {
        Batch = batch;
        Epoch = epoch;
        SizeInBytes = batch.Length;
    }

    private RecordBatchEvent(in RecordBatchHeader stored)
    {
        Epoch = stored.PartitionLeaderEpoch;
        BaseOffset = stored.BaseOffset;
        LastOffset = stored.LastOffset;
        SizeInBytes = (int)stored.SizeInBytes;
    }

    /// <summary>Empty once replayed: recovery needs the header only.</summary>
    public Memory<byte> Batch { get; }

    public LeaderEpoch Epoch { get; }

    public int SizeInBytes { get; }

    /// <summary>None until written.</summary>
    public Offset BaseOffset { get; private set; } = Offset.None;

    /// <summary>None until written. The event's sequence number is this plus one.</summary>
    public Offset LastOffset { get; private set; } = Offset.None;

    /// <summary>-1 where the log keeps the producer's times.</summary>
    public long AppendTimeMs { get; private set; } = -1;

    public long SequenceNr => LastOffset.Value + 1;

    /// <summary>What recovery hands out for a stored batch.</summary>
    public static RecordBatchEvent Stored(in RecordBatchHeader header) => new(header);

    /// <summary>The journal's, once the batch is stored as durably as the log's policy promises.</summary>
    public void Complete(in AppendedBatch where)
    {
        BaseOffset = where.BaseOffset;
        LastOffset = where.LastOffset;
        AppendTimeMs = where.AppendTimeMs;
    }
}

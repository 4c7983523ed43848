using System.Runtime.CompilerServices;
using ActorBroker.Log;

namespace ActorBroker.Journal;

/// <summary>
/// A partition's only kind of event: a leader's record batch, or a stretch of batches that a follower fetched, stored as they
/// are by <c>actorbroker.journal.commit-log</c>. A fetched stretch keeps its leader's offsets and epochs. A leader's offset, epoch
/// and append time are given to it by the log when it is written, never by the one who persists it; so the journal completes the
/// same object that it was handed, before it reports success. Belongs to one actor at a time.
/// </summary>
public sealed class RecordBatchEvent
{
    /// <summary>Only of a replayed batch, whose bytes are not here.</summary>
    private readonly StrongBox<RecordBatchHeader>? _stored;

    /// <summary>A leader's batch, to be written at the log's end.</summary>
    /// <param name="batch">Exactly one batch that passed <see cref="RecordBatchValidator.CheckProduced"/>; given away: the log writes into it.</param>
    public RecordBatchEvent(Memory<byte> batch, LeaderEpoch epoch)
    {
        Batch = batch;
        Epoch = epoch;
        SizeInBytes = batch.Length;
    }

    private RecordBatchEvent(Memory<byte> batches, Offset first, Offset last, LeaderEpoch epoch)
        : this(batches, epoch)
    {
        IsFetched = true;
        BaseOffset = first;
        LastOffset = last;
    }

    private RecordBatchEvent(in RecordBatchHeader stored)
    {
        _stored = new StrongBox<RecordBatchHeader>(stored);
        Epoch = stored.PartitionLeaderEpoch;
        BaseOffset = stored.BaseOffset;
        LastOffset = stored.LastOffset;
        SizeInBytes = (int)stored.SizeInBytes;
    }

    /// <summary>Empty once replayed: recovery needs the header only.</summary>
    public Memory<byte> Batch { get; }

    /// <summary>Of the last batch.</summary>
    public LeaderEpoch Epoch { get; }

    /// <summary>A leader elsewhere gave offsets and epochs to these batches.</summary>
    public bool IsFetched { get; }

    public int SizeInBytes { get; }

    /// <summary>
    /// How many rejected batches its persister had heard of when it persisted this one. A rejection takes along whatever was
    /// persisted before the persister heard of it, so that nothing is written as if the rejected batch were there. -1: this one stands alone.
    /// </summary>
    public int RejectionsHeard { get; set; } = -1;

    /// <summary>None until a leader's batch is written.</summary>
    public Offset BaseOffset { get; private set; } = Offset.None;

    /// <summary>None until a leader's batch is written. The event's sequence number is this plus one.</summary>
    public Offset LastOffset { get; private set; } = Offset.None;

    /// <summary>-1 where the log keeps the producer's times.</summary>
    public long AppendTimeMs { get; private set; } = -1;

    public long SequenceNr => LastOffset.Value + 1;

    /// <summary>Whole batches one behind the other, the checksums of which have been checked; they are left as they are.</summary>
    /// <param name="epoch">Of the last batch.</param>
    public static RecordBatchEvent Fetched(Memory<byte> batches, Offset first, Offset last, LeaderEpoch epoch) => new(batches, first, last, epoch);

    /// <summary>What recovery hands out for a stored batch.</summary>
    public static RecordBatchEvent Stored(in RecordBatchHeader header) => new(header);

    /// <summary>Adds the headers of the batches as they are stored, in order.</summary>
    public void AddHeadersTo(List<RecordBatchHeader> headers)
    {
        if (_stored is not null)
        {
            headers.Add(_stored.Value);
            return;
        }

        for (var rest = Batch.Span; RecordBatchHeader.TryParse(rest, out var header); rest = rest[(int)header.SizeInBytes..])
            headers.Add(header);
    }

    /// <summary>The journal's, once the batch is stored as durably as the log's policy promises.</summary>
    public void Complete(in AppendedBatch where)
    {
        BaseOffset = where.BaseOffset;
        LastOffset = where.LastOffset;
        AppendTimeMs = where.AppendTimeMs;
    }
}

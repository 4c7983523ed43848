using System.Collections.Immutable;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Persistence;

namespace ActorBroker.Journal.Quorum;

/// <summary>What persistent actors wrote: queued until it is proposed as entries, then answered in order as these are committed.</summary>
internal sealed class ProposedWrites(EventCodec codec, Func<IPersistentRepresentation, IPersistentRepresentation> adapt, JournalStorage storage)
{
    private readonly List<WriteMessages> _queued = [];
    private readonly Queue<Proposed> _proposed = new();

    public bool HasQueued => _queued.Count > 0;

    public bool IsEmpty => _queued.Count == 0 && _proposed.Count == 0;

    public void Add(WriteMessages message) => _queued.Add(message);

    /// <summary>All that is queued, as entries behind this one; what can't be stored is left out and rejected in its turn.</summary>
    /// <param name="directory">Where the entries are to go on this node.</param>
    public ImmutableArray<QuorumEntry> Encode(EntryId last, LeaderEpoch epoch, string directory)
    {
        var entries = ImmutableArray.CreateBuilder<QuorumEntry>();
        foreach (var message in _queued)
        {
            var items = new List<(AtomicWrite Write, Exception? Rejection, long First)>();
            foreach (var envelope in message.Messages)
            {
                if (envelope is not AtomicWrite write) continue;
                try
                {
                    var entry = Encode(last, epoch, write, directory);
                    items.Add((write, null, last.Sequence + 1));
                    entries.Add(entry);
                    last = entry.Id;
                }
                catch (Exception refusal) when (refusal is EventRefusedException or JournalFullException)
                {
                    items.Add((write, refusal, 0));
                }
            }

            _proposed.Enqueue(new Proposed(message, items, last.Sequence));
        }

        _queued.Clear();
        return entries.ToImmutable();
    }

    public void AnswerCommitted(long committed, IActorRef self)
    {
        while (_proposed.TryPeek(out var next) && next.End <= committed)
        {
            _proposed.Dequeue();
            next.Message.PersistentActor.Tell(WriteMessagesSuccessful.Instance, self);
            Answer(next);
        }
    }

    public void AnswerFailed(Exception cause, IActorRef self)
    {
        foreach (var write in _proposed)
            JournalAnswers.Failed(write.Message, cause, self);
        foreach (var message in _queued)
            JournalAnswers.Failed(message, cause, self);
        _proposed.Clear();
        _queued.Clear();
    }

    public static ReadOnlyMemory<byte> Finish(RecordBatchBuilder builder, EntryId last, LeaderEpoch epoch)
    {
        builder.BaseOffset = new Offset(last.Sequence);
        builder.PartitionLeaderEpoch = epoch;
        return builder.Build().ToArray();
    }

    private QuorumEntry Encode(EntryId last, LeaderEpoch epoch, AtomicWrite write, string directory)
    {
        var events = JournalAnswers.EventsOf(write);
        using var builder = new RecordBatchBuilder(Array.MaxLength);
        codec.Encode(builder, events, adapt, storage.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var batch = Finish(builder, last, epoch);
        // Of a quorum with one voter too: it may get more.
        if (batch.Length > VoterFrame.MaxEntry)
            throw new EventRefusedException($"The event takes {batch.Length} bytes; a quorum takes at most {VoterFrame.MaxEntry}.");
        // Told now: an entry that was proposed can't be taken back.
        if (storage.Reserve?.TryTake(batch.Length) == false || storage.Files.FreeBytes(directory) < batch.Length)
            throw new JournalFullException(write.PersistenceId);
        return new QuorumEntry(last, new EntryId(epoch, last.Sequence + events.Count), batch, default);
    }

    private static void Answer(Proposed written)
    {
        var items = written.Items.GetEnumerator();
        foreach (var envelope in written.Message.Messages)
        {
            if (envelope is not AtomicWrite write)
            {
                JournalAnswers.Loop(written.Message, envelope);
                continue;
            }

            items.MoveNext();
            var number = items.Current.First;
            foreach (var e in JournalAnswers.EventsOf(write))
            {
                if (items.Current.Rejection is { } refusal) JournalAnswers.Rejected(written.Message, e, refusal);
                else JournalAnswers.Stored(written.Message, e, number++);
            }
        }
    }

    /// <param name="Items">For each atomic write why it was rejected, or the number of its first event.</param>
    /// <param name="End">Commits with this sequence number.</param>
    private sealed record Proposed(WriteMessages Message, List<(AtomicWrite Write, Exception? Rejection, long First)> Items, long End);
}

using System.Collections.Immutable;
using System.Runtime.InteropServices;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Persistence;

namespace ActorBroker.Journal;

/// <summary>
/// Everything that was queued for one log since its last write: encoded, appended with one gathered write (one for each
/// leader epoch in it, and for each so many encoded events), synced once where the flush policy asks for it, then answered
/// in order. One owner, reused.
/// </summary>
internal sealed class WriteGroup(EventCodec codec, Func<IPersistentRepresentation, IPersistentRepresentation> adapt, TimeProvider time) : IDisposable
{
    /// <summary>Events that are encoded before they are appended: so many buffers are kept, and no more are ever needed.</summary>
    private const int Builders = 64;

    private readonly List<WriteMessages> _messages = [];
    private readonly List<Item> _items = []; // one for each atomic write, in order
    private readonly List<RecordBatchBuilder> _builders = [];
    private readonly List<int> _run = []; // indexes of the items that are being appended together
    private readonly List<Memory<byte>> _batches = [];
    private readonly List<AppendedBatch> _appended = [];
    private int _usedBuilders;

    public bool IsEmpty => _messages.Count == 0;

    public void Add(WriteMessages message) => _messages.Add(message);

    /// <summary>Throws what the log throws; <see cref="AnswerFailed"/> is due then, else <see cref="AnswerWritten"/>.</summary>
    public void Write(JournalLog log)
    {
        var appended = 0;
        foreach (var message in _messages)
        {
            foreach (var envelope in message.Messages)
            {
                if (envelope is not AtomicWrite write) continue;
                _items.Add(Encode(log, write));
                if (_usedBuilders < Builders) continue;
                appended = AppendFrom(log, appended);
                _usedBuilders = 0;
            }
        }

        AppendFrom(log, appended);
        if (log.Log.IsFlushDue) log.Log.Flush();
    }

    public void AnswerWritten(IActorRef self)
    {
        var next = 0;
        foreach (var message in _messages)
        {
            message.PersistentActor.Tell(WriteMessagesSuccessful.Instance, self);
            foreach (var envelope in message.Messages)
            {
                if (envelope is AtomicWrite) AnswerItem(message, _items[next++]);
                else JournalAnswers.Loop(message, envelope);
            }
        }

        Clear();
    }

    public void AnswerFailed(Exception cause, IActorRef self)
    {
        foreach (var message in _messages)
            JournalAnswers.Failed(message, cause, self);
        Clear();
    }

    public void Dispose()
    {
        foreach (var builder in _builders)
            builder.Dispose();
    }

    private Item Encode(JournalLog log, AtomicWrite write)
    {
        var events = JournalAnswers.EventsOf(write);
        try
        {
            return events[0].Payload is RecordBatchEvent batch
                ? Accept(log, write, events, batch)
                : Encode(log, write, events);
        }
        catch (EventRefusedException refusal)
        {
            return new Item(events, refusal);
        }
    }

    private static Item Accept(JournalLog log, AtomicWrite write, IImmutableList<IPersistentRepresentation> events, RecordBatchEvent batch)
    {
        if (log.Content != JournalLogContent.RecordBatches)
            throw new EventRefusedException($"[{write.PersistenceId}] is not a log of record batches.");
        if (events.Count > 1)
            throw new EventRefusedException($"An atomic write of [{write.PersistenceId}] holds {events.Count} events: a record batch can only be stored alone.");
        if (batch.IsFetched) return new Item(events, null) { Batch = batch.Batch, Epoch = batch.Epoch, IsFetched = true };
        if (batch.Epoch < log.Log.LatestEpoch)
            throw new EventRefusedException($"A batch of leader epoch {batch.Epoch} for [{write.PersistenceId}], whose log is at epoch {log.Log.LatestEpoch}.");
        return new Item(events, null) { Batch = batch.Batch, Epoch = batch.Epoch };
    }

    private Item Encode(JournalLog log, AtomicWrite write, IImmutableList<IPersistentRepresentation> events)
    {
        if (log.Content != JournalLogContent.Events)
            throw new EventRefusedException($"[{write.PersistenceId}] is a log of record batches; [{events[0].Payload?.GetType()}] would take one of its offsets.");
        if (_usedBuilders == _builders.Count) _builders.Add(new RecordBatchBuilder(Array.MaxLength));
        var builder = _builders[_usedBuilders];
        builder.Reset();
        codec.Encode(builder, events, adapt, time.GetUtcNow().ToUnixTimeMilliseconds());
        _usedBuilders++;
        var epoch = log.Log.LatestEpoch;
        return new Item(events, null) { Batch = builder.Build(), Epoch = epoch == LeaderEpoch.None ? new LeaderEpoch(0) : epoch };
    }

    private int AppendFrom(JournalLog log, int next)
    {
        while (next < _items.Count)
            next = AppendRun(log, next);
        return next;
    }

    /// <summary>Appends the items from here on that share an epoch; returns where the next run begins.</summary>
    private int AppendRun(JournalLog log, int first)
    {
        _run.Clear();
        var next = first;
        LeaderEpoch? epoch = null;
        for (; next < _items.Count; next++)
        {
            var item = _items[next];
            if (item.Rejection is not null) continue;
            if (item.IsFetched)
            {
                if (_run.Count > 0) break;
                _items[next] = AppendFetched(log, item);
                return next + 1;
            }

            if (epoch is { } e && e != item.Epoch) break;
            epoch = item.Epoch;
            _run.Add(next);
        }

        while (_run.Count > 0 && !TryAppend(log, epoch!.Value))
        {
        }

        return next;
    }

    private static Item AppendFetched(JournalLog log, in Item item)
    {
        var fetched = (RecordBatchEvent)item.Events[0].Payload;
        var result = log.Log.AppendAsFollower(fetched.Batch);
        if (result.Status == AppendStatus.DiskFull) return item with { Rejection = new JournalFullException(item.Events[0].PersistenceId) };
        if (result.IsOk) return item with { Place = new AppendedBatch(fetched.BaseOffset, fetched.LastOffset, AppendTimeMs: -1) };
        var text = $"Batches fetched for [{item.Events[0].PersistenceId}] were refused: {result.Status} ({result.Fault}).";
        return item with { Rejection = new EventRefusedException(text) { Status = result.Status } };
    }

    /// <summary>False when one item was taken out of the run and the rest is to be tried again.</summary>
    private bool TryAppend(JournalLog log, LeaderEpoch epoch)
    {
        _batches.Clear();
        foreach (var index in _run)
            _batches.Add(_items[index].Batch);
        CollectionsMarshal.SetCount(_appended, _run.Count);
        var places = CollectionsMarshal.AsSpan(_appended);
        var result = log.Log.Append(CollectionsMarshal.AsSpan(_batches), epoch, places);
        switch (result.Status)
        {
            case AppendStatus.Ok:
                for (var i = 0; i < _run.Count; i++)
                    _items[_run[i]] = _items[_run[i]] with { Place = places[i] };
                return true;
            case AppendStatus.DiskFull:
                foreach (var index in _run)
                    _items[index] = _items[index] with { Rejection = new JournalFullException(_items[index].Events[0].PersistenceId) };
                return true;
            case var status when result.FaultAt >= 0:
                var faulty = _run[result.FaultAt];
                var text = $"A batch for [{_items[faulty].Events[0].PersistenceId}] was refused: {status} ({result.Fault}).";
                _items[faulty] = _items[faulty] with { Rejection = new EventRefusedException(text) { Status = status } };
                _run.RemoveAt(result.FaultAt);
                return false;
            default:
                throw new InvariantException($"an append was refused as a whole: {result.Status} ({result.Fault})");
        }
    }

    private static void AnswerItem(WriteMessages message, in Item item)
    {
        for (var i = 0; i < item.Events.Count; i++)
        {
            var e = item.Events[i];
            if (item.Rejection is not null)
            {
                JournalAnswers.Rejected(message, e, item.Rejection);
                continue;
            }

            var sequenceNr = item.Place.BaseOffset.Value + i + 1;
            if (e.Payload is RecordBatchEvent batch)
            {
                batch.Complete(item.Place);
                sequenceNr = batch.SequenceNr;
            }

            JournalAnswers.Stored(message, e, sequenceNr);
        }
    }

    private void Clear()
    {
        _messages.Clear();
        _items.Clear();
        _batches.Clear();
        _usedBuilders = 0;
    }

    /// <summary>One atomic write: to be appended, unless it has been rejected.</summary>
    private readonly record struct Item(IImmutableList<IPersistentRepresentation> Events, Exception? Rejection)
    {
        public Memory<byte> Batch { get; init; }

        public LeaderEpoch Epoch { get; init; }

        public bool IsFetched { get; init; }

        public AppendedBatch Place { get; init; }
    }
}

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

    /// <summary>Of record batches: what was persisted by somebody who has not heard of so many is rejected as well.</summary>
    private int _rejections;

    public bool IsEmpty => _messages.Count == 0;

    public void Add(WriteMessages message) => _messages.Add(message);

    /// <summary>Another incarnation of the persister begins, which counts anew.</summary>
    public void Begin() => _rejections = 0;

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
                if (_items[^1].Rejection is { } rejection) Reject(_items.Count - 1, rejection);
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

    private Item Accept(JournalLog log, AtomicWrite write, IImmutableList<IPersistentRepresentation> events, RecordBatchEvent batch)
    {
        if (log.Content != JournalLogContent.RecordBatches)
            throw new EventRefusedException($"[{write.PersistenceId}] is not a log of record batches.");
        if (events.Count > 1)
            throw new EventRefusedException($"An atomic write of [{write.PersistenceId}] holds {events.Count} events: a record batch can only be stored alone.");
        if (IsBehindRejected(batch)) throw BehindRejected(write.PersistenceId);
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
                AppendFetched(log, next);
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

    private void AppendFetched(JournalLog log, int index)
    {
        var item = _items[index];
        var fetched = (RecordBatchEvent)item.Events[0].Payload;
        var result = log.Log.AppendAsFollower(fetched.Batch);
        if (result.IsOk) _items[index] = item with { Place = new AppendedBatch(fetched.BaseOffset, fetched.LastOffset, AppendTimeMs: -1) };
        else Reject(index, Refusal(item, result.Status, result.Fault));
    }

    private static Exception Refusal(in Item item, AppendStatus status, BatchFault fault)
    {
        var id = item.Events[0].PersistenceId;
        return status == AppendStatus.DiskFull
            ? new JournalFullException(id)
            : new EventRefusedException($"A batch for [{id}] was refused: {status} ({fault}).") { Status = status };
    }

    /// <summary>With it goes what is ordered behind it.</summary>
    private void Reject(int index, Exception cause)
    {
        _items[index] = _items[index] with { Rejection = cause };
        if (_items[index].Events[0].Payload is not RecordBatchEvent { RejectionsHeard: >= 0 } rejected) return;
        _rejections = Math.Max(_rejections, rejected.RejectionsHeard + 1);
        for (var next = index + 1; next < _items.Count; next++)
        {
            if (_items[next].Rejection is null && _items[next].Events[0].Payload is RecordBatchEvent behind && IsBehindRejected(behind))
                _items[next] = _items[next] with { Rejection = cause as JournalFullException ?? (Exception)BehindRejected(_items[next].Events[0].PersistenceId) };
        }
    }

    private bool IsBehindRejected(RecordBatchEvent batch) => batch.RejectionsHeard >= 0 && batch.RejectionsHeard < _rejections;

    private static EventRefusedException BehindRejected(string persistenceId) =>
        new($"A batch for [{persistenceId}] stands behind one that was rejected.") { IsBehindRejected = true };

    /// <summary>False when something was taken out of the run and the rest is to be tried again.</summary>
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
                    Reject(index, Refusal(_items[index], result.Status, result.Fault));
                return true;
            case var status when result.FaultAt >= 0:
                var faulty = _run[result.FaultAt];
                Reject(faulty, Refusal(_items[faulty], status, result.Fault));
                _run.RemoveAll(index => _items[index].Rejection is not null);
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

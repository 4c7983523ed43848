using System.Collections.Immutable;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// Drives the quorum of one persistence id: the writer's core, this node's voter, and through the transport the others. A
/// recovery bids for a new epoch unless this writer leads already; a write is answered once it is committed. A fault of
/// this node's disk, or a higher epoch, fails what is under way and everything after it until the next recovery.
/// </summary>
internal sealed class QuorumWriter : UntypedActor
{
    private readonly string _persistenceId;
    private readonly IVoterTransport _others;
    private readonly JournalLogs _logs;
    private readonly EventCodec _codec;
    private readonly Func<IPersistentRepresentation, IPersistentRepresentation> _adaptToJournal;
    private readonly Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> _adaptFromJournal;
    private readonly ILoggingAdapter _warn = Context.GetLogger();
    private readonly QuorumWriterCore _writer;
    private readonly List<WriteMessages> _queued = [];
    private readonly Queue<ProposedWrite> _proposed = new();
    private readonly List<ReplayMessages> _recovering = [];
    private readonly List<VoterEffect> _voterEffects = [];
    private VoterStore? _store;
    private VoterCore? _voter;
    private Exception? _fault;
    private bool _writeIsDue;

    public QuorumWriter(
        string persistenceId,
        IVoterTransport others,
        Func<IPersistentRepresentation, IPersistentRepresentation> adaptToJournal,
        Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal)
    {
        var system = (ExtendedActorSystem)Context.System;
        _persistenceId = persistenceId;
        _others = others;
        _logs = JournalLogs.For(system);
        _codec = new EventCodec(system);
        _adaptToJournal = adaptToJournal;
        _adaptFromJournal = adaptFromJournal;
        _writer = new QuorumWriterCore(_logs.Quorum.Voters);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                _queued.Add(write);
                if (_writeIsDue) return;
                _writeIsDue = true;
                // Comes behind whatever is queued now, so that goes into the same write.
                Self.Tell(WriteDue.Instance);
                return;
            case WriteDue:
                _writeIsDue = false;
                Propose();
                return;
            case VoterReply reply:
                Guarded(effects => _writer.OnReply(reply, effects));
                return;
        }

        Propose();
        switch (message)
        {
            case ReplayMessages replay:
                OnReplay(replay);
                break;
            case DeleteMessagesTo delete:
                Delete(delete);
                break;
            case CutSuffix cut:
                Sender.Tell(new CutFailed(_persistenceId, new NotSupportedException("What a quorum committed is never cut.")), Self);
                break;
            case RunOnLog run:
                Sender.Tell(new LogWorkFailed(_persistenceId, new NotSupportedException("A quorum's log is its own.")), Self);
                break;
            case ReleaseLog:
                Context.Stop(Self);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    protected override void PostStop()
    {
        FailAll(new OperationCanceledException($"The journal of [{_persistenceId}] is stopping."));
        try
        {
            if (_fault is null && _store is not null) _logs.Close(_persistenceId);
        }
        catch (Exception cause)
        {
            _warn.Error(cause, "The log of [{0}] could not be closed cleanly; it will be checked when it is opened.", _persistenceId);
        }
    }

    private void OnReplay(ReplayMessages message)
    {
        if (_writer.Phase == WriterPhase.Leading && _fault is null)
        {
            Replay(message);
            return;
        }

        _recovering.Add(message);
        if (_fault is null && _writer.Phase is WriterPhase.Bidding or WriterPhase.Starting) return;
        try
        {
            Open();
        }
        catch (Exception cause)
        {
            OnFault(cause);
            return;
        }

        Guarded(_writer.Start);
    }

    private void Open()
    {
        if (_store is not null && _fault is null) return;
        var log = _store is null ? _logs.Open(_persistenceId) : _logs.Reopen(_persistenceId, _store.Log);
        Invariant.Check(log is { Content: JournalLogContent.Events }, "a quorum's log holds events and is not registered");
        _store = new VoterStore(log, _logs.Storage.Files, _logs.Quorum.Self);
        _voter = _store.Load();
        _fault = null;
    }

    private void Replay(ReplayMessages message)
    {
        var actor = message.PersistentActor;
        try
        {
            var replay = new LogReplay(_store!.Log, _persistenceId, _codec, stored =>
            {
                foreach (var adapted in _adaptFromJournal(stored))
                    actor.Tell(new ReplayedMessage(adapted), ActorRefs.NoSender);
            });
            replay.Run(message.FromSequenceNr, Math.Min(message.ToSequenceNr, _writer.Committed), message.Max);
            actor.Tell(new RecoverySuccess(_writer.Committed), Self);
        }
        catch (Exception cause)
        {
            actor.Tell(new ReplayMessagesFailure(cause), Self);
        }
    }

    private void Propose()
    {
        if (_queued.Count == 0) return;
        if (_fault is not null || _writer.Phase != WriterPhase.Leading)
        {
            FailAll(_fault ?? new IOException($"[{_persistenceId}] has no writer: it must recover first."));
            return;
        }

        var entries = ImmutableArray.CreateBuilder<QuorumEntry>();
        var last = _writer.Last;
        foreach (var message in _queued)
        {
            var items = new List<(AtomicWrite Write, Exception? Rejection, long First)>();
            foreach (var envelope in message.Messages)
            {
                if (envelope is not AtomicWrite write) continue;
                try
                {
                    var entry = Encode(last, write);
                    items.Add((write, null, last.Sequence + 1));
                    entries.Add(entry);
                    last = entry.Id;
                }
                catch (Exception refusal) when (refusal is EventRefusedException or JournalFullException)
                {
                    items.Add((write, refusal, 0));
                }
            }

            _proposed.Enqueue(new ProposedWrite(message, items, last.Sequence));
        }

        _queued.Clear();
        if (entries.Count == 0) Answer();
        else Guarded(effects => _writer.Propose(entries.ToImmutable(), effects));
    }

    private QuorumEntry Encode(EntryId last, AtomicWrite write)
    {
        var events = JournalAnswers.EventsOf(write);
        using var builder = new RecordBatchBuilder(Array.MaxLength);
        _codec.Encode(builder, events, _adaptToJournal, _logs.Storage.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var batch = Finish(builder, last);
        // Told now: an entry that was proposed can't be taken back.
        var storage = _logs.Storage;
        if (storage.Reserve?.TryTake(batch.Length) == false || storage.Files.FreeBytes(_store!.Log.Log.Directory) < batch.Length)
            throw new JournalFullException(_persistenceId);
        return new QuorumEntry(last, new EntryId(_writer.Epoch, last.Sequence + events.Count), batch, default);
    }

    private ReadOnlyMemory<byte> Finish(RecordBatchBuilder builder, EntryId last)
    {
        builder.BaseOffset = new Offset(last.Sequence);
        builder.PartitionLeaderEpoch = _writer.Epoch;
        return builder.Build().ToArray();
    }

    private void Guarded(Action<List<WriterEffect>> step)
    {
        try
        {
            var effects = new List<WriterEffect>();
            step(effects);
            // Performing one may add more behind it: this node's voter answers at once.
            for (var i = 0; i < effects.Count; i++)
                Perform(effects[i], effects);
        }
        catch (Exception cause)
        {
            OnFault(cause);
        }
    }

    private void Perform(in WriterEffect effect, List<WriterEffect> effects)
    {
        switch (effect.Kind)
        {
            case WriterEffectKind.Send when effect.To == _logs.Quorum.Self.Broker:
                Vote(effect.Request!, effects);
                break;
            case WriterEffectKind.Send:
                _others.Send(effect.To, effect.Request!);
                break;
            case WriterEffectKind.Read when effect.Source != _logs.Quorum.Self.Broker:
                _others.Read(effect);
                break;
            case WriterEffectKind.Read when effect.To == BrokerId.None:
                _writer.OnAdopted(_voter!.Log.Copy(), effects);
                break;
            case WriterEffectKind.Read:
                _writer.OnRead(effect.To, effect.From, _store!.Read(effect.From, effect.Through), effects);
                break;
            case WriterEffectKind.EncodeMembers:
                using (var builder = new RecordBatchBuilder(Array.MaxLength) { IsControl = true })
                {
                    builder.TryAppend(_logs.Storage.Time.GetUtcNow().ToUnixTimeMilliseconds(), key: null, MembersCodec.Encode(effect.Members));
                    _writer.OnMembersEncoded(effect.Members, Finish(builder, _writer.Last), effects);
                }

                break;
            case WriterEffectKind.Ready:
                foreach (var replay in _recovering)
                    Replay(replay);
                _recovering.Clear();
                break;
            case WriterEffectKind.Committed:
                Answer();
                break;
            case WriterEffectKind.Lost:
                FailAll(new IOException($"[{_persistenceId}] has another writer, of epoch {effect.Epoch}."));
                break;
        }
    }

    private void Vote(VoterRequest request, List<WriterEffect> effects)
    {
        _voterEffects.Clear();
        _voter!.Step(request, _voterEffects);
        foreach (var effect in _voterEffects)
        {
            if (effect.Kind == VoterEffectKind.Reply) _writer.OnReply(effect.Answer!, effects);
            else _store!.Perform(effect);
        }
    }

    private void Answer()
    {
        while (_proposed.TryPeek(out var next) && next.End <= _writer.Committed)
        {
            _proposed.Dequeue();
            next.Message.PersistentActor.Tell(WriteMessagesSuccessful.Instance, Self);
            var items = next.Items.GetEnumerator();
            foreach (var envelope in next.Message.Messages)
            {
                if (envelope is not AtomicWrite write)
                {
                    JournalAnswers.Loop(next.Message, envelope);
                    continue;
                }

                items.MoveNext();
                var number = items.Current.First;
                foreach (var e in JournalAnswers.EventsOf(write))
                {
                    if (items.Current.Rejection is { } refusal) JournalAnswers.Rejected(next.Message, e, refusal);
                    else JournalAnswers.Stored(next.Message, e, number++);
                }
            }
        }
    }

    private void Delete(DeleteMessagesTo message)
    {
        var answer = message.PersistentActor;
        if (_fault is not null || _writer.Phase != WriterPhase.Leading || message.ToSequenceNr > _writer.Committed)
        {
            var cause = new ArgumentException($"Can't delete to {message.ToSequenceNr}: [{_persistenceId}] is committed up to {_writer.Committed}.", nameof(message));
            answer.Tell(new DeleteMessagesFailure(_fault ?? cause, message.ToSequenceNr), Self);
            return;
        }

        try
        {
            if (message.ToSequenceNr > _store!.Log.Log.LogStartOffset.Value) _store.DeleteTo(message.ToSequenceNr, _voter!.Log);
            answer.Tell(new DeleteMessagesSuccess(message.ToSequenceNr), Self);
        }
        catch (Exception cause)
        {
            OnFault(cause);
            answer.Tell(new DeleteMessagesFailure(cause, message.ToSequenceNr), Self);
        }
    }

    private void OnFault(Exception cause)
    {
        if (_fault is null) _warn.Error(cause, "The log of [{0}] failed; it takes no more writes until it is opened anew.", _persistenceId);
        _fault = cause;
        FailAll(cause);
    }

    private void FailAll(Exception cause)
    {
        foreach (var write in _proposed)
            JournalAnswers.Failed(write.Message, cause, Self);
        foreach (var message in _queued)
            JournalAnswers.Failed(message, cause, Self);
        foreach (var replay in _recovering)
            replay.PersistentActor.Tell(new ReplayMessagesFailure(cause), Self);
        _proposed.Clear();
        _queued.Clear();
        _recovering.Clear();
    }

    /// <param name="Items">For each atomic write why it was rejected, or the number of its first event.</param>
    /// <param name="End">Commits with this sequence number.</param>
    private sealed record ProposedWrite(WriteMessages Message, List<(AtomicWrite Write, Exception? Rejection, long First)> Items, long End);

    private sealed class WriteDue
    {
        public static readonly WriteDue Instance = new();
    }
}

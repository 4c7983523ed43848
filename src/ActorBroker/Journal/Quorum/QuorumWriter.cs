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
internal sealed class QuorumWriter : UntypedActor, IWithTimers
{
    /// <summary>Until what has no answer is asked again; doubles each time, and other nodes are never left alone for longer than the last.</summary>
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(2);

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
    private readonly LocalVoter _voter;
    private readonly VoterFrameReader _frames = new();
    private Exception? _fault;
    private bool _writeIsDue;
    private bool _isOpen;

    /// <summary>Who recovered in this epoch.</summary>
    private IActorRef? _leadsFor;
    private TimeSpan _retryAfter = FirstRetry;

    /// <summary>Two nodes' differ, by their disks' ids.</summary>
    private readonly Random _random;

    public QuorumWriter(
        string persistenceId,
        Func<IPersistentRepresentation, IPersistentRepresentation> adaptToJournal,
        Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal)
    {
        var system = (ExtendedActorSystem)Context.System;
        _persistenceId = persistenceId;
        _logs = JournalLogs.For(system);
        _voter = _logs.Voter(persistenceId);
        _others = new RemoteVoters(persistenceId, _logs.Quorum, system, Self);
        _random = new Random(_logs.Quorum.Self.GetHashCode());
        _codec = new EventCodec(system);
        _adaptToJournal = adaptToJournal;
        _adaptFromJournal = adaptFromJournal;
        _writer = new QuorumWriterCore(_logs.Quorum.InitialVoters);
    }

    private bool IsAlone => _logs.Quorum.InitialVoters.Length == 1;

    public ITimerScheduler Timers { get; set; } = null!;

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
            case VoterFrame frame:
                OnFrame(frame);
                return;
            case RetryDue:
                _retryAfter = TimeSpan.FromTicks(Math.Min(_retryAfter.Ticks * 2, LastRetry.Ticks));
                if (_fault is null) Guarded(_writer.OnTick);
                SetRetry();
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
            case ChangeVoters change:
                Sender.Tell(new VotersNotChanged(_persistenceId, VoterRefusal.NotLeading, "This node's writer does not lead."), Self);
                break;
            case DescribeQuorum:
                Sender.Tell(new QuorumNotLed(_persistenceId), Self);
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
            if (_isOpen) _voter.Release();
        }
        catch (Exception cause)
        {
            _warn.Error(cause, "The log of [{0}] could not be closed cleanly; it will be checked when it is opened.", _persistenceId);
        }
    }

    private void OnReplay(ReplayMessages message)
    {
        if (_fault is null && _writer.Phase == WriterPhase.Leading)
        {
            // Since another actor recovered here there may have been a writer elsewhere that this one has not heard of.
            if (IsAlone || message.PersistentActor.Equals(_leadsFor))
            {
                _recovering.Add(message);
                ReplayWhatIsHeld();
                return;
            }

            FailAll(new IOException($"[{_persistenceId}] has another writer on this node."));
        }

        _leadsFor = message.PersistentActor;
        _recovering.Add(message);

        if (_fault is null && _writer.Phase is WriterPhase.Bidding or WriterPhase.Starting) return;
        try
        {
            _isOpen = true;
            _voter.Open();
            _fault = null;
        }
        catch (Exception cause)
        {
            OnFault(cause);
            return;
        }

        Guarded(_writer.Start);
        RetrySoon();
    }

    private void OnFrame(VoterFrame frame)
    {
        VoterMessage? message;
        try
        {
            message = _frames.OnFrame(frame, Sender);
        }
        catch (IOException damage)
        {
            _warn.Warning("An answer of voter {0} for [{1}] was dropped: {2}", frame.From, _persistenceId, damage.Message);
            return;
        }

        if (message is null || _fault is not null) return;
        switch (message.Content)
        {
            case VoterReply reply:
                Guarded(effects => _writer.OnReply(reply, effects));
                break;
            case EntriesRead read when read.Epoch == _writer.Epoch:
                Guarded(effects => _writer.OnRead(read.To, read.From, read.Entries, effects));
                break;
            case IndexRead read when read.Epoch == _writer.Epoch:
                Guarded(effects => _writer.OnAdopted(read.Index, effects));
                break;
        }
    }

    private void RetrySoon()
    {
        if (IsAlone || (_retryAfter == FirstRetry && Timers.IsTimerActive(RetryDue.Instance))) return;
        _retryAfter = FirstRetry;
        SetRetry();
    }

    private void SetRetry()
    {
        // Writers that bid against each other must not do so in step.
        var jitter = 0.75 + (0.5 * _random.NextDouble());
        Timers.StartSingleTimer(RetryDue.Instance, RetryDue.Instance, _retryAfter * jitter);
    }

    private void ReplayWhatIsHeld()
    {
        if (_writer.Phase != WriterPhase.Leading || _writer.HeldBy(_logs.Quorum.Self) < _writer.Committed) return;
        foreach (var replay in _recovering)
            Replay(replay);
        _recovering.Clear();
    }

    private void Replay(ReplayMessages message)
    {
        var actor = message.PersistentActor;
        try
        {
            var replay = new LogReplay(_voter.Log, _persistenceId, _codec, stored =>
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
        else
        {
            Guarded(effects => _writer.Propose(entries.ToImmutable(), effects));
            RetrySoon();
        }
    }

    private QuorumEntry Encode(EntryId last, AtomicWrite write)
    {
        var events = JournalAnswers.EventsOf(write);
        using var builder = new RecordBatchBuilder(Array.MaxLength);
        _codec.Encode(builder, events, _adaptToJournal, _logs.Storage.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var batch = Finish(builder, last);
        if (!IsAlone && batch.Length > VoterFrame.MaxEntry)
            throw new EventRefusedException($"The event takes {batch.Length} bytes; a quorum of several voters takes at most {VoterFrame.MaxEntry}.");
        // Told now: an entry that was proposed can't be taken back.
        var storage = _logs.Storage;
        if (storage.Reserve?.TryTake(batch.Length) == false || storage.Files.FreeBytes(_voter.Log.Log.Directory) < batch.Length)
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
            if (_recovering.Count > 0) ReplayWhatIsHeld();
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
                _writer.OnReply(_voter.Step(effect.Request!), effects);
                break;
            case WriterEffectKind.Send:
                _others.Send(effect.To, effect.Request!);
                break;
            case WriterEffectKind.Read when effect.Source != _logs.Quorum.Self.Broker:
                _others.Read(_writer.Epoch, effect);
                break;
            case WriterEffectKind.Read when effect.To == BrokerId.None:
                _writer.OnAdopted(_voter.Index(), effects);
                break;
            case WriterEffectKind.Read:
                _writer.OnRead(effect.To, effect.From, _voter.Read(effect.From, effect.Through, QuorumWriterCore.MaxRequestBytes), effects);
                break;
            case WriterEffectKind.EncodeMembers:
                using (var builder = new RecordBatchBuilder(Array.MaxLength) { IsControl = true })
                {
                    builder.TryAppend(_logs.Storage.Time.GetUtcNow().ToUnixTimeMilliseconds(), key: null, MembersCodec.Encode(effect.Members));
                    _writer.OnMembersEncoded(effect.Members, Finish(builder, _writer.Last), effects);
                }

                break;
            case WriterEffectKind.Ready:
                // The events are read from this node's log, which may lack some: ReplayWhatIsHeld.
                break;
            case WriterEffectKind.Committed:
                Answer();
                break;
            case WriterEffectKind.Lost:
                FailAll(new IOException($"[{_persistenceId}] has another writer, of epoch {effect.Epoch}."));
                break;
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
        if (!IsAlone)
        {
            // A voter that lacks them could never get them, and what the snapshot says that stands for them lies on this node only.
            answer.Tell(new DeleteMessagesFailure(new NotSupportedException("A quorum of several voters keeps its events."), message.ToSequenceNr), Self);
            return;
        }

        if (_fault is not null || _writer.Phase != WriterPhase.Leading || message.ToSequenceNr > _writer.Committed)
        {
            var cause = new ArgumentException($"Can't delete to {message.ToSequenceNr}: [{_persistenceId}] is committed up to {_writer.Committed}.", nameof(message));
            answer.Tell(new DeleteMessagesFailure(_fault ?? cause, message.ToSequenceNr), Self);
            return;
        }

        try
        {
            _voter.DeleteTo(message.ToSequenceNr);
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

    private sealed class RetryDue
    {
        public static readonly RetryDue Instance = new();
    }

    private sealed class WriteDue
    {
        public static readonly WriteDue Instance = new();
    }
}

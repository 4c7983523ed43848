using System.Security.Cryptography;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// Drives the quorum of one persistence id: the writer's core, this node's disk, and through the transport the others'. A
/// recovery bids for a new epoch, unless this writer leads for the same actor or nobody else has a part in the quorum; a
/// write is answered once it is committed. A fault of this node's disk, a higher epoch, or no progress for too long fails
/// what is under way and everything after it until the next recovery. When the actor is gone nobody is asked any more.
/// </summary>
internal sealed class QuorumWriter : LogWriter
{
    private readonly QuorumOptions _options;
    private readonly RemoteVoters _others;
    private readonly QuorumWriterCore _core;
    private readonly ProposedWrites _writes;
    private readonly List<ReplayMessages> _recovering = [];
    private readonly List<DeleteMessagesTo> _deleting = [];
    private readonly LocalVoter _voter;
    private readonly FollowerTimes _times;
    private readonly QuorumDriver _driver;
    private readonly VoterFrameReader _frames = new();
    private readonly Member _self;

    /// <summary>Two nodes' differ, by their disks' ids.</summary>
    private readonly Random _random;

    private bool _isOpen;
    private IActorRef? _leadsFor; // who recovered in this epoch
    private TimeSpan _retryAfter;
    private (IActorRef From, long Since)? _change; // who asked for one
    private (long Committed, long Since)? _stalled; // uncommitted entries, and no progress

    public QuorumWriter(
        QuorumOptions options,
        string persistenceId,
        Func<IPersistentRepresentation, IPersistentRepresentation> adaptToJournal,
        Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal)
        : base(persistenceId, adaptFromJournal)
    {
        _options = options;
        _retryAfter = options.FirstRetry;
        _self = Logs.Quorum.Self;
        _voter = Logs.Voter(persistenceId);
        _others = new RemoteVoters(persistenceId, Logs.Quorum, Context.System, Self);
        _random = new Random(_self.GetHashCode());
        _writes = new ProposedWrites(Codec, adaptToJournal, Logs.Storage);
        _times = new FollowerTimes(Logs.Storage.Time);
        _core = new QuorumWriterCore(_self, BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))), Logs.Quorum.InitialVoters, QuorumRules.All);
        _driver = new QuorumDriver(_core, _self, _voter, _others, _times, Logs.Storage.Time, OnOutcome);
    }

    private TimeProvider Time => Logs.Storage.Time;

    protected override void Queue(WriteMessages message) => _writes.Add(message);

    protected override bool IsBehindWrites(object message) => message is not (VoterFrame or RetryDue);

    protected override void Handle(object message)
    {
        switch (message)
        {
            case VoterFrame frame:
                OnFrame(frame);
                break;
            case RetryDue:
                OnRetry();
                break;
            case ReplayMessages replay:
                OnReplay(replay);
                break;
            case DeleteMessagesTo delete:
                OnDelete(delete);
                break;
            case ChangeVoters change:
                OnChange(change);
                break;
            case DescribeQuorum:
                Sender.Tell(_core.Phase == WriterPhase.Leading ? _times.Describe(PersistenceId, _self.Broker, _core) : new QuorumNotLed(PersistenceId), Self);
                break;
            case CutSuffix:
                Sender.Tell(new CutFailed(PersistenceId, new NotSupportedException("What a quorum committed is never cut.")), Self);
                break;
            case RunOnLog:
                Sender.Tell(new LogWorkFailed(PersistenceId, new NotSupportedException("A quorum's log is its own.")), Self);
                break;
            case Terminated gone:
                if (gone.ActorRef.Equals(_leadsFor)) OnActorGone();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    protected override void FailWrites(Exception cause) => FailAll(cause);

    protected override void Close()
    {
        if (_isOpen) _voter.Release();
    }

    protected override void Write()
    {
        if (!_writes.HasQueued) return;
        if (Fault is not null || _core.Phase != WriterPhase.Leading)
        {
            _writes.AnswerFailed(Fault ?? new IOException($"[{PersistenceId}] has no writer: it must recover first."), Self);
            return;
        }

        var entries = _writes.Encode(_core.Last, _core.Epoch, _voter.Log.Log.Directory);
        if (entries.IsEmpty)
        {
            _writes.AnswerCommitted(_core.Committed, Self);
            return;
        }

        Run(effects => _core.Propose(entries, effects));
        RetrySoon();
    }

    private void OnReplay(ReplayMessages message)
    {
        var isSame = message.PersistentActor.Equals(_leadsFor);
        Watch(message.PersistentActor);
        if (Fault is null && _core.Phase == WriterPhase.Leading)
        {
            // Since another actor recovered here there may have been a writer elsewhere that this one has not heard of; and
            // what the same actor wrote before it restarted must be decided before it reads.
            if (_core.IsAlone || (isSame && _writes.IsEmpty))
            {
                _recovering.Add(message);
                ReplayWhatIsHeld();
                return;
            }

            FailAll(new IOException($"[{PersistenceId}] recovers anew."));
        }

        _recovering.Add(message);
        if (Fault is null && _core.Phase is WriterPhase.Bidding or WriterPhase.Starting) return;
        try
        {
            _isOpen = true;
            _voter.Open();
            Fault = null;
        }
        catch (Exception cause)
        {
            OnFault(cause, "start");
            FailAll(cause);
            return;
        }

        _stalled = null;
        Run(_core.Start);
        if (_core.Phase != WriterPhase.Leading) _others.AskContacts(_core.Epoch);
        RetrySoon();
    }

    private void Watch(IActorRef actor)
    {
        if (actor.Equals(_leadsFor)) return;
        if (_leadsFor is not null) Context.Unwatch(_leadsFor);
        _leadsFor = Context.Watch(actor);
    }

    private void OnActorGone()
    {
        _leadsFor = null;
        // Nobody else could want the lead.
        if (_core.IsAlone) return;
        FailAll(new IOException($"The actor of [{PersistenceId}] is gone."));
        _core.Resign();
        Timers.Cancel(RetryDue.Instance);
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
            Warn.Warning("An answer of node {0} for [{1}] was dropped: {2}", frame.From, PersistenceId, damage.Message);
            return;
        }

        if (message is null || Fault is not null) return;
        switch (message.Content)
        {
            case VoterReply reply:
                Guarded(() => _driver.OnReply(reply));
                break;
            case EntriesRead read when read.Epoch == _core.Epoch:
                Guarded(() => _driver.OnRead(read));
                break;
            case IndexRead read when read.Epoch == _core.Epoch:
                Run(effects => _core.OnAdopted(read.Index, effects));
                break;
            case VotersKnown known:
                _others.Learn(known);
                Run(effects => _core.OnVotersKnown(known.Members.Select(member => member.Broker), effects));
                break;
        }
    }

    private void OnRetry()
    {
        if (Fault is not null || _core.IsAlone) return;
        _retryAfter = TimeSpan.FromTicks(Math.Min(_retryAfter.Ticks * 2, _options.LastRetry.Ticks));
        CheckProgress();
        CheckChange();
        if (_core.Phase == WriterPhase.Bidding) _others.AskContacts(_core.Epoch);
        Run(_core.OnTick);
        if (_core.Phase is WriterPhase.Bidding or WriterPhase.Starting or WriterPhase.Leading) SetRetry();
    }

    private void RetrySoon()
    {
        if (_core.IsAlone || (_retryAfter == _options.FirstRetry && Timers.IsTimerActive(RetryDue.Instance))) return;
        _retryAfter = _options.FirstRetry;
        SetRetry();
    }

    private void SetRetry()
    {
        // Writers that bid against each other must not do so in step.
        var jitter = 0.75 + (0.5 * _random.NextDouble());
        Timers.StartSingleTimer(RetryDue.Instance, RetryDue.Instance, _retryAfter * jitter);
    }

    /// <summary>Better a failed write, and an actor that bids anew, than one that waits for ever, or that rules over nobody.</summary>
    private void CheckProgress()
    {
        var isWaiting = _core.Last.Sequence > _core.Committed;
        if (_core.Phase != WriterPhase.Leading || (!isWaiting && _core.HasMajority))
        {
            _stalled = null;
            return;
        }

        if (_stalled is not { } stalled || stalled.Committed != _core.Committed)
        {
            _stalled = (_core.Committed, Time.GetTimestamp());
            return;
        }

        if (Time.GetElapsedTime(stalled.Since) <= _options.WriteTimeout) return;
        var what = isWaiting ? "took a write" : "answered";
        Warn.Warning("[{0}]: no majority of the voters {1} for {2}; it has no writer until it recovers.", PersistenceId, what, _options.WriteTimeout);
        _core.Resign();
        LoseLead(new TimeoutException($"No majority of the voters of [{PersistenceId}] {what} for {_options.WriteTimeout}."));
    }

    private void OnChange(ChangeVoters change)
    {
        VoterRefusal? refusal = VoterRefusal.NotLeading;
        if (_change is not null) refusal = VoterRefusal.ChangeUnderWay;
        else if (Fault is null && change.Change == VoterChange.Add && !_others.Knows(change.Broker)) refusal = VoterRefusal.UnknownAddress;
        else if (Fault is null)
        {
            // A change that needs nobody else is made at once.
            _change = (Sender, Time.GetTimestamp());
            Run(effects => refusal = _core.AskChange(change.Change, change.Broker, effects));
            if (refusal is not null) _change = null;
        }

        if (refusal is { } reason) Sender.Tell(new VotersNotChanged(PersistenceId, reason, $"Voter {change.Broker} of [{PersistenceId}]: {reason}."), Self);
        else RetrySoon();
    }

    private void CheckChange()
    {
        if (_change is not { } change || Time.GetElapsedTime(change.Since) < _options.CatchUpTimeout || !_core.TryAbandonChange()) return;
        AnswerChange(new VotersNotChanged(PersistenceId, VoterRefusal.NotCaughtUp, $"It did not hold what is committed after {_options.CatchUpTimeout}."));
    }

    private void AnswerChange(object answer)
    {
        _change?.From.Tell(answer, Self);
        _change = null;
    }

    private void ReplayWhatIsHeld()
    {
        // The events are read from this node's log, which may lack some at first.
        if (!_core.IsHeldHere) return;
        foreach (var message in _recovering)
            Replay(message, () => (_voter.Log, _core.LogStart + 1, _core.Committed));
        _recovering.Clear();
    }

    private void Guarded(Action step)
    {
        try
        {
            step();
            if (_recovering.Count > 0) ReplayWhatIsHeld();
        }
        catch (Exception cause)
        {
            OnFault(cause, "write or a read");
            FailAll(cause);
        }
    }

    private void Run(Action<List<WriterEffect>> step) => Guarded(() => _driver.Run(step));

    private void OnOutcome(WriterEffect effect)
    {
        switch (effect.Kind)
        {
            case WriterEffectKind.Committed:
                _writes.AnswerCommitted(_core.Committed, Self);
                break;
            case WriterEffectKind.Deleted:
                AnswerDeleted(effect.Through);
                break;
            case WriterEffectKind.MembersChanged:
                AnswerChange(new VotersChanged(PersistenceId, [.. effect.Members.Select(member => member.Broker).Order()]));
                break;
            case WriterEffectKind.Lost:
                LoseLead(new IOException($"[{PersistenceId}] has another writer, of epoch {effect.Epoch}."));
                break;
        }
    }

    private void OnDelete(DeleteMessagesTo message)
    {
        if (Fault is not null || _core.Phase != WriterPhase.Leading || message.ToSequenceNr > _core.Committed)
        {
            var cause = new ArgumentException($"Can't delete to {message.ToSequenceNr}: [{PersistenceId}] is committed up to {_core.Committed}.", nameof(message));
            message.PersistentActor.Tell(new DeleteMessagesFailure(Fault ?? cause, message.ToSequenceNr), Self);
            return;
        }

        _deleting.Add(message);
        Run(effects => _core.DeleteTo(message.ToSequenceNr, effects));
        RetrySoon();
    }

    private void AnswerDeleted(long through)
    {
        foreach (var delete in _deleting)
        {
            if (delete.ToSequenceNr <= through) delete.PersistentActor.Tell(new DeleteMessagesSuccess(delete.ToSequenceNr), Self);
        }

        _deleting.RemoveAll(delete => delete.ToSequenceNr <= through);
    }

    /// <summary>The actor may be idle, and would go on to take itself for the only one.</summary>
    private void LoseLead(Exception cause)
    {
        FailAll(cause);
        _leadsFor?.Tell(new LeadLost(PersistenceId, cause), Self);
    }

    private void FailAll(Exception cause)
    {
        _writes.AnswerFailed(cause, Self);
        foreach (var replay in _recovering)
            replay.PersistentActor.Tell(new ReplayMessagesFailure(cause), Self);
        foreach (var delete in _deleting)
            delete.PersistentActor.Tell(new DeleteMessagesFailure(cause, delete.ToSequenceNr), Self);
        _recovering.Clear();
        _deleting.Clear();
        AnswerChange(new VotersNotChanged(PersistenceId, VoterRefusal.OutcomeUnknown, cause.Message));
    }

    private sealed class RetryDue
    {
        public static readonly RetryDue Instance = new();
    }
}

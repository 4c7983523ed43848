using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal;

/// <summary>
/// The one writer of one persistence id. It takes everything queued since its last write in one go; all else comes behind
/// the writes before it. A fault of the disk fails the write and every later one until the log has been opened anew, which
/// the next recovery asks for; other ids do not notice.
/// </summary>
internal abstract class LogWriter : UntypedActor, IWithTimers
{
    private readonly Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> _adaptFromJournal;
    private bool _writeIsDue;

    protected LogWriter(string persistenceId, Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal)
    {
        var system = (ExtendedActorSystem)Context.System;
        PersistenceId = persistenceId;
        Logs = JournalLogs.For(system);
        Codec = new EventCodec(system);
        _adaptFromJournal = adaptFromJournal;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected string PersistenceId { get; }

    protected JournalLogs Logs { get; }

    protected EventCodec Codec { get; }

    protected ILoggingAdapter Warn { get; } = Context.GetLogger();

    /// <summary>Set: the log refuses writes.</summary>
    protected Exception? Fault { get; set; }

    protected sealed override void OnReceive(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                Queue(write);
                if (_writeIsDue) return;
                _writeIsDue = true;
                // Comes behind whatever is queued now, so that goes into the same write.
                Self.Tell(WriteDue.Instance);
                return;
            case WriteDue:
                _writeIsDue = false;
                Write();
                return;
            case ReleaseLog:
                Write();
                Context.Stop(Self);
                return;
        }

        if (IsBehindWrites(message)) Write();
        Handle(message);
    }

    protected override void PostStop()
    {
        FailWrites(new OperationCanceledException($"The journal of [{PersistenceId}] is stopping."));
        try
        {
            Close();
        }
        catch (Exception cause)
        {
            Warn.Error(cause, "The log of [{0}] could not be closed cleanly; it will be checked when it is opened.", PersistenceId);
        }
    }

    protected abstract void Queue(WriteMessages message);

    /// <summary>All that is queued.</summary>
    protected abstract void Write();

    protected abstract void FailWrites(Exception cause);

    protected abstract void Close();

    protected virtual bool IsBehindWrites(object message) => true;

    protected abstract void Handle(object message);

    /// <param name="highest">What the actor is told to be the highest number; asked for before the events are read.</param>
    protected void Replay(ReplayMessages message, Func<(JournalLog Log, long From, long Highest)> highest)
    {
        var actor = message.PersistentActor;
        try
        {
            var (log, from, last) = highest();
            var replay = new LogReplay(log, PersistenceId, Codec, stored =>
            {
                if (stored.Payload is RecordBatchEvent)
                {
                    actor.Tell(new ReplayedMessage(stored), ActorRefs.NoSender);
                    return;
                }

                foreach (var adapted in _adaptFromJournal(stored))
                    actor.Tell(new ReplayedMessage(adapted), ActorRefs.NoSender);
            });
            replay.Run(Math.Max(message.FromSequenceNr, from), Math.Min(message.ToSequenceNr, last), message.Max);
            actor.Tell(new RecoverySuccess(last), Self);
        }
        catch (Exception cause)
        {
            actor.Tell(new ReplayMessagesFailure(cause), Self);
        }
    }

    protected void OnFault(Exception cause, string operation)
    {
        if (Fault is not null) return;
        Fault = cause;
        Warn.Error(cause, "The log of [{0}] failed in a {1}; it takes no more writes until it is opened anew.", PersistenceId, operation);
    }

    private sealed class WriteDue
    {
        public static readonly WriteDue Instance = new();
    }
}

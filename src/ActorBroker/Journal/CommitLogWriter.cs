using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal;

/// <summary>
/// The one writer of one persistence id's log. It takes everything queued since its last write in one go; all else comes
/// behind the writes before it. A fault of the disk fails the write and every later one until the log has been opened
/// anew, which the next recovery asks for; other ids do not notice.
/// </summary>
internal sealed class CommitLogWriter : UntypedActor, IWithTimers
{
    private readonly string _persistenceId;
    private readonly JournalLogs _logs;
    private readonly EventCodec _codec;
    private readonly Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> _adaptFromJournal;
    private readonly WriteGroup _group;
    private readonly ILoggingAdapter _warn = Context.GetLogger();
    private JournalLog? _log;
    private Exception? _fault; // set: the log refuses writes
    private bool _writeIsDue;

    public CommitLogWriter(
        string persistenceId,
        Func<IPersistentRepresentation, IPersistentRepresentation> adaptToJournal,
        Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal)
    {
        var system = (ExtendedActorSystem)Context.System;
        _persistenceId = persistenceId;
        _logs = JournalLogs.For(system);
        _codec = new EventCodec(system);
        _adaptFromJournal = adaptFromJournal;
        _group = new WriteGroup(_codec, adaptToJournal, _logs.Storage.Time);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                _group.Add(write);
                if (_writeIsDue) return;
                _writeIsDue = true;
                // Comes behind whatever is queued now, so that goes into the same write.
                Self.Tell(WriteDue.Instance);
                return;
            case WriteDue:
                _writeIsDue = false;
                Write();
                return;
            case FlushDue:
                Write();
                Flush();
                return;
        }

        Write();
        switch (message)
        {
            case ReplayMessages replay:
                Replay(replay);
                break;
            case DeleteMessagesTo delete:
                Delete(delete);
                break;
            case CutSuffix cut:
                Cut(cut);
                break;
            case RunOnLog run:
                Run(run);
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
        if (!_group.IsEmpty) _group.AnswerFailed(new OperationCanceledException($"The journal of [{_persistenceId}] is stopping."), Self);
        _group.Dispose();
        try
        {
            if (_fault is null) _logs.Close(_persistenceId);
        }
        catch (Exception cause)
        {
            _warn.Error(cause, "The log of [{0}] could not be closed cleanly; it will be checked when it is opened.", _persistenceId);
        }
    }

    private JournalLog Healthy() => _fault is null ? _log ??= _logs.Open(_persistenceId) : throw new LogFailedException(_persistenceId, "an earlier write", _fault);

    private void Write()
    {
        if (_group.IsEmpty) return;
        try
        {
            _group.Write(Healthy());
        }
        catch (Exception cause)
        {
            OnFault(cause, "write");
            _group.AnswerFailed(cause, Self);
            return;
        }

        _group.AnswerWritten(Self);
        if (_log!.Log.Options.FlushTime is { } age && _log.Log.RecoveryPoint < _log.Log.LogEndOffset && !Timers.IsTimerActive(FlushDue.Instance))
            Timers.StartSingleTimer(FlushDue.Instance, FlushDue.Instance, age);
    }

    private void Flush()
    {
        if (_fault is not null || _log is null) return;
        try
        {
            if (_log.Log.IsFlushDue) _log.Log.Flush();
        }
        catch (Exception cause)
        {
            OnFault(cause, "sync");
        }
    }

    private void Replay(ReplayMessages message)
    {
        var actor = message.PersistentActor;
        try
        {
            var log = Renewed();
            var replay = new LogReplay(log, _persistenceId, _codec, stored =>
            {
                if (stored.Payload is RecordBatchEvent)
                {
                    actor.Tell(new ReplayedMessage(stored), ActorRefs.NoSender);
                    return;
                }

                foreach (var adapted in _adaptFromJournal(stored))
                    actor.Tell(new ReplayedMessage(adapted), ActorRefs.NoSender);
            });
            replay.Run(message.FromSequenceNr, message.ToSequenceNr, message.Max);
            actor.Tell(new RecoverySuccess(log.Log.LogEndOffset.Value), Self);
        }
        catch (Exception cause)
        {
            actor.Tell(new ReplayMessagesFailure(cause), Self);
        }
    }

    /// <summary>The log that a new incarnation begins with: opened anew after a fault, or the one registered since.</summary>
    private JournalLog Renewed()
    {
        if (_fault is null)
        {
            var registered = _logs.Open(_persistenceId);
            return _log = registered;
        }

        var renewed = _log is null ? _logs.Open(_persistenceId) : _logs.Reopen(_persistenceId, _log);
        _log = renewed ?? throw new LogFailedException(_persistenceId, "an earlier write", _fault);
        _fault = null;
        return renewed;
    }

    private void Delete(DeleteMessagesTo message)
    {
        try
        {
            var log = Healthy();
            var to = new Offset(message.ToSequenceNr);
            if (to > log.HighWatermark)
                throw new ArgumentException($"Can't delete to {to}: the high watermark of [{_persistenceId}] is {log.HighWatermark}.", nameof(message));
            if (to > log.Log.LogStartOffset)
            {
                log.Log.AdvanceLogStartOffset(to);
                // A topic's retention is its partition's business.
                if (log.Content == JournalLogContent.Events) log.Log.DeleteOldSegments(log.HighWatermark);
            }

            message.PersistentActor.Tell(new DeleteMessagesSuccess(message.ToSequenceNr), Self);
        }
        catch (Exception cause)
        {
            if (cause is not ArgumentException) OnFault(cause, "delete");
            message.PersistentActor.Tell(new DeleteMessagesFailure(cause, message.ToSequenceNr), Self);
        }
    }

    private void Cut(CutSuffix message)
    {
        try
        {
            var log = Healthy();
            // In this order: a checkpoint that outlived the records before it would bring the lost tail back.
            new CheckpointFiles(_logs.Storage.Files, log.Log.Directory).DeleteBeyond(message.Offset.Value);
            log.Log.TruncateTo(message.Offset);
            Sender.Tell(new CutCompleted(_persistenceId, log.Log.LogEndOffset), Self);
        }
        catch (Exception cause)
        {
            OnFault(cause, "cut");
            Sender.Tell(new CutFailed(_persistenceId, cause), Self);
        }
    }

    private void Run(RunOnLog message)
    {
        try
        {
            Sender.Tell(new LogWorkCompleted(_persistenceId, message.Work(Healthy().Log)), Self);
        }
        catch (Exception cause)
        {
            // The log itself knows whether this fault ended it; a write finds out.
            Sender.Tell(new LogWorkFailed(_persistenceId, cause), Self);
        }
    }

    private void OnFault(Exception cause, string operation)
    {
        if (_fault is not null) return;
        _fault = cause;
        _warn.Error(cause, "The log of [{0}] failed in a {1}; it takes no more writes until it is opened anew.", _persistenceId, operation);
    }

    private sealed class WriteDue
    {
        public static readonly WriteDue Instance = new();
    }

    private sealed class FlushDue
    {
        public static readonly FlushDue Instance = new();
    }
}

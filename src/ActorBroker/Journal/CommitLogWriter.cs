using ActorBroker.Log;
using Akka.Persistence;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal;

/// <summary>Drives one persistence id's log, which is this node's alone or a copy that the broker replicates.</summary>
internal sealed class CommitLogWriter : LogWriter
{
    private readonly WriteGroup _group;
    private JournalLog? _log;

    public CommitLogWriter(
        string persistenceId,
        Func<IPersistentRepresentation, IPersistentRepresentation> adaptToJournal,
        Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal)
        : base(persistenceId, adaptFromJournal) =>
        _group = new WriteGroup(Codec, adaptToJournal, Logs.Storage.Time);

    protected override void Queue(WriteMessages message) => _group.Add(message);

    protected override void Handle(object message)
    {
        switch (message)
        {
            case FlushDue:
                Flush();
                break;
            case ReplayMessages replay:
                Replay(replay, () =>
                {
                    var log = Renewed();
                    _group.Begin();
                    return (log, 0, log.Log.LogEndOffset.Value);
                });
                break;
            case DeleteMessagesTo delete:
                Delete(delete);
                break;
            case CutSuffix cut:
                Cut(cut.Offset, log => log.TruncateTo(cut.Offset));
                break;
            case StartOver cut:
                Cut(Offset.None, log => log.TruncateFullyAndStartAt(cut.Offset));
                break;
            case RunOnLog run:
                Run(run);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    protected override void FailWrites(Exception cause)
    {
        if (!_group.IsEmpty) _group.AnswerFailed(cause, Self);
    }

    protected override void Close()
    {
        _group.Dispose();
        if (Fault is null) Logs.Close(PersistenceId);
    }

    private JournalLog Healthy() => Fault is null ? _log ??= Logs.Open(PersistenceId) : throw new LogFailedException(PersistenceId, "an earlier write", Fault);

    protected override void Write()
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
        if (Fault is not null || _log is null) return;
        try
        {
            if (_log.Log.IsFlushDue) _log.Log.Flush();
        }
        catch (Exception cause)
        {
            OnFault(cause, "sync");
        }
    }

    /// <summary>The log that a new incarnation begins with: opened anew after a fault, or the one registered since.</summary>
    private JournalLog Renewed()
    {
        if (Fault is null)
        {
            var registered = Logs.Open(PersistenceId);
            return _log = registered;
        }

        var renewed = _log is null ? Logs.Open(PersistenceId) : Logs.Reopen(PersistenceId, _log);
        _log = renewed ?? throw new LogFailedException(PersistenceId, "an earlier write", Fault);
        Fault = null;
        return renewed;
    }

    private void Delete(DeleteMessagesTo message)
    {
        try
        {
            var log = Healthy();
            var to = new Offset(message.ToSequenceNr);
            if (to > log.HighWatermark)
                throw new ArgumentException($"Can't delete to {to}: the high watermark of [{PersistenceId}] is {log.HighWatermark}.", nameof(message));
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

    private void Cut(Offset keep, Action<PartitionLog> cut)
    {
        try
        {
            var log = Healthy();
            // In this order: a checkpoint that outlived the records before it would bring the lost tail back.
            new CheckpointFiles(Logs.Storage.Files, log.Log.Directory).DeleteBeyond(keep.Value);
            cut(log.Log);
            Sender.Tell(new CutCompleted(PersistenceId, log.Log.LogEndOffset), Self);
        }
        catch (Exception cause)
        {
            OnFault(cause, "cut");
            Sender.Tell(new CutFailed(PersistenceId, cause), Self);
        }
    }

    private void Run(RunOnLog message)
    {
        try
        {
            Sender.Tell(new LogWorkCompleted(PersistenceId, message.Work(Healthy().Log)), Self);
        }
        catch (Exception cause)
        {
            // The log itself knows whether this fault ended it; a write finds out.
            Sender.Tell(new LogWorkFailed(PersistenceId, cause), Self);
        }
    }

    private sealed class FlushDue
    {
        public static readonly FlushDue Instance = new();
    }
}

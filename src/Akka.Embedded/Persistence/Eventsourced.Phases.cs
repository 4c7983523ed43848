using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Persistence;

// Phases of a persistent actor:
//
//   AwaitingPermit --RecoveryPermitGranted--> LoadingSnapshot --LoadSnapshotResult--> Replaying --RecoverySuccess--> Running
//        any failure or timeout before Running: OnRecoveryFailure, stop
//   Running is busy while handlers of Persist wait: commands are stashed then.
//
// One stashed command returns to the mailbox after each message, so commands keep their order.
public abstract partial class Eventsourced
{
    private readonly Receive _recoveryBehavior;
    private Phase _phase;
    private bool _recovered;
    private bool _holdsPermit;
    private bool _eventSinceTick;
    private bool _inCommand;
    private bool _taskRunning;
    private TimeSpan _recoveryTimeout;
    private ICancelable? _recoveryTimer;

    private enum Phase
    {
        AwaitingPermit,
        LoadingSnapshot,
        Replaying,
        Running,
        Stopping,
    }

    public override void AroundPreStart()
    {
        if (PersistenceId is null)
            throw new ArgumentNullException(nameof(PersistenceId), $"The PersistenceId of [{Self.Path}] is null.");
        // A missing plugin shows now, not at the first event.
        _ = Journal;
        _ = SnapshotStore;
        RequestPermit();
        base.AroundPreStart();
    }

    public override void AroundPreRestart(Exception cause, object message)
    {
        try
        {
            ReturnStashed();
        }
        finally
        {
            _recoveryTimer?.Cancel();
            FlushBatch();
            base.AroundPreRestart(cause, message switch
            {
                WriteMessageSuccess success => success.Persistent,
                LoopMessageSuccess loop => loop.Message,
                ReplayedMessage replayed => replayed.Persistent,
                _ => message,
            });
        }
    }

    public override void AroundPostRestart(Exception cause, object message)
    {
        RequestPermit();
        base.AroundPostRestart(cause, message);
    }

    public override void AroundPostStop()
    {
        try
        {
            _recoveryTimer?.Cancel();
            ReturnStashed();
        }
        finally
        {
            base.AroundPostStop();
        }
    }

    protected internal override bool AroundReceive(Receive receive, object message)
    {
        switch (_phase)
        {
            case Phase.Running:
                OnRunning(receive, message);
                break;
            case Phase.AwaitingPermit:
                if (message is RecoveryPermitGranted) StartRecovery();
                else _internalStash.Stash();
                break;
            case Phase.LoadingSnapshot or Phase.Replaying:
                OnRecovering(message);
                break;
        }

        return true;
    }

    protected override void Unhandled(object message)
    {
        switch (message)
        {
            case RecoveryCompleted:
                return;
            case SaveSnapshotFailure failure:
                Log.Warning("Failed to save snapshot [{0}]: {1}", failure.Metadata, failure.Cause);
                break;
            case DeleteSnapshotFailure failure:
                Log.Warning("Failed to delete snapshot [{0}]: {1}", failure.Metadata, failure.Cause);
                break;
            case DeleteSnapshotsFailure failure:
                Log.Warning("Failed to delete snapshots [{0}]: {1}", failure.Criteria, failure.Cause);
                break;
            case DeleteMessagesFailure failure:
                Log.Warning("Failed to delete events of [{0}] up to [{1}]: {2}", PersistenceId, failure.ToSequenceNr, failure.Cause);
                break;
        }

        base.Unhandled(message);
    }

    /// <summary>Runs an asynchronous command handler; nothing else reaches the actor until it ends.</summary>
    /// <exception cref="NotSupportedException">One is running already.</exception>
    protected void RunTask(Func<Task> action)
    {
        if (_taskRunning) throw new NotSupportedException("RunTask calls cannot be nested");
        _taskRunning = true;
        ActorTaskScheduler.RunTask(() => RunToEnd(action));
    }

    private async Task RunToEnd(Func<Task> action)
    {
        var failed = true;
        try
        {
            await action();
            failed = false;
        }
        finally
        {
            _taskRunning = false;
            // Where the handler ended without ever suspending, the receive that started it is still on the stack and does this.
            if (!_inCommand) AfterMessage(failed);
        }
    }

    private void OnRunning(Receive receive, object message)
    {
        if (message is IJournalResponse or RecoveryTick && OnJournalAnswer(message)) return;
        if (_pendingStashing > 0)
        {
            _internalStash.Stash();
            return;
        }

        var failed = true;
        _inCommand = true;
        try
        {
            base.AroundReceive(receive, message);
            failed = false;
        }
        finally
        {
            _inCommand = false;
            if (!_taskRunning) AfterMessage(failed);
        }
    }

    /// <summary>False for answers that are none of this phase's business; they are commands like any other.</summary>
    private bool OnJournalAnswer(object message)
    {
        switch (message)
        {
            case WriteMessageSuccess success:
                if (success.ActorInstanceId != _instanceId) break;
                FollowSequenceNr(success.Persistent.SequenceNr);
                RunHandler(success.Persistent.Payload);
                break;
            case LoopMessageSuccess loop:
                if (loop.ActorInstanceId == _instanceId) RunHandler(loop.Message);
                break;
            case WriteMessageRejected rejected:
                if (rejected.ActorInstanceId == _instanceId) OnRejected(rejected);
                break;
            case WriteMessageFailure failure:
                if (failure.ActorInstanceId == _instanceId) OnFailed(failure);
                break;
            case WriteMessagesSuccessful:
                _writeInProgress = false;
                FlushBatch();
                break;
            case WriteMessagesFailed failed:
                // With writes in it, a WriteMessageFailure follows and stops the actor.
                if (failed.WriteCount == 0) _writeInProgress = false;
                break;
            case RecoveryTick:
                break; // It was in the mailbox when its timer was cancelled.
            default:
                return false;
        }

        return true;
    }

    private void RunHandler(object @event)
    {
        var failed = true;
        try
        {
            _pendingHandlers.Peek().Run(@event);
            failed = false;
        }
        finally
        {
            DropHandler();
            AfterMessage(failed);
        }
    }

    private void OnRejected(WriteMessageRejected rejected)
    {
        FollowSequenceNr(rejected.Persistent.SequenceNr);
        DropHandler();
        AfterMessage(failed: false);
        OnPersistRejected(rejected.Cause, rejected.Persistent.Payload, rejected.Persistent.SequenceNr);
        FlushBatch();
    }

    private void OnFailed(WriteMessageFailure failure)
    {
        DropHandler();
        _phase = Phase.Stopping;
        try
        {
            OnPersistFailure(failure.Cause, failure.Persistent.Payload, failure.Persistent.SequenceNr);
        }
        finally
        {
            Context.Stop(Self);
        }
    }

    private void DropHandler()
    {
        if (_pendingHandlers.Dequeue().Stashing) _pendingStashing--;
    }

    /// <summary>After a failure all commands return to the mailbox: the next incarnation finds them there.</summary>
    private void AfterMessage(bool failed)
    {
        FlushBatch();
        if (_pendingStashing > 0) return;
        if (failed) _internalStash.UnstashAll();
        else _internalStash.Unstash();
    }

    private void FlushBatch()
    {
        if (_writeInProgress || _batch.Count == 0) return;
        _writeInProgress = true;
        var batch = _batch;
        _batch = [];
        Journal.Tell(new WriteMessages(batch, Self, _instanceId), Self);
    }

    private void FollowSequenceNr(long sequenceNr)
    {
        if (sequenceNr > LastSequenceNr) LastSequenceNr = sequenceNr;
    }

    private void ReturnStashed()
    {
        _internalStash.UnstashAll();
        _userStash?.UnstashAll(UnstashFilterPredicate);
    }
}

using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

// The phases before Running: the permit, the snapshot, the replay.
public abstract partial class Eventsourced
{
    private void RequestPermit() => Extension.RecoveryPermitter.Tell(RequestRecoveryPermit.Instance, Self);

    private void ReturnPermit()
    {
        if (!_holdsPermit) return;
        _holdsPermit = false;
        Extension.RecoveryPermitter.Tell(Akka.Persistence.ReturnRecoveryPermit.Instance, Self);
    }

    private void StartRecovery()
    {
        _holdsPermit = true;
        _phase = Phase.LoadingSnapshot;
        _recoveryTimeout = Extension.JournalConfigFor(JournalPluginId).GetTimeSpan("recovery-event-timeout", null, false);
        _recoveryTimer = Context.System.Scheduler.ScheduleTellOnceCancelable(_recoveryTimeout, Self, new RecoveryTick(snapshot: true), Self);
        var recovery = Recovery;
        LoadSnapshot(SnapshotterId, recovery.FromSnapshot, recovery.ToSequenceNr);
    }

    /// <summary>What escapes a recovery step goes to the supervisor, with the timer stopped and the permit back.</summary>
    private void OnRecovering(object message)
    {
        try
        {
            if (_phase == Phase.LoadingSnapshot) OnLoadingSnapshot(message);
            else OnReplaying(message);
        }
        catch
        {
            _recoveryTimer?.Cancel();
            ReturnPermit();
            throw;
        }
    }

    private void OnLoadingSnapshot(object message)
    {
        switch (message)
        {
            case LoadSnapshotResult { Snapshot: null } none:
                StartReplay(none.ToSequenceNr);
                break;
            case LoadSnapshotResult loaded:
                if (Offer(loaded.Snapshot!)) StartReplay(loaded.ToSequenceNr);
                break;
            case LoadSnapshotFailed failed:
                FailRecovery(failed.Cause);
                break;
            case RecoveryTick { Snapshot: true }:
                FailRecovery(new RecoveryTimedOutException($"Recovery timed out, didn't get snapshot within {_recoveryTimeout.TotalSeconds}s."));
                break;
            case RecoveryPermitGranted: // A second one, after a restart while waiting for the first.
                break;
            default:
                _internalStash.Stash();
                break;
        }
    }

    private bool Offer(SelectedSnapshot snapshot)
    {
        var before = LastSequenceNr;
        LastSequenceNr = snapshot.Metadata.SequenceNr;
        try
        {
            if (!base.AroundReceive(_recoveryBehavior, new SnapshotOffer(snapshot.Metadata, snapshot.Snapshot)))
                LastSequenceNr = before; // Not taken: the events before it are needed.
            return true;
        }
        catch (Exception cause)
        {
            FailRecovery(cause);
            return false;
        }
    }

    private void StartReplay(long toSequenceNr)
    {
        _recoveryTimer?.Cancel();
        _recoveryTimer = Context.System.Scheduler.ScheduleTellRepeatedlyCancelable(
            _recoveryTimeout, _recoveryTimeout, Self, new RecoveryTick(snapshot: false), Self);
        _phase = Phase.Replaying;
        Journal.Tell(new ReplayMessages(LastSequenceNr + 1, toSequenceNr, Recovery.ReplayMax, PersistenceId, Self), Self);
    }

    private void OnReplaying(object message)
    {
        switch (message)
        {
            case ReplayedMessage replayed:
                Replay(replayed.Persistent);
                break;
            case RecoverySuccess success:
                CompleteRecovery(success.HighestSequenceNr);
                break;
            case ReplayMessagesFailure failure:
                FailRecovery(failure.Cause);
                break;
            case RecoveryTick { Snapshot: false } when !_eventSinceTick:
                FailRecovery(new RecoveryTimedOutException(
                    $"Recovery timed out, didn't get event within {_recoveryTimeout.TotalSeconds}s, highest sequence number seen {LastSequenceNr}."));
                break;
            case RecoveryTick:
                _eventSinceTick = false;
                break;
            case RecoveryPermitGranted:
                break;
            default:
                _internalStash.Stash();
                break;
        }
    }

    private void Replay(IPersistentRepresentation persistent)
    {
        _eventSinceTick = true;
        FollowSequenceNr(persistent.SequenceNr);
        try
        {
            base.AroundReceive(_recoveryBehavior, persistent);
        }
        catch (Exception cause)
        {
            FailRecovery(cause, persistent.Payload);
        }
    }

    private bool OnRecoveryMessage(object message) =>
        ReceiveRecover(message is IPersistentRepresentation persistent ? persistent.Payload : message);

    private void CompleteRecovery(long highestSequenceNr)
    {
        _recoveryTimer?.Cancel();
        OnReplaySuccess();
        FollowSequenceNr(highestSequenceNr);
        _proposedSequenceNr = LastSequenceNr;
        _recovered = true;
        try
        {
            base.AroundReceive(_recoveryBehavior, RecoveryCompleted.Instance);
        }
        finally
        {
            // Even if the handler threw: a supervisor may decide to resume.
            _phase = Phase.Running;
            FlushBatch();
            if (_pendingStashing == 0) _internalStash.UnstashAll();
        }

        ReturnPermit();
    }

    private void FailRecovery(Exception cause, object? @event = null)
    {
        _recoveryTimer?.Cancel();
        _phase = Phase.Stopping;
        try
        {
            OnRecoveryFailure(cause, @event);
        }
        finally
        {
            Context.Stop(Self);
        }

        ReturnPermit();
    }
}

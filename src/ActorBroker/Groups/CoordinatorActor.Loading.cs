using ActorBroker.Protocol;
using ActorBroker.Replication;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Groups;

/// <summary>How a coordinator comes to serve, and how it ends. Between two stretches of the log others may ask.</summary>
internal sealed partial class CoordinatorActor
{
    private void Open()
    {
        _term++;
        if (_lead is not null) Self.Tell(new GoOn(_term), ActorRefs.NoSender);
    }

    /// <summary>What was found is not what it was: whoever keeps partitions needs a moment to say what is.</summary>
    private void Reopen(TimeSpan pause)
    {
        Close();
        _term++;
        GoOnAfter(pause);
    }

    private void OnGoOn(GoOn step)
    {
        if (step.Term != _term || _lead is null || _isServing) return;
        if (_handle is null && !TryFindPartition()) GoOnAfter(Pause);
        else if (TryRead(out var isThrough) && isThrough) ServeOnceCommitted();
    }

    /// <summary>The controller has decided that this node leads; the partition may not have heard yet.</summary>
    private bool TryFindPartition()
    {
        if (_setup.Partitions.Find(_lead!.Topic, _setup.Partition) is not { } handle) return false;
        if (handle.View is not { IsLeader: true } view || view.LeaderEpoch != _lead.Epoch) return false;
        _handle = handle;
        Context.Watch(handle.Actor);
        _core = new CoordinatorCore(_setup.Options, _setup.NewId);
        _loader = new CoordinatorLoader(handle.Log, _core, _setup.Options.LoadBufferBytes);
        _loadStartMs = NowMs;
        return true;
    }

    /// <summary>False: the log could not be read now.</summary>
    private bool TryRead(out bool isThrough)
    {
        isThrough = false;
        try
        {
            if (_loader!.TryReadMore(_handle!.View.LogEnd)) Self.Tell(new GoOn(_term), ActorRefs.NoSender);
            else isThrough = true;
            return true;
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException or InvalidDataException)
        {
            _log.Warning("{0} can't be loaded, trying again: {1}", _handle!.Partition, fault.Message);
            Reopen(PauseAfterFault);
            return false;
        }
    }

    /// <summary>What a former leader left is committed once the in-sync replicas have it; until then it could still be lost.</summary>
    private void ServeOnceCommitted()
    {
        var view = _handle!.View;
        if (!view.IsLeader || view.LeaderEpoch != _lead!.Epoch)
        {
            Reopen(Pause);
        }
        else if (view.HighWatermark >= view.LogEnd)
        {
            BecomeServing();
        }
        else
        {
            _handle.Actor.Tell(new PartitionProtocol.AwaitData(new RequestKey(Self, _term, 0), _lead.Epoch, view.HighWatermark), Self);
        }
    }

    private void BecomeServing()
    {
        _isServing = true;
        _writes = new GroupWriteQueue(_handle!.Settings.Log.MaxMessageBytes);
        Serve(core => core.OnLoaded(_step));
        if (_loader!.Records > 0)
        {
            _log.Info(
                "{0} at leader epoch {1}: {2} groups loaded from {3} records in {4} ms", _handle.Partition, _lead!.Epoch, _core!.GroupCount, _loader.Records, NowMs - _loadStartMs);
        }

        if (_loader.Skipped > 0) _log.Warning("{0}: {1} records are of kinds that this broker does not know, or can't be read", _handle.Partition, _loader.Skipped);
        _loader = null;
    }

    private void GoOnAfter(TimeSpan pause) => Timers.StartSingleTimer(nameof(GoOn), new GoOn(_term), pause);

    /// <summary>Sends away whoever waits, and forgets all that was known: the log knows it.</summary>
    private void Close()
    {
        if (_isServing)
        {
            foreach (var write in _writes!.Abandon(ErrorCode.NotCoordinator)) CoordinatorCore.OnWritten(write, _step);
            _core!.OnResign(ErrorCode.NotCoordinator, _step);
            foreach (var reply in _step.Replies) Tell(reply.Key, reply.Answer);
        }

        _step.Clear();
        _writes?.Dispose();
        if (_handle is not null) Context.Unwatch(_handle.Actor);
        Timers.Cancel(AlarmTick.Instance);
        Timers.Cancel(nameof(GoOn));
        _alarmAt = Alarm.Never;
        (_handle, _loader, _core, _writes, _isServing) = (null, null, null, null, false);
    }
}

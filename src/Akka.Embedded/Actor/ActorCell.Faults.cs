using System.Runtime.ExceptionServices;
using Akka.Actor.Internal;
using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

public sealed partial class ActorCell
{
    // Who brought this actor down: itself or a child whose failure it escalated. Null while well.
    private IActorRef? _perpetrator;

    // The actor could not even be built: resuming it is impossible.
    private bool _failedFatally;

    private bool IsFailed => _perpetrator is not null;

    private void ClearFailed()
    {
        _perpetrator = null;
        _failedFatally = false;
    }

    private void CreateActor(ActorInitializationException? failure)
    {
        if (failure is not null)
            throw failure;
        try
        {
            var created = NewActor();
            created.AroundPreStart();
            PublishDebug(SystemImpl.Settings.DebugLifecycle, $"Started ({created})");
            if (_receiveTimeout is not null)
                RestartReceiveTimeout();
        }
        catch (Exception cause)
        {
            FailConstruction();
            throw new ActorInitializationException(_self, "Exception during creation", Unwrap(cause));
        }
    }

    private void FailConstruction()
    {
        if (_actor is { } half)
        {
            ReleaseQuietly(half);
            _actor = null;
        }
        _failedFatally = true;
    }

    private void ReleaseQuietly(ActorBase actor)
    {
        try
        {
            _timers?.CancelAll();
            _timers = null;
            if (actor is IActorStash { Stash: { } stash })
                stash.UnstashAll();
        }
        catch (Exception cause)
        {
            PublishError(cause, "Could not release an actor that failed in its constructor");
        }
    }

    private static Exception Unwrap(Exception cause)
        => cause is System.Reflection.TargetInvocationException { InnerException: { } inner } ? inner : cause;

    /// <summary>Suspends this actor and its children, and lets the parent decide.</summary>
    internal void HandleInvokeFailure(Exception cause)
    {
        if (IsFailed)
            return;
        try
        {
            var fatal = _failedFatally;
            SuspendNonRecursive();
            _perpetrator = _currentFailure ?? _self;
            _failedFatally = fatal;
            SuspendChildren(except: _currentFailure);
            Parent.SendSystemMessage(new Failed(_self, cause, _self.Path.Uid));
        }
        catch (Exception further)
        {
            PublishError(further, $"emergency stop: exception in failure handling for {cause}");
            try
            {
                foreach (var child in _children.Children)
                    child.Stop();
            }
            finally
            {
                FinishTerminate();
            }
        }
    }

    private void SuspendNonRecursive() => _mailbox.Suspend();

    private void ResumeNonRecursive() => _mailbox.Resume();

    private void FaultSuspend()
    {
        SuspendNonRecursive();
        SuspendChildren(except: null);
    }

    /// <param name="causedByFailure">null when the parent was resumed, the failure when this actor was</param>
    private void FaultResume(Exception? causedByFailure)
    {
        if (_actor is null)
        {
            PublishError(causedByFailure ?? new IllegalActorStateException("not initialised"), "Changing Resume into Create");
            FaultCreate();
        }
        else if (_failedFatally)
        {
            PublishError(causedByFailure ?? new IllegalActorStateException("not initialised"), "Changing Resume into Restart");
            FaultRecreate(causedByFailure ?? new IllegalActorStateException("not initialised"));
        }
        else
        {
            var perpetrator = _perpetrator;
            ResumeNonRecursive();
            if (causedByFailure is not null)
                ClearFailed();
            ResumeChildren(causedByFailure, perpetrator);
        }
    }

    private void FaultRecreate(Exception cause)
    {
        if (_actor is null)
        {
            PublishError(cause, "Changing Recreate into Create");
            FaultCreate();
        }
        else if (_children.IsNormal)
        {
            PublishDebug(SystemImpl.Settings.DebugLifecycle, "Restarting");
            if (!_failedFatally)
                EndIncarnation(_actor, cause);
            if (!_children.SetTerminationReason(new SuspendReason.Recreation(cause)))
                FinishRecreate(cause);
        }
        else
            FaultResume(causedByFailure: null); // it is on its way already; keeps suspends and resumes in balance
    }

    private void EndIncarnation(ActorBase failed, Exception cause)
    {
        var message = _currentMessage;
        try
        {
            failed.AroundPreRestart(cause, message!);
        }
        catch (Exception further)
        {
            var wrapped = new PreRestartException(_self, further, cause, message);
            PublishError(wrapped, wrapped.Message);
        }
        finally
        {
            CancelReceiveTimeout();
            _receiveTimeout = null;
            ReleaseActorOf(failed);
        }
    }

    // The old instance stays in place until the new one is there: a failed actor counts as one to recreate, not to create.
    private void ReleaseActorOf(ActorBase failed)
    {
        try
        {
            ReleaseActor();
        }
        catch (Exception further)
        {
            PublishError(further, "Could not release a failed actor");
        }
        _actor = failed;
    }

    private void FinishRecreate(Exception cause)
    {
        var survivors = _children.Children;
        try
        {
            ResumeNonRecursive();
            ClearFailed();
            var fresh = NewActor();
            fresh.AroundPostRestart(cause, message: null!);
            PublishDebug(SystemImpl.Settings.DebugLifecycle, "Restarted");
            foreach (var child in survivors)
                child.Restart(cause);
        }
        catch (Exception further)
        {
            FailConstruction();
            HandleInvokeFailure(new PostRestartException(_self, Unwrap(further), cause));
        }
    }

    private void FaultCreate()
    {
        CancelReceiveTimeout();
        foreach (var child in _children.Children)
            Stop(child);
        if (!_children.SetTerminationReason(SuspendReason.Creation.Instance))
            FinishCreate();
    }

    private void FinishCreate()
    {
        try
        {
            ResumeNonRecursive();
            ClearFailed();
            CreateActor(failure: null);
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause);
        }
    }

    private void Terminate()
    {
        _receiveTimeout = null;
        CancelReceiveTimeout();
        foreach (var child in _children.Children)
            Stop(child);
        var wasTerminating = IsTerminating;
        if (_children.SetTerminationReason(SuspendReason.Termination.Instance))
        {
            if (wasTerminating)
                return;
            // No more user messages; and failures now are nobody's business.
            SuspendNonRecursive();
            _perpetrator = _self;
            PublishDebug(SystemImpl.Settings.DebugLifecycle, "Stopping");
        }
        else
            FinishTerminate();
    }

    private void FinishTerminate()
    {
        _children.SetTerminated();
        var actor = _actor;
        try
        {
            actor?.AroundPostStop();
        }
        catch (Exception cause)
        {
            PublishError(cause, cause.Message);
        }
        try
        {
            ReleaseActor();
        }
        catch (Exception cause)
        {
            PublishError(cause, "Could not release a stopped actor");
        }
        _dispatcher.Detach(this);
        Parent.SendSystemMessage(new DeathWatchNotification(_self, existenceConfirmed: true, addressTerminated: false));
        TellWatchersWeDied();
        UnwatchWatchedActors();
        SystemImpl.EventStream.Forget(_self);
        PublishDebug(SystemImpl.Settings.DebugLifecycle, "Stopped");
        _sender = null;
    }

    // Set while the failure of a child is handled: if that is escalated, the child is the perpetrator.
    private IActorRef? _currentFailure;

    private SupervisorStrategy? Strategy => _props.SupervisorStrategy ?? _actor?.SupervisorStrategyInternal();

    private void HandleFailed(Failed failed)
    {
        if (!_children.TryGetByRef(failed.Child, out var stats) || stats.Uid != failed.Uid)
        {
            PublishDebug(SystemImpl.Settings.DebugLifecycle, $"dropping {failed} from unknown child {failed.Child} or an earlier incarnation");
            return;
        }
        _currentFailure = failed.Child;
        _sender = failed.Child;
        try
        {
            if (Strategy is not { } strategy || !strategy.HandleFailure(this, failed.Child, failed.Cause, stats, _children.Stats))
                ExceptionDispatchInfo.Throw(failed.Cause);
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause);
        }
        finally
        {
            _currentFailure = null;
        }
    }

    private void HandleChildTerminated(IActorRef child)
    {
        var waitedFor = _children.Remove(child);
        try
        {
            Strategy?.HandleChildTerminated(this, child, _children.Children);
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause);
        }
        switch (waitedFor)
        {
            case SuspendReason.Recreation recreation:
                FinishRecreate(recreation.Cause);
                break;
            case SuspendReason.Creation:
                FinishCreate();
                break;
            case SuspendReason.Termination:
                FinishTerminate();
                break;
        }
    }
}

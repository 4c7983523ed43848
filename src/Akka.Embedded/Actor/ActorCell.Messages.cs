using Akka.Dispatch.SysMsg;
using Akka.Event;
using SysMsg = Akka.Dispatch.SysMsg;

namespace Akka.Actor;

public sealed partial class ActorCell
{
    private TimeSpan? _receiveTimeout;
    private ICancelable? _pendingReceiveTimeout;

    // System messages that must wait: failures of children while this actor is suspended itself, and lifecycle changes while it
    // waits for children to stop.
    private List<ISystemMessage>? _systemStash;

    public TimeSpan? ReceiveTimeout => _receiveTimeout;

    /// <summary>Counts deliveries.</summary>
    public int CurrentEnvelopeId { get; private set; }

    /// <summary>Called by the mailbox, with this cell as the current one.</summary>
    internal void Invoke(in Envelope envelope)
    {
        var message = envelope.Message;
        _currentMessage = message;
        _sender = envelope.Sender;
        CurrentEnvelopeId++;
        try
        {
            if (_receiveTimeout is not null && message is not INotInfluenceReceiveTimeout)
                CancelReceiveTimeout();
            if (message is IAutoReceivedMessage)
                AutoReceive(message);
            else
                ReceiveMessage(message);
            _currentMessage = null;
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause);
        }
        if (_receiveTimeout is not null)
            CheckReceiveTimeout(message);
    }

    private void ReceiveMessage(object message)
    {
        if (message is TimerScheduler.TimerMessage timer)
        {
            if (_timers is null || !_timers.TryAccept(timer, out message))
                return;
            _currentMessage = message;
            if (message is IAutoReceivedMessage)
            {
                AutoReceive(message);
                return;
            }
        }
        _actor!.AroundReceive(_behavior!, message);
    }

    private void AutoReceive(object message)
    {
        if (SystemImpl.Settings.DebugAutoReceive)
            PublishDebug(enabled: true, $"received AutoReceiveMessage {message}");
        switch (message)
        {
            case Terminated terminated:
                ReceivedTerminated(terminated);
                break;
            case AddressTerminated lost:
                AddressTerminated(lost.Address);
                break;
            case PoisonPill:
                _self.Stop();
                break;
            case Kill:
                throw new ActorKilledException("Kill");
            case ActorSelectionMessage selected:
                ReceiveSelection(selected);
                break;
            case Identify identify:
                Sender.Tell(new ActorIdentity(identify.MessageId, _self), _self);
                break;
            default:
                _actor!.AroundReceive(_behavior!, message);
                break;
        }
    }

    private void ReceiveSelection(ActorSelectionMessage selected)
    {
        if (selected.Elements.Length == 0)
        {
            Invoke(new Envelope(selected.Message, Sender));
            return;
        }
        Akka.Actor.ActorSelection.Deliver(_self, Sender, selected);
    }

    internal void ReceiveMessageForTest(Envelope envelope)
    {
        var outer = t_current;
        t_current = this;
        try
        {
            Invoke(envelope);
        }
        finally
        {
            t_current = outer;
        }
    }

    /// <summary>Runs code as if in a message of this actor, on a thread that holds its mailbox.</summary>
    internal void UseThreadContext(Action action)
    {
        var outer = t_current;
        t_current = this;
        try
        {
            action();
        }
        finally
        {
            t_current = outer;
        }
    }

    /// <summary>The message and sender that a piece of async code started with.</summary>
    internal void RestoreMessage(object? message, IActorRef? sender)
    {
        _currentMessage = message;
        _sender = sender;
    }

    internal IActorRef? SenderOrNull => _sender;

    internal void AsyncHandlerCompleted()
    {
        _currentMessage = null;
        if (_receiveTimeout is not null)
            RestartReceiveTimeout();
    }

    internal void SystemInvoke(ISystemMessage message)
    {
        if (ShouldStash(message))
        {
            (_systemStash ??= []).Add(message);
            return;
        }
        ProcessSystem(message);
        while (_systemStash is { Count: > 0 } && !_mailbox.IsClosed && TakeStashed() is { } next)
            ProcessSystem(next);
    }

    /// <summary>The first, in the order of arrival, that the present state allows.</summary>
    private ISystemMessage? TakeStashed()
    {
        for (var i = 0; i < _systemStash!.Count; i++)
        {
            var candidate = _systemStash[i];
            if (ShouldStash(candidate))
                continue;
            _systemStash.RemoveAt(i);
            return candidate;
        }
        return null;
    }

    private bool ShouldStash(ISystemMessage message) => message switch
    {
        Failed => !_mailbox.IsClosed && (_mailbox.IsSuspended || _children.IsWaitingForChildren) && !_children.IsTerminating,
        Recreate or SysMsg.Suspend or SysMsg.Resume => _children.IsWaitingForChildren,
        _ => false,
    };

    private void ProcessSystem(ISystemMessage message)
    {
        try
        {
            switch (message)
            {
                case Create create:
                    CreateActor(create.Failure);
                    break;
                case ActorTask task:
                    TaskScheduler.Execute(task.Task);
                    break;
                case Watch watch:
                    AddWatcher(watch.Watchee, watch.Watcher);
                    break;
                case Unwatch unwatch:
                    RemoveWatcher(unwatch.Watchee, unwatch.Watcher);
                    break;
                case DeathWatchNotification ended:
                    WatchedActorTerminated(ended.Actor, ended.ExistenceConfirmed, ended.AddressTerminated);
                    break;
                case Failed failed:
                    HandleFailed(failed);
                    break;
                case Recreate recreate:
                    FaultRecreate(recreate.Cause);
                    break;
                case SysMsg.Suspend:
                    FaultSuspend();
                    break;
                case SysMsg.Resume resume:
                    FaultResume(resume.CausedByFailure);
                    break;
                case SysMsg.Terminate:
                    Terminate();
                    break;
                case Supervise or NoMessage:
                    break;
                default:
                    throw new NotSupportedException($"Unknown system message {message.GetType().Name}");
            }
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause);
        }
    }

    public void SetReceiveTimeout(TimeSpan? timeout)
    {
        _receiveTimeout = timeout is { } t && t > TimeSpan.Zero ? timeout : null;
        if (_receiveTimeout is null)
            CancelReceiveTimeout();
        else if (_currentMessage is null or INotInfluenceReceiveTimeout)
            RestartReceiveTimeout();
    }

    private void CheckReceiveTimeout(object message)
    {
        if (message is not INotInfluenceReceiveTimeout)
            RestartReceiveTimeout();
    }

    private void RestartReceiveTimeout()
    {
        CancelReceiveTimeout();
        if (_receiveTimeout is { } timeout && !_mailbox.IsClosed)
            _pendingReceiveTimeout = SystemImpl.Scheduler.ScheduleTellOnceCancelable(timeout, _self, Akka.Actor.ReceiveTimeout.Instance, _self);
    }

    private void CancelReceiveTimeout()
    {
        _pendingReceiveTimeout?.Cancel();
        _pendingReceiveTimeout = null;
    }
}

namespace Akka.Actor;

/// <summary>An actor's behaviour. Built and called by its cell only; one message at a time.</summary>
public abstract class ActorBase : IInternalActor
{
    private readonly ActorCell _cell;

    protected ActorBase()
    {
        var cell = ActorCell.Current;
        if (cell is null || !cell.IsCreatingActor)
            throw new ActorInitializationException($"You can't create an instance of {GetType().Name} yourself: use ActorOf.");
        _cell = cell;
        cell.ActorUnderConstruction(this);
    }

    IActorContext IInternalActor.ActorContext => _cell;
    internal ActorCell Cell => _cell;

    protected IActorRef Self => _cell.Self;
    protected IActorRef Sender => _cell.Sender;

    /// <summary>Of the actor that runs on this thread. Not to be used after an await of foreign code.</summary>
    protected static IActorContext Context
        => ActorCell.Current ?? throw new NotSupportedException(
            "There is no active ActorContext: this is most likely due to use of async operations from within this actor.");

    protected static Receive EmptyReceive { get; } = static _ => false;

    protected abstract bool Receive(object message);

    /// <summary>Around each message. True when the message was handled.</summary>
    protected internal virtual bool AroundReceive(Receive receive, object message)
    {
        if (receive(message))
            return true;
        Unhandled(message);
        return false;
    }

    public virtual void AroundPreStart() => PreStart();
    public virtual void AroundPostStop() => PostStop();
    public virtual void AroundPreRestart(Exception cause, object message) => PreRestart(cause, message);
    public virtual void AroundPostRestart(Exception cause, object message) => PostRestart(cause);

    protected virtual void PreStart() { }

    /// <summary>On the old instance. Stops all children and calls <see cref="PostStop"/> unless overridden.</summary>
    /// <param name="message">the one that failed; null when the failure was elsewhere</param>
    protected virtual void PreRestart(Exception reason, object message)
    {
        foreach (var child in _cell.GetChildren())
        {
            _cell.Unwatch(child);
            _cell.Stop(child);
        }
        PostStop();
    }

    /// <summary>On the new instance. Calls <see cref="PreStart"/> unless overridden.</summary>
    protected virtual void PostRestart(Exception reason) => PreStart();

    protected virtual void PostStop() { }

    protected virtual SupervisorStrategy SupervisorStrategy() => Akka.Actor.SupervisorStrategy.DefaultStrategy;

    internal SupervisorStrategy SupervisorStrategyInternal() => SupervisorStrategy();

    /// <summary>An unhandled <see cref="Terminated"/> breaks the pact: the watcher fails.</summary>
    /// <exception cref="DeathPactException"/>
    protected virtual void Unhandled(object message)
    {
        if (message is Terminated terminated)
            throw new DeathPactException(terminated.ActorRef);
        _cell.System.EventStream.Publish(new Akka.Event.UnhandledMessage(message, Sender, Self));
    }

    protected void Become(Receive receive) => _cell.Become(receive);
    protected void BecomeStacked(Receive receive) => _cell.BecomeStacked(receive);
    protected void UnbecomeStacked() => _cell.UnbecomeStacked();
    protected void SetReceiveTimeout(TimeSpan? timeout) => _cell.SetReceiveTimeout(timeout);

    internal bool ReceiveInternal(object message) => Receive(message);
}

public abstract class UntypedActor : ActorBase
{
    protected static new IUntypedActorContext Context => (IUntypedActorContext)ActorBase.Context;

    protected sealed override bool Receive(object message)
    {
        OnReceive(message);
        return true;
    }

    /// <summary>Pass what is not understood to <see cref="ActorBase.Unhandled"/>.</summary>
    protected abstract void OnReceive(object message);

    protected void Become(UntypedReceive receive) => Context.Become(receive);
    protected void BecomeStacked(UntypedReceive receive) => Context.BecomeStacked(receive);

    protected void RunTask(Action action) => Akka.Dispatch.ActorTaskScheduler.RunTask(action);
    protected void RunTask(Func<Task> action) => Akka.Dispatch.ActorTaskScheduler.RunTask(action);
}

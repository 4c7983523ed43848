using Akka.Actor;
using Akka.Event;

namespace Akka.Dispatch.SysMsg;

/// <summary>Sent by the runtime about lifecycle; processed before user messages, also while an actor is suspended.</summary>
public interface ISystemMessage : INoSerializationVerificationNeeded;

public abstract class SystemMessage : ISystemMessage
{
    public override string ToString() => $"<{GetType().Name}>";
}

public sealed class NoMessage : SystemMessage;

/// <summary>First message of a cell: build the actor.</summary>
public sealed class Create(ActorInitializationException? failure = null) : SystemMessage
{
    public ActorInitializationException? Failure { get; } = failure;
}

public sealed class Recreate(Exception cause) : SystemMessage
{
    public Exception Cause { get; } = cause;
}

public sealed class Suspend : SystemMessage;

public sealed class Resume(Exception? causedByFailure) : SystemMessage
{
    public Exception? CausedByFailure { get; set; } = causedByFailure;
}

public sealed class Terminate : SystemMessage, IPossiblyHarmful, IDeadLetterSuppression;

public sealed class Supervise(IActorRef child, bool async) : SystemMessage
{
    public IActorRef Child { get; } = child;
    public bool Async { get; } = async;
}

public class Watch(IInternalActorRef watchee, IInternalActorRef watcher) : SystemMessage
{
    public IInternalActorRef Watchee { get; } = watchee;
    public IInternalActorRef Watcher { get; } = watcher;

    public override string ToString() => $"<Watch>: {Watcher} watches {Watchee}";
}

public sealed class Unwatch(IInternalActorRef watchee, IInternalActorRef watcher) : SystemMessage
{
    public IInternalActorRef Watchee { get; } = watchee;
    public IInternalActorRef Watcher { get; } = watcher;

    public override string ToString() => $"<Unwatch>: {Watcher} no longer watches {Watchee}";
}

public sealed class DeathWatchNotification(IActorRef actor, bool existenceConfirmed, bool addressTerminated) : SystemMessage, IDeadLetterSuppression
{
    public IActorRef Actor { get; } = actor;
    public bool ExistenceConfirmed { get; } = existenceConfirmed;
    public bool AddressTerminated { get; } = addressTerminated;

    public override string ToString() => $"<DeathWatchNotification>: {Actor}";
}

/// <summary>From a child to its supervisor. The uid tells a failure of an earlier incarnation apart.</summary>
public sealed class Failed(IActorRef child, Exception cause, long uid) : SystemMessage
{
    public IActorRef Child { get; } = child;
    public Exception Cause { get; } = cause;
    public long Uid { get; } = uid;

    public override string ToString() => $"<Failed>: {Child} ({Cause})";
}

/// <summary>A piece of an actor's own async code, to be run in the actor's context.</summary>
public sealed class ActorTask(Task task) : SystemMessage
{
    public Task Task { get; } = task;
}

public sealed class StopChild(IActorRef child)
{
    public IActorRef Child { get; } = child;
    public override string ToString() => $"<StopChild> {Child}";
}

public sealed class RegisterTerminationHook
{
    public static RegisterTerminationHook Instance { get; } = new();
}

public sealed class TerminationHook
{
    public static TerminationHook Instance { get; } = new();
}

public sealed class TerminationHookDone
{
    public static TerminationHookDone Instance { get; } = new();
}

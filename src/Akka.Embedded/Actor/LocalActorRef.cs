using System.Collections.Concurrent;
using Akka.Actor.Internal;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

/// <summary>A reference to an actor of this system. Stays valid, as a road to the dead letters, when the actor is gone.</summary>
public class LocalActorRef : ActorRefWithCell
{
    private readonly ActorPath _path;

    internal LocalActorRef(ActorSystemImpl system, Props props, MessageDispatcher dispatcher, MailboxType mailboxType, IInternalActorRef supervisor,
        ActorPath path)
    {
        _path = path;
        Cell = new ActorCell(system, this, props, dispatcher, supervisor);
        Cell.Init(mailboxType);
    }

    public ActorCell Cell { get; }
    public override ActorCell Underlying => Cell;
    public sealed override ActorPath Path => _path;
    public override IActorRefProvider Provider => Cell.SystemImpl.Provider;
    public override IInternalActorRef Parent => Cell.Parent;
    public override bool IsTerminated => Cell.IsTerminated;
    public override bool IsLocal => true;
    public override IEnumerable<IActorRef> Children => Cell.GetChildren();
    public override IInternalActorRef GetSingleChild(string name) => Cell.GetSingleChild(name);

    protected sealed override void TellInternal(object message, IActorRef sender) => Cell.SendMessage(sender, message);

    public override void SendSystemMessage(ISystemMessage message) => Cell.SendSystemMessage(message);
    public override void Start() => Cell.Start();
    public override void Stop() => Cell.Stop();
    public override void Suspend() => Cell.Suspend();
    public override void Resume(Exception? causedByFailure = null) => Cell.Resume(causedByFailure);
    public override void Restart(Exception cause) => Cell.Restart(cause);

    public override IActorRef GetChild(IReadOnlyList<string> name)
    {
        IInternalActorRef current = this;
        for (var i = 0; i < name.Count; i++)
        {
            var element = name[i];
            if (element.Length == 0)
                continue;
            if (current is not ActorRefWithCell withCell)
                return current.GetChild([.. name.Skip(i)]);
            current = element == ".." ? withCell.Parent : withCell.GetSingleChild(element);
            if (current is Nobody)
                return current;
        }
        return current;
    }
}

/// <summary>The root: also the parent of the containers that hold no actors.</summary>
internal sealed class RootGuardianActorRef(ActorSystemImpl system, Props props, MessageDispatcher dispatcher, MailboxType mailboxType,
    IInternalActorRef supervisor, ActorPath path, IInternalActorRef deadLetters)
    : LocalActorRef(system, props, dispatcher, mailboxType, supervisor, path)
{
    private readonly ConcurrentDictionary<string, IInternalActorRef> _extraNames = new(StringComparer.Ordinal);

    public override IInternalActorRef Parent => this;

    public void RegisterExtraName(string name, IInternalActorRef actor) => _extraNames[name] = actor;

    public override IInternalActorRef GetSingleChild(string name)
        => name == "deadLetters" ? deadLetters : _extraNames.TryGetValue(name, out var extra) ? extra : base.GetSingleChild(name);
}

/// <summary>Above the root guardian: its end is the end of the system.</summary>
internal sealed class RootGuardianSupervisor(ActorPath path, IActorRefProvider provider, TaskCompletionSource<Status> terminated, ILoggingAdapter log)
    : MinimalActorRef
{
    public override ActorPath Path { get; } = path;
    public override IActorRefProvider Provider => provider;

    public Exception? CauseOfTermination { get; private set; }

    protected override void TellInternal(object message, IActorRef sender) => log.Error("{0} received unexpected message [{1}]", Path, message);

    public override void SendSystemMessage(ISystemMessage message)
    {
        switch (message)
        {
            case Failed failed:
                CauseOfTermination = failed.Cause;
                log.Error(failed.Cause, "guardian [{0}] failed, shutting down!", failed.Child);
                ((IInternalActorRef)failed.Child).Stop();
                break;
            case DeathWatchNotification:
                Stop();
                break;
            case Supervise or Watch or Unwatch:
                break;
            default:
                log.Error("{0} received unexpected system message [{1}]", Path, message);
                break;
        }
    }

    public override void Stop()
        => terminated.TrySetResult(CauseOfTermination is { } cause ? new Status.Failure(cause) : Status.Success.Instance);
}

/// <summary>Stands for a path where no actor lives.</summary>
public class EmptyLocalActorRef(IActorRefProvider provider, ActorPath path, EventStream eventStream) : MinimalActorRef
{
    public override ActorPath Path { get; } = path;
    public override IActorRefProvider Provider { get; } = provider;
    public override bool IsTerminated => true;

    protected EventStream EventStream { get; } = eventStream;

    protected override void TellInternal(object message, IActorRef sender)
    {
        if (message is DeadLetter letter)
            SpecialHandle(letter.Message, letter.Sender);
        else if (!SpecialHandle(message, sender))
            EventStream.Publish(new DeadLetter(message, sender.IsNobody() ? Provider.DeadLetters : sender, this));
    }

    public override void SendSystemMessage(ISystemMessage message) => SpecialHandle(message, Provider.DeadLetters);

    /// <summary>True when the message had a meaning even here.</summary>
    protected virtual bool SpecialHandle(object message, IActorRef sender)
    {
        switch (message)
        {
            case Watch watch:
                if (watch.Watchee.Equals(this) && !watch.Watcher.Equals(this))
                    watch.Watcher.SendSystemMessage(new DeathWatchNotification(watch.Watchee, existenceConfirmed: false, addressTerminated: false));
                return true;
            case Unwatch:
                return true;
            case Identify identify:
                sender?.Tell(new ActorIdentity(identify.MessageId, subject: null), ActorRefs.NoSender);
                return true;
            case ActorSelectionMessage { Message: Identify selected } selection:
                if (!selection.WildCardFanOut)
                    sender?.Tell(new ActorIdentity(selected.MessageId, subject: null), ActorRefs.NoSender);
                return true;
            case ActorSelectionMessage selection:
                if (selection.Message is IDeadLetterSuppression quiet)
                    PublishSuppressed(quiet, sender);
                else
                    EventStream.Publish(new DeadLetter(selection.Message, sender.IsNobody() ? Provider.DeadLetters : sender, this));
                return true;
            case IDeadLetterSuppression suppressed:
                PublishSuppressed(suppressed, sender);
                return true;
            default:
                return false;
        }
    }

    private void PublishSuppressed(IDeadLetterSuppression message, IActorRef sender)
        => EventStream.Publish(new SuppressedDeadLetter(message, sender.IsNobody() ? Provider.DeadLetters : sender, this));
}

/// <summary>Where messages end that reach no actor: published on the event stream.</summary>
public class DeadLetterActorRef(IActorRefProvider provider, ActorPath path, EventStream eventStream) : EmptyLocalActorRef(provider, path, eventStream)
{
    public override bool IsTerminated => false;

    protected override void TellInternal(object message, IActorRef sender)
    {
        switch (message)
        {
            case DeadLetter letter:
                if (!SpecialHandle(letter.Message, letter.Sender))
                    EventStream.Publish(letter);
                break;
            default:
                if (!SpecialHandle(message, sender))
                    EventStream.Publish(new DeadLetter(message, sender.IsNobody() ? this : sender, this));
                break;
        }
    }

    protected override bool SpecialHandle(object message, IActorRef sender)
    {
        if (message is not Watch watch)
            return base.SpecialHandle(message, sender);
        if (!watch.Watchee.Equals(this) && !watch.Watcher.Equals(this))
            watch.Watcher.SendSystemMessage(new DeathWatchNotification(watch.Watchee, existenceConfirmed: false, addressTerminated: false));
        return true;
    }
}

internal sealed class IgnoreActorRef(IActorRefProvider provider) : MinimalActorRef
{
    public override ActorPath Path { get; } = new RootActorPath(new Address("akka", "local")) / "ignore";
    public override IActorRefProvider Provider => provider;
}

/// <summary>A parent that is no actor: /temp and the like.</summary>
public sealed class VirtualPathContainer(IActorRefProvider provider, ActorPath path, IInternalActorRef parent, ILoggingAdapter log) : MinimalActorRef
{
    private readonly ConcurrentDictionary<string, IInternalActorRef> _children = new(StringComparer.Ordinal);

    public override ActorPath Path => path;
    public override IActorRefProvider Provider => provider;
    public override IInternalActorRef Parent => parent;
    public ILoggingAdapter Log => log;
    public bool HasChildren => !_children.IsEmpty;

    public bool TryGetChild(string name, out IInternalActorRef? child) => _children.TryGetValue(name, out child);

    public void AddChild(string name, IInternalActorRef actor) => _children[name] = actor;

    public void RemoveChild(string name) => _children.TryRemove(name, out _);

    public void RemoveChild(string name, IActorRef child)
    {
        if (_children.TryGetValue(name, out var present) && present.Equals(child))
            _children.TryRemove(new KeyValuePair<string, IInternalActorRef>(name, present));
    }

    public void ForEachChild(Action<IInternalActorRef> action)
    {
        foreach (var child in _children.Values)
            action(child);
    }

    public override IActorRef GetChild(IReadOnlyList<string> name)
    {
        var first = 0;
        while (first < name.Count && name[first].Length == 0)
            first++;
        if (first == name.Count)
            return this;
        if (name[first] == "..")
            return parent.GetChild([.. name.Skip(first + 1)]);
        return _children.TryGetValue(name[first], out var child) ? child.GetChild([.. name.Skip(first + 1)]) : Nobody.Instance;
    }
}

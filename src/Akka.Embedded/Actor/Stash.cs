using Akka.Dispatch;

namespace Akka.Actor;

public interface IStash
{
    /// <summary>Puts the current message away.</summary>
    /// <exception cref="IllegalActorStateException">the same message a second time</exception>
    /// <exception cref="StashOverflowException">the stash is full</exception>
    void Stash();

    /// <summary>Returns the oldest to the front of the mailbox.</summary>
    void Unstash();

    /// <summary>Returns all, in their order, to the front of the mailbox.</summary>
    void UnstashAll();

    void UnstashAll(Func<Envelope, bool> predicate);

    /// <summary>Empties the stash and hands out what was in it.</summary>
    IEnumerable<Envelope> ClearStash();

    void Prepend(IEnumerable<Envelope> envelopes);

    int Count { get; }
    bool IsEmpty { get; }
    bool NonEmpty { get; }
    bool IsFull { get; }

    /// <summary>-1 for no limit.</summary>
    int Capacity { get; }
}

public interface IActorStash
{
    IStash Stash { get; set; }
}

public interface IWithUnrestrictedStash : IActorStash;

public interface IWithStash : IWithUnrestrictedStash, IRequiresMessageQueue<IDequeBasedMessageQueueSemantics>;

public interface IWithUnboundedStash : IWithUnrestrictedStash, IRequiresMessageQueue<IUnboundedDequeBasedMessageQueueSemantics>;

/// <summary>A stash with the <c>stash-capacity</c> of its mailbox.</summary>
public interface IWithBoundedStash : IWithUnrestrictedStash, IRequiresMessageQueue<IBoundedDequeBasedMessageQueueSemantics>;

public abstract class UntypedActorWithStash : UntypedActor, IWithStash
{
    public IStash Stash { get; set; } = null!;
}

public abstract class UntypedActorWithUnboundedStash : UntypedActor, IWithUnboundedStash
{
    public IStash Stash { get; set; } = null!;
}

public static class StashFactory
{
    public static IStash CreateStash<T>(this IActorContext context) where T : ActorBase => CreateStash(context, typeof(T));

    public static IStash CreateStash(this IActorContext context, IActorStash actorInstance) => CreateStash(context, actorInstance.GetType());

    public static IStash CreateStash(this IActorContext context, Type actorType)
    {
        if (!typeof(IActorStash).IsAssignableFrom(actorType))
            throw new ArgumentException(
                $"Actor {actorType} implements an unrecognized subclass of {typeof(IActorStash)} - cannot instantiate", nameof(actorType));
        // A persistent actor is unbounded unless it asks for a bound, so that wish goes first.
        var unbounded = typeof(IWithUnboundedStash).IsAssignableFrom(actorType) && !typeof(IWithBoundedStash).IsAssignableFrom(actorType);
        return new Internal.StashImpl((ActorCell)context, unbounded);
    }
}

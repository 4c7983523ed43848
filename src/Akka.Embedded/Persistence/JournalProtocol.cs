using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

// What persistent actors and journals say to each other. A journal answers with the original sender of the command as
// the sender, so that the handlers of persisted events see it.

/// <summary>Asks to store a batch. Answered by one <see cref="WriteMessagesSuccessful"/> or <see cref="WriteMessagesFailed"/>, then by one answer per message in order.</summary>
public sealed record WriteMessages : IJournalRequest
{
    public WriteMessages(IEnumerable<IPersistentEnvelope> messages, IActorRef persistentActor, int actorInstanceId)
    {
        Messages = messages;
        PersistentActor = persistentActor;
        ActorInstanceId = actorInstanceId;
    }

    public IEnumerable<IPersistentEnvelope> Messages { get; }
    public IActorRef PersistentActor { get; }
    public int ActorInstanceId { get; }
}

/// <summary>The write was done (single events may still be rejected); the next batch may be sent.</summary>
public sealed class WriteMessagesSuccessful : IJournalResponse
{
    private WriteMessagesSuccessful()
    {
    }

    public static WriteMessagesSuccessful Instance { get; } = new();
}

/// <summary>The whole batch failed. <see cref="WriteCount"/> is the number of atomic writes in it; a <see cref="WriteMessageFailure"/> follows for each event.</summary>
public sealed record WriteMessagesFailed : IJournalResponse
{
    public WriteMessagesFailed(Exception cause, int writeCount)
    {
        Cause = cause;
        WriteCount = writeCount;
    }

    public Exception Cause { get; }
    public int WriteCount { get; }
}

/// <summary>Stored. The representation may carry another sequence number than the actor proposed; the actor adopts it.</summary>
public sealed record WriteMessageSuccess : IJournalResponse
{
    public WriteMessageSuccess(IPersistentRepresentation persistent, int actorInstanceId)
    {
        Persistent = persistent;
        ActorInstanceId = actorInstanceId;
    }

    public IPersistentRepresentation Persistent { get; }
    public int ActorInstanceId { get; }
}

/// <summary>Not stored, and storing it again would not help (it can't be serialized, say). The actor goes on.</summary>
public sealed record WriteMessageRejected : IJournalResponse
{
    public WriteMessageRejected(IPersistentRepresentation persistent, Exception cause, int actorInstanceId)
    {
        Persistent = persistent;
        Cause = cause;
        ActorInstanceId = actorInstanceId;
    }

    public IPersistentRepresentation Persistent { get; }
    public Exception Cause { get; }
    public int ActorInstanceId { get; }
}

/// <summary>May or may not be stored. The actor stops.</summary>
public sealed record WriteMessageFailure : IJournalResponse
{
    public WriteMessageFailure(IPersistentRepresentation persistent, Exception cause, int actorInstanceId)
    {
        Persistent = persistent;
        Cause = cause;
        ActorInstanceId = actorInstanceId;
    }

    public IPersistentRepresentation Persistent { get; }
    public Exception Cause { get; }
    public int ActorInstanceId { get; }
}

/// <summary>A message that was not to be stored has reached its place in the order.</summary>
public sealed record LoopMessageSuccess : IJournalResponse
{
    public LoopMessageSuccess(object message, int actorInstanceId)
    {
        Message = message;
        ActorInstanceId = actorInstanceId;
    }

    public object Message { get; }
    public int ActorInstanceId { get; }
}

/// <summary>Asks to delete events up to and including a sequence number.</summary>
public sealed record DeleteMessagesTo : IJournalRequest
{
    public DeleteMessagesTo(string persistenceId, long toSequenceNr, IActorRef persistentActor)
    {
        PersistenceId = persistenceId;
        ToSequenceNr = toSequenceNr;
        PersistentActor = persistentActor;
    }

    public string PersistenceId { get; }
    public long ToSequenceNr { get; }
    public IActorRef PersistentActor { get; }
}

public sealed record DeleteMessagesSuccess
{
    public DeleteMessagesSuccess(long toSequenceNr)
    {
        ToSequenceNr = toSequenceNr;
    }

    public long ToSequenceNr { get; }
}

public sealed record DeleteMessagesFailure : INoSerializationVerificationNeeded
{
    public DeleteMessagesFailure(Exception cause, long toSequenceNr)
    {
        Cause = cause;
        ToSequenceNr = toSequenceNr;
    }

    public Exception Cause { get; }
    public long ToSequenceNr { get; }
}

/// <summary>Asks for the events of an inclusive range, at most <see cref="Max"/> of them, then <see cref="RecoverySuccess"/> or <see cref="ReplayMessagesFailure"/>.</summary>
public sealed record ReplayMessages : IJournalRequest
{
    public ReplayMessages(long fromSequenceNr, long toSequenceNr, long max, string persistenceId, IActorRef persistentActor)
    {
        FromSequenceNr = fromSequenceNr;
        ToSequenceNr = toSequenceNr;
        Max = max;
        PersistenceId = persistenceId;
        PersistentActor = persistentActor;
    }

    public long FromSequenceNr { get; }
    public long ToSequenceNr { get; }
    public long Max { get; }
    public string PersistenceId { get; }
    public IActorRef PersistentActor { get; }
}

public sealed record ReplayedMessage : IJournalResponse, IDeadLetterSuppression
{
    public ReplayedMessage(IPersistentRepresentation persistent)
    {
        Persistent = persistent;
    }

    public IPersistentRepresentation Persistent { get; }
}

/// <summary>Ends a replay. Carries the highest number ever stored, replayed or not.</summary>
public sealed record RecoverySuccess : IJournalResponse, IDeadLetterSuppression
{
    public RecoverySuccess(long highestSequenceNr)
    {
        HighestSequenceNr = highestSequenceNr;
    }

    public long HighestSequenceNr { get; }
}

public sealed record ReplayMessagesFailure : IJournalResponse, IDeadLetterSuppression
{
    public ReplayMessagesFailure(Exception cause)
    {
        Cause = cause;
    }

    public Exception Cause { get; }
}

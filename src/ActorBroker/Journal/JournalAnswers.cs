using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;

namespace ActorBroker.Journal;

/// <summary>What persistent actors are told about their writes. Each answer has the sender of the event's command.</summary>
internal static class JournalAnswers
{
    public static IImmutableList<IPersistentRepresentation> EventsOf(AtomicWrite write) =>
        (IImmutableList<IPersistentRepresentation>)write.Payload;

    public static void Stored(WriteMessages message, IPersistentRepresentation e, long sequenceNr)
    {
        var stored = e.Update(sequenceNr, e.PersistenceId, e.IsDeleted, e.Sender, e.WriterGuid);
        message.PersistentActor.Tell(new WriteMessageSuccess(stored, message.ActorInstanceId), e.Sender);
    }

    public static void Rejected(WriteMessages message, IPersistentRepresentation e, Exception cause) =>
        message.PersistentActor.Tell(new WriteMessageRejected(e, cause, message.ActorInstanceId), e.Sender);

    public static void Loop(WriteMessages message, IPersistentEnvelope envelope) =>
        message.PersistentActor.Tell(new LoopMessageSuccess(envelope.Payload, message.ActorInstanceId), envelope.Sender);

    /// <summary>The whole message: its events may or may not be stored.</summary>
    public static void Failed(WriteMessages message, Exception cause, IActorRef self)
    {
        var writes = message.Messages.Count(envelope => envelope is AtomicWrite);
        message.PersistentActor.Tell(new WriteMessagesFailed(cause, writes), self);
        foreach (var envelope in message.Messages)
        {
            if (envelope is not AtomicWrite write)
            {
                Loop(message, envelope);
                continue;
            }

            foreach (var e in EventsOf(write))
                message.PersistentActor.Tell(new WriteMessageFailure(e, cause, message.ActorInstanceId), e.Sender);
        }
    }
}

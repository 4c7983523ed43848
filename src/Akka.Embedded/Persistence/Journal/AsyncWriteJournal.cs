using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Pattern;

namespace Akka.Persistence.Journal;

public interface IAsyncRecovery
{
    /// <summary>Calls back with the events of an inclusive range, in order, at most <paramref name="max"/> of them.</summary>
    Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback);

    /// <summary>The highest number ever stored, deleted events included; 0 if none.</summary>
    Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr);
}

/// <summary>
/// A journal whose storage answers by tasks. All calls go through one circuit breaker; the answers of all writes of the
/// journal keep the order of the writes.
/// </summary>
public abstract class AsyncWriteJournal : WriteJournalBase, IAsyncRecovery
{
    protected readonly bool CanPublish;
    private readonly PluginGuard _guard;
    private readonly AnswerSequencer _answers = new();
    private readonly ReplayFilterSettings? _replayFilter;

    protected AsyncWriteJournal()
    {
        var extension = Persistence.Instance.Apply(Context.System);
        CanPublish = extension.Settings.Internal.PublishPluginCommands;
        var config = extension.ConfigFor(Self);
        _guard = new PluginGuard(Context.System.Scheduler, config);
        _replayFilter = ReplayFilterSettings.From(config);
    }

    public abstract Task ReplayMessagesAsync(IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback);

    public abstract Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr);

    /// <summary>
    /// Stores atomic writes. A failed task fails the batch: the actors stop. A result holds, for each atomic write, null
    /// or why it was rejected; a null result means that all were stored.
    /// </summary>
    protected abstract Task<IImmutableList<Exception?>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages);

    protected abstract Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr);

    protected sealed override bool Receive(object message) => ReceiveWriteJournal(message) || ReceivePluginInternal(message);

    /// <summary>What is not part of the journal protocol.</summary>
    protected virtual bool ReceivePluginInternal(object message) => false;

    protected bool ReceiveWriteJournal(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                // Fire and forget: each of these ends in an answer, whatever happens.
                _ = Write(write, _answers.Reserve(), Self);
                return true;
            case ReplayMessages replay:
                _ = Replay(replay, Context, Self);
                return true;
            case DeleteMessagesTo delete:
                _ = Delete(delete, Context.System.EventStream, Self);
                return true;
            default:
                return false;
        }
    }

    protected static Exception TryUnwrapException(Exception e) =>
        e is AggregateException aggregate && aggregate.Flatten().InnerExceptions is { Count: 1 } inner ? inner[0] : e;

    private async Task Write(WriteMessages message, AnswerSequencer.Slot slot, IActorRef self)
    {
        var writes = message.Messages.Count(m => m is AtomicWrite);
        List<AtomicWrite> prepared;
        try
        {
            prepared = [.. PreparePersistentBatch(message.Messages)];
        }
        catch (Exception cause)
        {
            // Nothing can be stored in this form, now or later.
            var rejections = Enumerable.Repeat<Exception?>(cause, writes).ToImmutableList();
            _answers.Complete(slot, () => AnswerWritten(message, rejections, self));
            return;
        }

        try
        {
            var results = await _guard.Call((journal: this, prepared), static s => s.journal.WriteMessagesAsync(s.prepared));
            if (results is not null && results.Count != writes)
                throw new IllegalStateException($"WriteMessagesAsync returned [{results.Count}] results for [{writes}] atomic writes.");
            _answers.Complete(slot, () => AnswerWritten(message, results, self));
        }
        catch (Exception e)
        {
            var cause = TryUnwrapException(e);
            _answers.Complete(slot, () => AnswerFailed(message, writes, cause, self));
        }
    }

    private static void AnswerWritten(WriteMessages message, IImmutableList<Exception?>? results, IActorRef self)
    {
        message.PersistentActor.Tell(WriteMessagesSuccessful.Instance, self);
        var write = 0;
        foreach (var envelope in message.Messages)
        {
            if (envelope is not AtomicWrite atomic)
            {
                AnswerLoop(message, envelope);
                continue;
            }

            var rejection = results?[write];
            write++;
            foreach (var p in (IImmutableList<IPersistentRepresentation>)atomic.Payload)
            {
                message.PersistentActor.Tell(
                    rejection is null
                        ? new WriteMessageSuccess(p, message.ActorInstanceId)
                        : new WriteMessageRejected(p, rejection, message.ActorInstanceId),
                    p.Sender);
            }
        }
    }

    private static void AnswerFailed(WriteMessages message, int writes, Exception cause, IActorRef self)
    {
        message.PersistentActor.Tell(new WriteMessagesFailed(cause, writes), self);
        foreach (var envelope in message.Messages)
        {
            if (envelope is not AtomicWrite atomic)
            {
                AnswerLoop(message, envelope);
                continue;
            }

            foreach (var p in (IImmutableList<IPersistentRepresentation>)atomic.Payload)
                message.PersistentActor.Tell(new WriteMessageFailure(p, cause, message.ActorInstanceId), p.Sender);
        }
    }

    private static void AnswerLoop(WriteMessages message, IPersistentEnvelope envelope) =>
        message.PersistentActor.Tell(new LoopMessageSuccess(envelope.Payload, message.ActorInstanceId), envelope.Sender);

    private async Task Replay(ReplayMessages message, IActorContext context, IActorRef self)
    {
        var eventStream = context.System.EventStream;
        var target = _replayFilter is null
            ? message.PersistentActor
            : context.ActorOf(ReplayFilter.Props(message.PersistentActor, _replayFilter));
        try
        {
            var highest = await _guard.Call(
                (journal: this, message),
                static s => s.journal.ReadHighestSequenceNrAsync(s.message.PersistenceId, Math.Max(0, s.message.FromSequenceNr - 1)));
            var to = Math.Min(message.ToSequenceNr, highest);
            if (to > 0 && message.FromSequenceNr <= to)
            {
                await ReplayMessagesAsync(context, message.PersistenceId, message.FromSequenceNr, to, message.Max, persistent =>
                {
                    foreach (var adapted in AdaptFromJournal(persistent))
                        target.Tell(new ReplayedMessage(adapted), ActorRefs.NoSender);
                });
            }

            target.Tell(new RecoverySuccess(highest), self);
            if (CanPublish) eventStream.Publish(message);
        }
        catch (Exception cause)
        {
            target.Tell(new ReplayMessagesFailure(TryUnwrapException(cause)), self);
        }
    }

    private async Task Delete(DeleteMessagesTo message, EventStream eventStream, IActorRef self)
    {
        try
        {
            await _guard.Call((journal: this, message), static async s =>
            {
                await s.journal.DeleteMessagesToAsync(s.message.PersistenceId, s.message.ToSequenceNr);
                return true;
            });
            message.PersistentActor.Tell(new DeleteMessagesSuccess(message.ToSequenceNr), self);
            if (CanPublish) eventStream.Publish(message);
        }
        catch (Exception cause)
        {
            message.PersistentActor.Tell(new DeleteMessagesFailure(TryUnwrapException(cause), message.ToSequenceNr), self);
        }
    }
}

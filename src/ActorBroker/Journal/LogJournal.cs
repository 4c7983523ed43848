using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using static ActorBroker.Journal.JournalProtocol;

namespace ActorBroker.Journal;

/// <summary>
/// A journal that only passes each message on to the writer of its persistence id; so no id waits for another.
/// <para>Sequence number of an event = offset of its last record + 1; <see cref="RecoverySuccess"/> carries the log end offset.</para>
/// </summary>
internal abstract class LogJournal : WriteJournalBase
{
    private readonly Dictionary<string, Writer> _writers = new(StringComparer.Ordinal);
    private readonly Dictionary<IActorRef, Writer> _byActor = [];

    // Which id an actor persists under: a batch that stores nothing does not say.
    private readonly Dictionary<IActorRef, string> _ids = [];

    protected LogJournal(Config config)
    {
        // What a journal must be configured with shows when it starts, not with its first event.
        Invariant.Check(string.Equals(config.GetString("replay-filter.mode", "").ToLowerInvariant(), "off", StringComparison.Ordinal), "a log journal needs replay-filter.mode = off");
        _ = JournalLogs.For(Context.System);
    }

    protected abstract Props WriterProps(
        string persistenceId,
        Func<IPersistentRepresentation, IPersistentRepresentation> adaptToJournal,
        Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal);

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                OnWrite(write);
                return true;
            case ReplayMessages replay:
                Remember(replay.PersistentActor, replay.PersistenceId);
                Forward(replay.PersistenceId, replay);
                return true;
            case DeleteMessagesTo delete:
                Forward(delete.PersistenceId, delete);
                return true;
            case ReleaseLog release:
                OnRelease(release);
                return true;
            case ICommand command:
                Forward(command.PersistenceId, command);
                return true;
            case Terminated terminated:
                if (!_ids.Remove(terminated.ActorRef)) OnWriterStopped(terminated.ActorRef);
                return true;
            default:
                return false;
        }
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void OnWrite(WriteMessages write)
    {
        foreach (var envelope in write.Messages)
        {
            if (envelope is not AtomicWrite atomic) continue;
            Forward(atomic.PersistenceId, write);
            return;
        }

        if (_ids.TryGetValue(write.PersistentActor, out var id))
        {
            Forward(id, write);
            return;
        }

        // Nothing of this actor came before, so nothing can be overtaken.
        write.PersistentActor.Tell(WriteMessagesSuccessful.Instance, Self);
        foreach (var envelope in write.Messages)
            write.PersistentActor.Tell(new LoopMessageSuccess(envelope.Payload, write.ActorInstanceId), envelope.Sender);
    }

    private void Remember(IActorRef actor, string persistenceId)
    {
        if (_ids.TryAdd(actor, persistenceId)) Context.Watch(actor);
        else _ids[actor] = persistenceId;
    }

    private void Forward(string persistenceId, object message)
    {
        if (!_writers.TryGetValue(persistenceId, out var writer))
            writer = StartWriter(persistenceId);
        if (writer.Released is null) writer.Ref.Forward(message);
        else writer.Later.Enqueue((message, Sender));
    }

    private Writer StartWriter(string persistenceId)
    {
        var props = WriterProps(persistenceId, AdaptToJournal, AdaptFromJournal).WithDispatcher("actorbroker.io-dispatcher");
        var writer = new Writer(persistenceId, Context.Watch(Context.ActorOf(props)));
        _writers.Add(persistenceId, writer);
        _byActor.Add(writer.Ref, writer);
        return writer;
    }

    private void OnRelease(ReleaseLog release)
    {
        if (!_writers.TryGetValue(release.PersistenceId, out var writer))
        {
            Sender.Tell(new LogReleased(release.PersistenceId), Self);
            return;
        }

        if (writer.Released is null)
        {
            writer.Released = [];
            writer.Ref.Tell(release, Self);
        }

        writer.Released.Add(Sender);
    }

    private void OnWriterStopped(IActorRef stopped)
    {
        if (!_byActor.Remove(stopped, out var writer)) return;
        _writers.Remove(writer.PersistenceId);
        foreach (var waiting in writer.Released ?? [])
            waiting.Tell(new LogReleased(writer.PersistenceId), Self);
        foreach (var (message, sender) in writer.Later)
            Self.Tell(message, sender);
    }

    private sealed class Writer(string persistenceId, IActorRef actor)
    {
        public string PersistenceId { get; } = persistenceId;

        public IActorRef Ref { get; } = actor;

        /// <summary>Who waits for its end; null while it is to go on.</summary>
        public List<IActorRef>? Released { get; set; }

        /// <summary>For its successor.</summary>
        public Queue<(object Message, IActorRef Sender)> Later { get; } = new();
    }
}

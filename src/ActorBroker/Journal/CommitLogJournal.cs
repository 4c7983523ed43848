using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace ActorBroker.Journal;

/// <summary><c>actorbroker.journal.commit-log</c>: an Akka.Persistence journal over commit logs (<see cref="JournalLogs"/>).</summary>
internal sealed class CommitLogJournal(Config config) : LogJournal(config)
{
    protected override Props WriterProps(
        string persistenceId,
        Func<IPersistentRepresentation, IPersistentRepresentation> adaptToJournal,
        Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal) =>
        Props.Create(() => new CommitLogWriter(persistenceId, adaptToJournal, adaptFromJournal));
}

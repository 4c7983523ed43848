using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace ActorBroker.Journal.Quorum;

/// <summary><c>actorbroker.journal.quorum</c>: a journal whose events are stored once a majority of voters has synced them.</summary>
internal sealed class QuorumJournal(Config config) : LogJournal(config)
{
    private readonly QuorumOptions _options = QuorumOptions.Read(config);

    protected override Props WriterProps(
        string persistenceId,
        Func<IPersistentRepresentation, IPersistentRepresentation> adaptToJournal,
        Func<IPersistentRepresentation, IEnumerable<IPersistentRepresentation>> adaptFromJournal) =>
        Props.Create(() => new QuorumWriter(_options, persistenceId, adaptToJournal, adaptFromJournal));
}

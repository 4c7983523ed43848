namespace ActorBroker.Tests.Journal;

public sealed class MemoryJournalContractTests()
    : JournalContract("akka.persistence.journal.inmem", "akka.persistence.journal.plugin = \"akka.persistence.journal.inmem\"")
{
    protected override bool IsDurable => false;
}

public sealed class CommitLogJournalContractTests()
    : JournalContract("actorbroker.journal.commit-log", "akka.persistence.journal.plugin = \"actorbroker.journal.commit-log\"");

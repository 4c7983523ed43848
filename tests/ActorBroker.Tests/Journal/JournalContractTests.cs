namespace ActorBroker.Tests.Journal;

public sealed class MemoryJournalContractTests()
    : JournalContract("akka.persistence.journal.inmem", "akka.persistence.journal.plugin = \"akka.persistence.journal.inmem\"")
{
    protected override bool IsDurable => false;
}

public sealed class CommitLogJournalContractTests()
    : JournalContract("actorbroker.journal.commit-log", "akka.persistence.journal.plugin = \"actorbroker.journal.commit-log\"");

/// <summary>One voter. The first entry of its epoch takes a number.</summary>
public sealed class QuorumJournalContractTests()
    : JournalContract("actorbroker.journal.quorum", "akka.persistence.journal.plugin = \"actorbroker.journal.quorum\"")
{
    protected override long First => 2;
}

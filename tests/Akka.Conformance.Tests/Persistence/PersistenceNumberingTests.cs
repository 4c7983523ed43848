using Akka.Actor;
using Akka.Persistence;

namespace Akka.Conformance.Tests.Persistence;

/// <summary>
/// A journal that numbers events itself (ours do: the number is an offset), and deletes. An actor follows the number in
/// <see cref="WriteMessageSuccess"/>, whatever it proposed.
/// </summary>
public sealed class PersistenceNumberingTests : PersistenceSpec
{
    [Fact]
    public void LastSequenceNr_follows_the_number_that_the_journal_gave()
    {
        var actor = StartNew("jumps", NumberingJournal);
        actor.Tell(Act(a =>
        {
            a.Persist("a", e => a.Report($"{e}@{a.LastSequenceNr}"));
            a.PersistAll(["b", "c"], e => a.Report($"{e}@{a.LastSequenceNr}"));
            a.PersistAsync("d", e => a.Report($"{e}@{a.LastSequenceNr}"));
            a.DeferAsync("e", e => a.Report($"{e}@{a.LastSequenceNr}"));
        }));
        Expect("a@10", "b@20", "c@30", "d@40", "e@40");
    }

    // RecoverySuccess carries a number above that of the last event (the log's end); the actor adopts it.
    [Fact]
    public void Replays_and_the_end_of_recovery_carry_the_journals_numbers()
    {
        var actor = StartNew("replays", NumberingJournal);
        actor.Tell(Act(a => a.PersistAll(["a", "b"], a.Report)));
        Expect("a", "b");
        StopAndWait(actor);
        actor = Start("replays", journal: NumberingJournal);
        Expect("replay a@10", "replay b@20", "replayed recovering=True", "recovered 25");
        actor.Tell(Act(a => a.Persist("c", e => a.Report($"{e}@{a.LastSequenceNr}"))));
        ExpectMsg("c@30");
    }

    [Fact]
    public void Snapshots_carry_the_journals_number()
    {
        var actor = StartNew("snapshots", NumberingJournal);
        actor.Tell(Act(a => a.PersistAll(["a", "b"], e =>
        {
            if (e == "b") a.SaveSnapshot("s");
        })));
        Assert.Equal(20, ExpectMsg<SaveSnapshotSuccess>().Metadata.SequenceNr);
        actor.Tell(Act(a => a.Persist("c", a.Report)));
        ExpectMsg("c");
        StopAndWait(actor);
        Start("snapshots", journal: NumberingJournal);
        Expect("offer s@20 recovering=True", "replay c@30", "replayed recovering=True", "recovered 35");
    }

    // The bound of a delete is compared with the number that the journal gave.
    [Fact]
    public void Deletes_use_the_journals_numbers()
    {
        var actor = StartNew("deletes", NumberingJournal);
        actor.Tell(Act(a => a.PersistAll(["a", "b", "c"], e =>
        {
            if (e == "c") a.DeleteMessages(20);
        })));
        Assert.Equal(20, ExpectMsg<DeleteMessagesSuccess>().ToSequenceNr);
        StopAndWait(actor);
        Start("deletes", journal: NumberingJournal);
        Expect("replay c@30", "replayed recovering=True", "recovered 35");
    }

    [Fact]
    public void Deleted_events_are_not_replayed_and_the_number_stays()
    {
        var actor = StartNew("delete-mem");
        actor.Tell(Act(a => a.PersistAll(["a", "b", "c"], e =>
        {
            if (e == "c") a.DeleteMessages(2);
        })));
        Assert.Equal(2, ExpectMsg<DeleteMessagesSuccess>().ToSequenceNr);
        StopAndWait(actor);
        Start("delete-mem");
        Expect("replay c@3", "replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void All_events_can_be_deleted_and_the_number_stays()
    {
        var actor = StartNew("delete-all");
        actor.Tell(Act(a => a.PersistAll(["a", "b"], e =>
        {
            if (e == "b") a.DeleteMessages(long.MaxValue);
        })));
        Assert.Equal(2, ExpectMsg<DeleteMessagesSuccess>().ToSequenceNr);
        StopAndWait(actor);
        Start("delete-all");
        Expect("replayed recovering=True", "recovered 2");
    }

    [Fact]
    public void A_delete_beyond_the_last_event_fails()
    {
        var actor = StartNew("delete-beyond");
        actor.Tell(Act(a => a.Persist("a", _ => a.DeleteMessages(2))));
        Assert.Equal(2, ExpectMsg<DeleteMessagesFailure>().ToSequenceNr);
    }

    [Fact]
    public void A_delete_that_the_journal_refuses_fails()
    {
        var actor = StartNew("delete-fails", TestJournal);
        actor.Tell(Act(a => a.Persist("a", _ => a.DeleteMessages(1))));
        Assert.Equal("can't delete", ExpectMsg<DeleteMessagesFailure>().Cause.Message);
    }
}

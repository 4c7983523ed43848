using Akka.Actor;
using Akka.Persistence;

namespace Akka.Conformance.Tests.Persistence;

/// <summary>What an actor is given when it starts again, and what happens when that fails.</summary>
public sealed class PersistenceRecoveryTests : PersistenceSpec
{
    public PersistenceRecoveryTests()
        : base("akka.persistence.max-concurrent-recoveries = 2")
    {
    }

    [Fact]
    public void Events_are_replayed_in_order_then_RecoveryCompleted()
    {
        Store("plain", "a", "b", "c");
        Start("plain");
        Expect("replay a@1", "replay b@2", "replay c@3", "replayed recovering=True", "recovered 3");
    }

    // Commands sent while the actor recovers are taken afterwards, in order.
    [Fact]
    public void Commands_wait_for_the_end_of_recovery()
    {
        Store("waiting", "a");
        var actor = Start("waiting");
        actor.Tell("c1");
        actor.Tell("c2");
        Expect("replay a@1", "replayed recovering=True", "recovered 1", "c1", "c2");
    }

    [Fact]
    public void Numbers_go_on_where_they_ended()
    {
        Store("numbers", "a", "b");
        var actor = Start("numbers");
        Expect("replay a@1", "replay b@2", "replayed recovering=True", "recovered 2");
        actor.Tell(Act(a => a.Persist("c", e => a.Report($"{e}@{a.LastSequenceNr}"))));
        ExpectMsg("c@3");
    }

    // The newest snapshot is offered first; only what follows it is replayed.
    [Fact]
    public void Recovery_starts_at_the_newest_snapshot()
    {
        StoreWithSnapshots("snap");
        Start("snap");
        Expect("offer s2@2 recovering=True", "replay c@3", "replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void Recovery_can_ask_for_an_older_snapshot()
    {
        StoreWithSnapshots("older");
        Start("older", new Recovery(new SnapshotSelectionCriteria(1)));
        Expect("offer s1@1 recovering=True", "replay b@2", "replay c@3", "replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void Recovery_can_ignore_snapshots()
    {
        StoreWithSnapshots("ignored");
        Start("ignored", new Recovery(SnapshotSelectionCriteria.None));
        Expect("replay a@1", "replay b@2", "replay c@3", "replayed recovering=True", "recovered 3");
    }

    // Up to a number: snapshot and events beyond it are left out, but the actor's number is the highest stored.
    [Fact]
    public void Recovery_can_end_at_a_number()
    {
        StoreWithSnapshots("to");
        Start("to", new Recovery(SnapshotSelectionCriteria.Latest, 1));
        Expect("offer s1@1 recovering=True", "replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void Recovery_can_be_limited_in_events()
    {
        Store("max", "a", "b", "c");
        Start("max", new Recovery(SnapshotSelectionCriteria.None, long.MaxValue, 2));
        Expect("replay a@1", "replay b@2", "replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void Recovery_None_still_learns_the_last_number()
    {
        StoreWithSnapshots("nothing");
        Start("nothing", Recovery.None);
        Expect("replayed recovering=True", "recovered 3");
    }

    [Fact]
    public void Persist_is_refused_while_recovering_and_allowed_from_RecoveryCompleted_on()
    {
        Store("allowed", "a");
        var me = TestActor;
        Sys.ActorOf(Props.Create(() => new PersistsEarly("allowed", me)));
        Expect("InvalidOperationException recovering=True", "completed recovering=False finished=True", "persisted late@2");
    }

    // An event handler throws during replay: OnRecoveryFailure with the event, and the actor stops.
    [Fact]
    public void A_failing_replay_handler_stops_the_actor()
    {
        Store("poisoned", "a", "poison", "b");
        Watch(Start("poisoned"));
        Expect("replay a@1", "recovery failed poison: InvalidOperationException");
        ExpectMsg<Terminated>();
    }

    // The journal can't replay: OnRecoveryFailure, and the actor stops.
    [Fact]
    public void A_failing_journal_stops_the_actor()
    {
        StoreIn(TestJournal, "broken", "a");
        Script.OnReplay = () => new IOException("broken disk");
        Watch(Start("broken", journal: TestJournal));
        ExpectMsg("recovery failed : IOException");
        ExpectMsg<Terminated>();
    }

    // At most two recover at a time: a third waits until one of two that hang has been stopped.
    [Fact]
    public void Recoveries_beyond_the_limit_wait()
    {
        StoreIn(TestJournal, "hang1", "a");
        StoreIn(TestJournal, "hang2", "a");
        Script.NeverAnswerReplay = true;
        var hidden = CreateTestProbe();
        var first = Start("hang1", journal: TestJournal, probe: hidden);
        Start("hang2", journal: TestJournal, probe: hidden);
        AwaitCondition(() => Script.ReplaysAsked == 2);
        Start("third", journal: TestJournal); // Of the same journal: later official versions count for each plugin.
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Sys.Stop(first);
        Expect("replayed recovering=True", "recovered 0");
    }

    private void Store(string id, params string[] events) => StoreIn(null, id, events);

    private void StoreIn(string? journal, string id, params string[] events)
    {
        var actor = StartNew(id, journal);
        actor.Tell(Act(a =>
        {
            foreach (var e in events)
                a.Persist(e, _ => { });
            a.DeferAsync("stored", a.Report);
        }));
        ExpectMsg("stored");
        StopAndWait(actor);
    }

    /// <summary>Stores a, b, c with snapshots s1 and s2 after the first and the second.</summary>
    private void StoreWithSnapshots(string id)
    {
        var actor = StartNew(id);
        foreach (var (e, snapshot) in new[] { ("a", "s1"), ("b", "s2") })
        {
            actor.Tell(Act(a => a.Persist(e, _ => a.SaveSnapshot(snapshot))));
            ExpectMsg<SaveSnapshotSuccess>();
        }

        actor.Tell(Act(a => a.Persist("c", a.Report)));
        ExpectMsg("c");
        StopAndWait(actor);
    }

    private sealed class PersistsEarly : ReceivePersistentActor
    {
        public PersistsEarly(string id, IActorRef probe)
        {
            PersistenceId = id;
            Recover<string>(_ =>
            {
                try
                {
                    PersistAsync("early", _ => { });
                }
                catch (Exception e)
                {
                    probe.Tell($"{e.GetType().Name} recovering={IsRecovering}");
                }
            });
            Recover<RecoveryCompleted>(_ =>
            {
                probe.Tell($"completed recovering={IsRecovering} finished={IsRecoveryFinished}");
                Persist("late", e => probe.Tell($"persisted {e}@{LastSequenceNr}"));
            });
        }

        public override string PersistenceId { get; }
    }
}

public sealed class PersistenceRecoveryTimeoutTests() : PersistenceSpec("test.journal.recovery-event-timeout = 500ms")
{
    // The journal does not answer within recovery-event-timeout: OnRecoveryFailure, and the actor stops.
    [Fact]
    public void A_silent_journal_stops_the_actor()
    {
        var actor = StartNew("silent", TestJournal);
        actor.Tell(Act(a => a.Persist("a", a.Report)));
        ExpectMsg("a");
        StopAndWait(actor);
        Script.NeverAnswerReplay = true;
        Watch(Start("silent", journal: TestJournal));
        ExpectMsg("recovery failed : RecoveryTimedOutException", TimeSpan.FromSeconds(20));
        ExpectMsg<Terminated>();
    }
}

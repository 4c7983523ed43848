using Akka.Actor;
using Akka.Persistence;

namespace Akka.Conformance.Tests.Persistence;

/// <summary>Failed and rejected writes, handlers that throw, and full stashes.</summary>
public sealed class PersistenceFailureTests : PersistenceSpec
{
    // A failed write: OnPersistFailure, the handler does not run, the actor stops; what waited goes to dead letters.
    [Fact]
    public void A_failed_write_stops_the_actor()
    {
        var actor = StartNew("fails", TestJournal);
        Script.OnWrite = _ => throw new IOException("disk gone");
        Watch(actor);
        actor.Tell(Act(a =>
        {
            a.Persist("a", e => a.Report("handled " + e));
            a.DeferAsync("b", e => a.Report("handled " + e));
        }));
        actor.Tell("never");
        ExpectMsg("failed a@1: disk gone");
        ExpectMsg<Terminated>();
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void A_failed_asynchronous_write_stops_the_actor()
    {
        var actor = StartNew("fails-async", TestJournal);
        Script.OnWrite = writes =>
        {
            if (writes.Any(w => w.HighestSequenceNr >= 2)) throw new IOException("disk gone");
        };
        Watch(actor);
        actor.Tell(Act(a => a.PersistAsync("a", a.Report)));
        ExpectMsg("a");
        actor.Tell(Act(a => a.PersistAsync("b", a.Report)));
        ExpectMsg("failed b@2: disk gone");
        ExpectMsg<Terminated>();
    }

    // A rejected event: OnPersistRejected, its handler does not run, the next one does, the actor goes on.
    [Fact]
    public void A_rejected_event_leaves_the_actor_running()
    {
        var actor = StartNew("rejects", TestJournal);
        Script.Reject = w => w.LowestSequenceNr == 1 ? new InvalidOperationException("can't serialize") : null;
        actor.Tell(Act(a =>
        {
            a.Persist("a", a.Report);
            a.Persist("b", a.Report);
        }));
        actor.Tell("command");
        Expect("rejected a@1: can't serialize", "b", "command");
    }

    // A handler throws: the actor restarts and recovers; commands that waited are taken by the new incarnation.
    [Fact]
    public void A_throwing_handler_restarts_the_actor_and_keeps_waiting_commands()
    {
        var actor = StartNew("throws");
        actor.Tell(Act(a => a.Persist("a", _ => throw new InvalidOperationException("handler"))));
        actor.Tell("waiting");
        Expect("restarting", "replay a@1", "replayed recovering=True", "recovered 1", "waiting");
    }

    // A command handler throws after PersistAsync: the event is stored, its handler belongs to the old incarnation.
    [Fact]
    public void Handlers_of_an_earlier_incarnation_do_not_run()
    {
        var actor = StartNew("old-handlers", TestJournal);
        var gate = Script.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        actor.Tell(Act(a =>
        {
            a.PersistAsync("a", e => a.Report("handled " + e));
            throw new InvalidOperationException("command");
        }));
        ExpectMsg("restarting");
        gate.SetResult();
        FishForMessage(m => m is string s && s.StartsWith("recovered", StringComparison.Ordinal));
        actor.Tell("command");
        ExpectMsg("command");
    }

    [Fact]
    public void A_null_persistence_id_fails_the_start()
    {
        Watch(Start(null!));
        ExpectMsg<Terminated>();
    }

    [Fact]
    public void An_unknown_journal_fails_the_start()
    {
        Watch(Start("lost", journal: "no.such.journal"));
        ExpectMsg<Terminated>();
    }
}

/// <summary>The circuit breaker of a journal that opens at the first failure.</summary>
public sealed class PersistenceBreakerTests() : PersistenceSpec("test.journal.circuit-breaker.max-failures = 1")
{
    [Fact]
    public void An_open_circuit_breaker_fails_calls_at_once()
    {
        var other = StartNew("other", TestJournal);
        var actor = StartNew("first", TestJournal);
        Script.OnWrite = _ => throw new IOException("disk gone");
        actor.Tell(Act(a => a.Persist("a", a.Report)));
        ExpectMsg("failed a@1: disk gone");
        other.Tell(Act(a => a.Persist("b", a.Report)));
        Assert.StartsWith("failed b@1: Circuit Breaker is open", ExpectMsg<string>());
        Start("third", journal: TestJournal);
        ExpectMsg("recovery failed : OpenCircuitException");
        Assert.Equal(["a"], Script.Batches);
    }
}

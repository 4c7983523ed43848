using Akka.Actor;
using Akka.Persistence;

namespace Akka.Conformance.Tests.Persistence;

/// <summary>In which order events are stored, handlers run and commands are taken.</summary>
public sealed class PersistenceOrderTests : PersistenceSpec
{
    // Persist twice in one command: handlers in order, before the next command, each with the number of its event.
    [Fact]
    public void Persist_runs_handlers_in_order_before_the_next_command()
    {
        var actor = StartNew("order");
        actor.Tell(Act(a =>
        {
            a.Persist("a", e => a.Report($"{e}@{a.LastSequenceNr}"));
            a.Persist("b", e => a.Report($"{e}@{a.LastSequenceNr}"));
            a.Report("command 1 ends");
        }));
        actor.Tell("command 2");
        Expect("command 1 ends", "a@1", "b@2", "command 2");
    }

    // The journal holds the write back: commands wait in arrival order until the handler has run.
    [Fact]
    public void Commands_are_stashed_while_an_event_is_being_persisted()
    {
        var actor = StartNew("stash", TestJournal);
        var gate = Script.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        actor.Tell(Act(a => a.Persist("a", e => a.Report("handled " + e))));
        for (var i = 0; i < 20; i++)
            actor.Tell(i);
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Script.Gate = null;
        gate.SetResult();
        ExpectMsg("handled a");
        for (var i = 0; i < 20; i++)
            ExpectMsg(i);
    }

    // PersistAsync does not hold up commands; its handlers still run in the order of the calls, with the senders of then.
    [Fact]
    public void PersistAsync_lets_commands_through_and_keeps_handler_order()
    {
        var actor = StartNew("async", TestJournal);
        var gate = Script.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var name in new[] { "a", "b", "c" })
            actor.Tell(Act(a => a.PersistAsync(name, e => a.Report($"handled {e}@{a.LastSequenceNr}"))));
        actor.Tell("command");
        ExpectMsg("command");
        Script.Gate = null;
        gate.SetResult();
        Expect("handled a@1", "handled b@2", "handled c@3");
        // While the first was under way, the others gathered into one batch.
        Assert.Equal(["a", "b c"], Script.Batches);
    }

    // Persist after PersistAsync in one command: both handlers run before the next command.
    [Fact]
    public void Persist_after_PersistAsync_waits_for_both()
    {
        var actor = StartNew("mixed");
        actor.Tell(Act(a =>
        {
            a.PersistAsync("async", e => a.Report(e));
            a.Persist("sync", e => a.Report(e));
        }));
        actor.Tell("command");
        Expect("async", "sync", "command");
    }

    // A handler persists again: the nested handler runs before waiting commands.
    [Fact]
    public void Nested_Persist_runs_before_waiting_commands()
    {
        var actor = StartNew("nested");
        actor.Tell(Act(a => a.Persist("outer", e =>
        {
            a.Report(e);
            a.Persist("inner", a.Report);
        })));
        actor.Tell("command");
        Expect("outer", "inner", "command");
    }

    // PersistAll: one atomic write of three events; all handlers run before the next command.
    [Fact]
    public void PersistAll_is_one_atomic_write()
    {
        var actor = StartNew("all", TestJournal);
        actor.Tell(Act(a => a.PersistAll(["a", "b", "c"], e => a.Report($"{e}@{a.LastSequenceNr}"))));
        actor.Tell("command");
        Expect("a@1", "b@2", "c@3", "command");
        Assert.Equal(["a+b+c"], Script.Batches);
    }

    // The journal rejects an atomic write of three events: none of them is stored, all are reported, later ones go on.
    [Fact]
    public void PersistAll_is_rejected_as_a_whole()
    {
        var actor = StartNew("all-rejected", TestJournal);
        Script.Reject = w => w.Size == 3 ? new InvalidOperationException("no") : null;
        actor.Tell(Act(a =>
        {
            a.PersistAll(["a", "b", "c"], a.Report);
            a.Persist("d", a.Report);
        }));
        Expect("rejected a@1: no", "rejected b@2: no", "rejected c@3: no", "d");
        StopAndWait(actor);
        Start("all-rejected", journal: TestJournal);
        Expect("replay d@4", "replayed recovering=True", "recovered 4");
    }

    [Fact]
    public void PersistAll_of_nothing_leaves_the_actor_free()
    {
        var actor = StartNew("none");
        actor.Tell(Act(a => a.PersistAll(Array.Empty<string>(), a.Report)));
        actor.Tell("command");
        ExpectMsg("command");
    }

    [Fact]
    public void PersistAllAsync_lets_commands_through()
    {
        var actor = StartNew("all-async", TestJournal);
        var gate = Script.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        actor.Tell(Act(a => a.PersistAllAsync(["a", "b"], a.Report)));
        actor.Tell("command");
        ExpectMsg("command");
        gate.SetResult();
        Expect("a", "b");
        Assert.Equal(["a+b"], Script.Batches);
    }

    // DeferAsync takes its place among the handlers, is not stored, and runs at once when nothing is pending.
    [Fact]
    public void DeferAsync_keeps_its_place_among_handlers()
    {
        var actor = StartNew("defer");
        actor.Tell(Act(a =>
        {
            a.DeferAsync("0", a.Report);
            a.Report("first");
            a.PersistAsync("1", a.Report);
            a.DeferAsync("2", a.Report);
            a.PersistAsync("3", a.Report);
            a.DeferAsync("4", e => a.Report($"{e}@{a.LastSequenceNr}"));
        }));
        Expect("0", "first", "1", "2", "3", "4@2");
        StopAndWait(actor);
        Start("defer");
        Expect("replay 1@1", "replay 3@2", "replayed recovering=True", "recovered 2");
    }

    [Fact]
    public void DeferAsync_after_Persist_runs_before_the_next_command()
    {
        var actor = StartNew("defer-sync");
        actor.Tell(Act(a =>
        {
            a.Persist("1", a.Report);
            a.DeferAsync("2", a.Report);
        }));
        actor.Tell("command");
        ExpectMsg("1");
        // The deferred handler is no stashing one: it and the command may come either way round.
        Assert.Equal(["2", "command"], new[] { ExpectMsg<string>(), ExpectMsg<string>() }.Order());
    }

    // Handlers see the sender of the command that persisted, however late they run.
    [Fact]
    public void Handlers_see_the_sender_of_their_command()
    {
        var actor = StartNew("sender");
        var (one, two) = (CreateTestProbe(), CreateTestProbe());
        actor.Tell(Act(a => a.PersistAsync("x", e => a.CurrentSender.Tell("to one"))), one.Ref);
        actor.Tell(Act(a => a.Persist("y", e => a.CurrentSender.Tell("to two"))), two.Ref);
        actor.Tell(Act(a =>
        {
            a.PersistAsync("z", _ => { });
            a.DeferAsync("d", e => a.CurrentSender.Tell("to one again"));
        }), one.Ref);
        one.ExpectMsg("to one");
        two.ExpectMsg("to two");
        one.ExpectMsg("to one again");
    }

    // What the actor stashes itself comes back before commands that wait internally.
    [Fact]
    public void The_users_stash_goes_before_internally_stashed_commands()
    {
        var actor = StartNew("user-stash");
        var open = false;
        Do Stashing(string name) => Act(a =>
        {
            if (open) a.Report(name);
            else a.Stash.Stash();
        });
        actor.Tell(Stashing("s1"));
        actor.Tell(Stashing("s2"));
        actor.Tell(Act(a => a.Persist("e", e =>
        {
            open = true;
            a.Stash.UnstashAll();
            a.Report(e);
        })));
        actor.Tell("c1");
        actor.Tell("c2");
        Expect("e", "s1", "s2", "c1", "c2");
    }

    // An asynchronous command handler persists after an await: the next command waits for the task and the event.
    [Fact]
    public void CommandAsync_may_persist_after_an_await()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var actor = Sys.ActorOf(Props.Create(() => new Awaiting(TestActor, release.Task)));
        actor.Tell(1);
        actor.Tell("command");
        ExpectMsg("before");
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        release.SetResult();
        Expect("after", "persisted 1", "command");
    }

    private sealed class Awaiting : ReceivePersistentActor
    {
        public Awaiting(IActorRef probe, Task gate)
        {
            CommandAsync<int>(async i =>
            {
                probe.Tell("before");
                await gate;
                Persist(i, e => probe.Tell("persisted " + e));
                probe.Tell("after");
            });
            Command<string>(s => probe.Tell(s));
        }

        public override string PersistenceId => "awaiting";
    }
}

using ActorBroker.Log;
using Akka.Actor;
using Akka.Persistence;

namespace ActorBroker.Tests.Journal;

/// <summary>What every journal must do, at the level of the messages that persistent actors exchange with it.</summary>
public abstract class JournalContract : JournalSpec
{
    private protected JournalContract(string pluginId, string config = "")
        : base(pluginId, config)
    {
    }

    /// <summary>The number of the first event: a journal may store entries of its own before it.</summary>
    protected virtual long First => 1;

    protected virtual bool IsDurable => true;

    [Fact]
    public void An_unknown_id_has_no_events()
    {
        var (events, highest) = Replay(Journal, CreateTestProbe(), "empty");
        Assert.Empty(events);
        Assert.Equal(First - 1, highest);
    }

    [Fact]
    public void Writes_are_answered_and_replayed_in_order()
    {
        var actor = CreateTestProbe();
        Begin(actor, "a");
        Assert.Equal([First, First + 1, First + 2], Write(Journal, actor, "a", "x", "y", "z"));
        Assert.Equal([First + 3], Write(Journal, actor, "a", "w"));
        var (events, highest) = Replay(Journal, actor, "a");
        Assert.Equal(Expected("x", "y", "z", "w"), Names(events));
        Assert.Equal(First + 3, highest);
    }

    [Fact]
    public void Events_of_one_atomic_write_have_numbers_of_their_own()
    {
        var actor = CreateTestProbe();
        Begin(actor, "atomic");
        Send(Journal, actor, Atomic("atomic", Named("x", "y", "z")), Atomic("atomic", Named("w")));
        actor.ExpectMsg<WriteMessagesSuccessful>();
        for (var i = 0; i < 4; i++)
            Assert.Equal(First + i, actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr);
        Assert.Equal(Expected("x", "y", "z", "w"), Names(Replay(Journal, actor, "atomic").Events));
    }

    // Events 1 to 5 behind the first number; ranges are inclusive, relative to it.
    [Theory]
    [InlineData(1, 5, 99, "e1 e2 e3 e4 e5")]
    [InlineData(3, 5, 99, "e3 e4 e5")]
    [InlineData(1, 3, 99, "e1 e2 e3")]
    [InlineData(2, 2, 99, "e2")]
    [InlineData(1, 5, 2, "e1 e2")]
    [InlineData(3, 5, 1, "e3")]
    [InlineData(1, 5, 0, "")]
    [InlineData(4, 3, 99, "")]
    [InlineData(6, 9, 99, "")]
    public void Replays_keep_to_their_range(long from, long to, long max, string expected)
    {
        var actor = CreateTestProbe();
        Begin(actor, "range");
        Send(Journal, actor, Atomic("range", Named("e1")), Atomic("range", Named("e2", "e3")), Atomic("range", Named("e4")), Atomic("range", Named("e5")));
        actor.ReceiveN(6, TimeSpan.FromSeconds(20));
        var (events, highest) = Replay(Journal, actor, "range", from + First - 1, to + First - 1, max);
        Assert.Equal(expected, string.Join(' ', events.Select(e => ((TestEvent)e.Event).Name)));
        Assert.Equal(First + 4, highest);
    }

    [Fact]
    public void Deleted_events_are_not_replayed_and_numbers_go_on()
    {
        var actor = CreateTestProbe();
        Begin(actor, "del");
        Write(Journal, actor, "del", "a", "b", "c", "d");
        Delete(actor, "del", First + 1);
        Assert.Equal($"c@{First + 2} d@{First + 3}", Names(Replay(Journal, actor, "del").Events));
        Delete(actor, "del", First); // Again, and less: changes nothing.
        Delete(actor, "del", First + 3);
        var (events, highest) = Replay(Journal, actor, "del");
        Assert.Empty(events);
        Assert.Equal(First + 3, highest);
        Assert.Equal([First + 4], Write(Journal, actor, "del", "e"));
        Assert.Equal($"e@{First + 4}", Names(Replay(Journal, actor, "del").Events));
    }

    [Fact]
    public void A_delete_within_an_atomic_write_keeps_the_rest_of_it()
    {
        var actor = CreateTestProbe();
        Begin(actor, "within");
        Send(Journal, actor, Atomic("within", Named("a", "b", "c")));
        actor.ReceiveN(4, TimeSpan.FromSeconds(20));
        Delete(actor, "within", First + 1);
        Assert.Equal($"c@{First + 2}", Names(Replay(Journal, actor, "within").Events));
    }

    [Fact]
    public void Many_events_and_large_events_come_back()
    {
        var actor = CreateTestProbe();
        Begin(actor, "many");
        var names = Enumerable.Range(0, 3000).Select(i => "event " + i).Append(new string('x', 1_000_000)).ToArray();
        foreach (var chunk in names.Chunk(500))
            Write(Journal, actor, "many", chunk);
        var (events, highest) = Replay(Journal, actor, "many");
        Assert.Equal(names, events.Select(e => ((TestEvent)e.Event).Name));
        Assert.Equal(First + names.Length - 1, highest);
    }

    [Fact]
    public void Ids_do_not_mix()
    {
        var (one, two) = (CreateTestProbe(), CreateTestProbe());
        Begin(one, "one");
        Begin(two, "two");
        Write(Journal, one, "one", "a");
        Write(Journal, two, "two", "b", "c");
        Write(Journal, one, "one", "d");
        Assert.Equal(Expected("a", "d"), Names(Replay(Journal, one, "one").Events));
        Assert.Equal(Expected("b", "c"), Names(Replay(Journal, two, "two").Events));
    }

    // The sender of each answer is the one of the event; a message that is not stored keeps its place among them.
    [Fact]
    public void Answers_carry_their_senders_in_order()
    {
        var (actor, client) = (CreateTestProbe(), CreateTestProbe());
        var received = Sys.ActorOf(Props.Create(() => new Senders(actor.Ref)));
        Journal.Tell(new ReplayMessages(1, 0, 0, "senders", received), received);
        actor.ExpectMsg("RecoverySuccess");
        var e = new Persistent(new TestEvent("x"), NextNumber("senders"), "senders", sender: client.Ref, writerGuid: "w");
        Journal.Tell(new WriteMessages([new AtomicWrite(e), new Loop("loop", client.Ref), Atomic("senders", Named("y"))], received, 7), received);
        Journal.Tell(new WriteMessages([new Loop("alone", client.Ref)], received, 7), received);
        actor.ExpectMsg("WriteMessagesSuccessful");
        actor.ExpectMsg($"x from {client.Ref.Path}");
        actor.ExpectMsg($"loop from {client.Ref.Path}");
        actor.ExpectMsg("y from nobody");
        actor.ExpectMsg("WriteMessagesSuccessful");
        actor.ExpectMsg($"alone from {client.Ref.Path}");
    }

    // A persistent actor stores, restarts and recovers through the journal.
    [Fact]
    public void A_persistent_actor_recovers_from_it()
    {
        var probe = CreateTestProbe();
        for (var round = 0; round < 3; round++)
        {
            var actor = Sys.ActorOf(Props.Create(() => new Counter(Path(), probe.Ref)));
            Assert.Equal(round * 10, probe.ExpectMsg<int>(TimeSpan.FromSeconds(20)));
            for (var i = 0; i < 10; i++)
                actor.Tell("add");
            for (var i = 1; i <= 10; i++)
                Assert.Equal((round * 10) + i, probe.ExpectMsg<int>());
            probe.Watch(actor);
            Sys.Stop(actor);
            probe.ExpectTerminated(actor);
        }
    }

    [SkippableFact]
    public async Task Events_survive_a_restart()
    {
        Skip.IfNot(IsDurable);
        var actor = CreateTestProbe();
        Begin(actor, "re/Start é");
        Write(Journal, actor, "re/Start é", "a", "b", "c");
        Delete(actor, "re/Start é", First);
        var second = await Restart();
        var probe = CreateTestProbe(second);
        var (events, highest) = Replay(JournalOf(second), probe, "re/Start é");
        Assert.Equal($"b@{First + 1} c@{First + 2}", Names(events));
        Assert.Equal(highest + 1, Assert.Single(Write(JournalOf(second), probe, "re/Start é", "d")));
        await second.Terminate();
    }

    // Everything that was not synced is lost with the power: what was answered is there.
    [SkippableFact]
    public async Task Answered_events_survive_a_power_loss()
    {
        Skip.IfNot(IsDurable);
        var actor = CreateTestProbe();
        Begin(actor, "power");
        Write(Journal, actor, "power", "a", "b");
        Delete(actor, "power", First);
        Files.Crash();
        var second = await Restart();
        var probe = CreateTestProbe(second);
        Assert.Equal($"b@{First + 1}", Names(Replay(JournalOf(second), probe, "power").Events));
        await second.Terminate();
    }

    // One event of the second atomic write can't be serialized: that write is rejected whole, the others are stored.
    [SkippableFact]
    public void What_can_not_be_serialized_is_rejected()
    {
        Skip.IfNot(IsDurable);
        var actor = CreateTestProbe();
        Begin(actor, "rej");
        Send(Journal, actor, Atomic("rej", Named("a")), Atomic("rej", Named("b", TestEventSerializer.Unserializable)), Atomic("rej", Named("c")));
        actor.ExpectMsg<WriteMessagesSuccessful>();
        Assert.Equal(First, actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr);
        Assert.Equal(new TestEvent("b"), actor.ExpectMsg<WriteMessageRejected>().Persistent.Payload);
        Assert.Contains("serialized", actor.ExpectMsg<WriteMessageRejected>().Cause.Message, StringComparison.Ordinal);
        Assert.Equal(First + 1, actor.ExpectMsg<WriteMessageSuccess>().Persistent.SequenceNr);
        Assert.Equal(Expected("a", "c"), Names(Replay(Journal, actor, "rej").Events));
    }

    // The disk fails in a write: it and later ones fail, until a recovery has opened the log anew; what was stored is there.
    [SkippableTheory]
    [InlineData(FileOperation.Write)]
    [InlineData(FileOperation.Flush)]
    public void A_fault_of_the_disk_fails_writes_until_recovery(FileOperation operation)
    {
        Skip.IfNot(IsDurable);
        var (actor, other) = (CreateTestProbe(), CreateTestProbe());
        Begin(actor, "io");
        Begin(other, "healthy");
        Write(Journal, actor, "io", "a", "b");
        Files.FailNext(operation, ".log");
        foreach (var name in new[] { "c", "d" })
        {
            Send(Journal, actor, Atomic("io", Named(name)));
            Assert.Equal(1, actor.ExpectMsg<WriteMessagesFailed>(TimeSpan.FromSeconds(20)).WriteCount);
            Assert.Equal(new TestEvent(name), actor.ExpectMsg<WriteMessageFailure>().Persistent.Payload);
        }

        Write(Journal, other, "healthy", "x");
        var events = Names(Replay(Journal, actor, "io").Events);
        // The event of the failed write may or may not be there.
        Assert.StartsWith(Expected("a", "b"), events, StringComparison.Ordinal);
        Assert.DoesNotContain("d@", events, StringComparison.Ordinal);
        Write(Journal, actor, "io", "e");
        Assert.StartsWith("e@", Names(Replay(Journal, actor, "io").Events).Split(' ')[^1], StringComparison.Ordinal);
    }

    // The disk fills up: writes are rejected, replays go on, and once there is room writes are taken again.
    [SkippableFact]
    public void A_full_disk_rejects_writes_until_there_is_room()
    {
        Skip.IfNot(IsDurable);
        var actor = CreateTestProbe();
        Begin(actor, "full");
        Write(Journal, actor, "full", "a");
        Files.CapacityBytes = Files.UsedBytes + 10;
        for (var i = 0; i < 2; i++)
        {
            Send(Journal, actor, Atomic("full", Named("b")));
            actor.ExpectMsg<WriteMessagesSuccessful>(TimeSpan.FromSeconds(20));
            Assert.Contains("full", actor.ExpectMsg<WriteMessageRejected>().Cause.Message, StringComparison.Ordinal);
        }

        Assert.Equal(Expected("a"), Names(Replay(Journal, actor, "full").Events));
        Files.CapacityBytes = long.MaxValue;
        Assert.Equal([First + 1], Write(Journal, actor, "full", "c"));
        Assert.Equal(Expected("a", "c"), Names(Replay(Journal, actor, "full").Events));
    }

    /// <summary>What an actor does first: some journals take writes only from those that have recovered.</summary>
    protected void Begin(Akka.TestKit.TestProbe actor, string id) => Replay(Journal, actor, id);

    protected string Expected(params string[] names) => string.Join(' ', names.Select((n, i) => $"{n}@{First + i}"));

    private protected void Delete(Akka.TestKit.TestProbe actor, string id, long to)
    {
        Journal.Tell(new DeleteMessagesTo(id, to, actor.Ref), actor.Ref);
        Assert.Equal(to, actor.ExpectMsg<DeleteMessagesSuccess>(TimeSpan.FromSeconds(20)).ToSequenceNr);
    }

    private string Path() => GetType().Name;

    private sealed class Loop(object payload, IActorRef sender) : IPersistentEnvelope
    {
        public object Payload => payload;

        public IActorRef Sender => sender;

        public int Size => 1;
    }

    private sealed class Senders : ReceiveActor
    {
        public Senders(IActorRef probe)
        {
            Receive<WriteMessageSuccess>(m => probe.Tell($"{((TestEvent)m.Persistent.Payload).Name} from {Name(Sender)}"));
            Receive<LoopMessageSuccess>(m => probe.Tell($"{m.Message} from {Name(Sender)}"));
            ReceiveAny(m => probe.Tell(m.GetType().Name));
        }

        private static string Name(IActorRef sender) =>
            sender.Path.Name.Contains("deadLetters", StringComparison.Ordinal) ? "nobody" : sender.Path.ToString();
    }
}

internal sealed class Counter : ReceivePersistentActor
{
    private int _count;

    public Counter(string journalName, IActorRef probe)
    {
        PersistenceId = "counter-" + journalName;
        Recover<TestEvent>(_ => _count++);
        Recover<RecoveryCompleted>(_ => probe.Tell(_count));
        Command<string>(_ => Persist(new TestEvent("added"), _ => probe.Tell(++_count)));
    }

    public override string PersistenceId { get; }
}

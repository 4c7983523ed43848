using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace Akka.Conformance.Tests;

public class ActorContextTests() : Akka.TestKit.Xunit2.TestKit(Settings)
{
    private static readonly Config Settings = ConfigurationFactory.ParseString("""
        few-threads {
          type = ForkJoinDispatcher
          throughput = 5
          dedicated-thread-pool { thread-count = 1 }
        }
        own-thread { type = PinnedDispatcher }
        urgent-first { mailbox-type = "Akka.Conformance.Tests.UrgentFirst, Akka.Conformance.Tests" }
        small { mailbox-type = "Akka.Dispatch.BoundedMailbox", mailbox-capacity = 2, mailbox-push-timeout-time = 10ms }
        """);

    private sealed class Node : UntypedActor
    {
        public sealed record Make(string Name);

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case Make make:
                    Sender.Tell(Context.ActorOf(Props.Create(() => new Node()), make.Name));
                    break;
                case "children":
                    Sender.Tell(Context.GetChildren().Select(c => c.Path.Name).Order(StringComparer.Ordinal).ToArray());
                    break;
                case "parent":
                    Sender.Tell(Context.Parent);
                    break;
                case string relative when relative.StartsWith("select ", StringComparison.Ordinal):
                    Context.ActorSelection(relative[7..]).Tell("name", Sender);
                    break;
                case "name":
                    Sender.Tell(Self.Path.Name, Self);
                    break;
            }
        }
    }

    private IActorRef Tree()
    {
        var root = Sys.ActorOf(Props.Create(() => new Node()), "tree");
        foreach (var name in new[] { "a1", "a2", "b" })
            Make(root, name);
        return root;
    }

    private IActorRef Make(IActorRef parent, string name)
    {
        parent.Tell(new Node.Make(name), TestActor);
        return ExpectMsg<IActorRef>();
    }

    [Fact]
    public async Task Selections_find_by_path_wildcard_and_parent()
    {
        var root = Tree();
        var found = await Sys.ActorSelection("/user/tree/a1").ResolveOne(TimeSpan.FromSeconds(5));
        Assert.Equal("a1", found.Path.Name);
        Assert.Equal(found, await Sys.ActorSelection(found.Path).ResolveOne(TimeSpan.FromSeconds(5)));
        Assert.Equal(found, await Sys.ActorSelection("akka://" + Sys.Name + "/user/tree/a1").ResolveOne(TimeSpan.FromSeconds(5)));

        Sys.ActorSelection("/user/tree/a*").Tell("name", TestActor);
        Assert.Equal(["a1", "a2"], new[] { ExpectMsg<string>(), ExpectMsg<string>() }.Order(StringComparer.Ordinal));
        Sys.ActorSelection("/user/tree/?").Tell("name", TestActor);
        ExpectMsg("b");

        found.Tell("select ../b", TestActor);
        ExpectMsg("b");
        root.Tell("select a2", TestActor);
        ExpectMsg("a2");
    }

    [Fact]
    public async Task A_selection_of_nobody_answers_so()
    {
        await Assert.ThrowsAsync<ActorNotFoundException>(() => Sys.ActorSelection("/user/nobody").ResolveOne(TimeSpan.FromSeconds(5)));
        Sys.ActorSelection("/user/nobody").Tell(new Identify("id"), TestActor);
        var identity = ExpectMsg<ActorIdentity>();
        Assert.Equal("id", identity.MessageId);
        Assert.Null(identity.Subject);
    }

    [Fact]
    public void Every_actor_answers_Identify()
    {
        var root = Tree();
        root.Tell(new Identify(7), TestActor);
        var identity = ExpectMsg<ActorIdentity>();
        Assert.Equal(7, identity.MessageId);
        Assert.Equal(root, identity.Subject);
    }

    [Fact]
    public void The_context_knows_parent_and_children()
    {
        var root = Tree();
        root.Tell("children", TestActor);
        Assert.Equal(["a1", "a2", "b"], ExpectMsg<string[]>());
        var leaf = Make(root, "c");
        leaf.Tell("parent", TestActor);
        Assert.Equal(root, ExpectMsg<IActorRef>());
    }

    [Fact]
    public void A_reference_survives_its_text_form()
    {
        var root = Tree();
        var text = Akka.Serialization.Serialization.SerializedActorPath(root);
        Assert.Equal(root, ((ExtendedActorSystem)Sys).Provider.ResolveActorRef(text));
        Assert.Contains("#" + root.Path.Uid, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_parse_and_print()
    {
        var path = ActorPath.Parse("akka.tcp://sys@host:4053/user/a/b#12");
        Assert.Equal(new Address("akka.tcp", "sys", "host", 4053), path.Address);
        Assert.Equal(["user", "a", "b"], path.Elements);
        Assert.Equal(12, path.Uid);
        Assert.Equal("b", path.Name);
        Assert.Equal("akka.tcp://sys@host:4053/user/a/b", path.ToString());
        Assert.Equal("akka.tcp://sys@host:4053/user/a/b#12", path.ToSerializationFormat());
        Assert.Equal("/user/a/b", path.ToStringWithoutAddress());
        Assert.Equal("akka.tcp://sys@host:4053/user/a", path.Parent.ToString());
        var local = new RootActorPath(new Address("akka", "sys")) / "user" / "x";
        Assert.Equal("akka.tcp://sys@h:1/user/x", local.ToStringWithAddress(new Address("akka.tcp", "sys", "h", 1)));
        Assert.Equal(local, ActorPath.Parse("akka://sys/user/x"));
        Assert.False(ActorPath.TryParse("not a path", out _));
        Assert.Equal("akka.tcp://sys@host:4053", Address.Parse("akka.tcp://sys@host:4053").ToString());
    }

    private sealed class Sleepy : ReceiveActor
    {
        public Sleepy(IActorRef probe)
        {
            Context.SetReceiveTimeout(TimeSpan.FromMilliseconds(80));
            Receive<ReceiveTimeout>(_ =>
            {
                Context.SetReceiveTimeout(null);
                probe.Tell("timeout");
            });
            Receive<Quiet>(_ => probe.Tell("quiet"));
            ReceiveAny(_ => { });
        }
    }

    private sealed class Quiet : INotInfluenceReceiveTimeout;

    [Fact]
    public void A_receive_timeout_comes_after_silence_and_quiet_messages_do_not_break_the_silence()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Sleepy(TestActor)));
        actor.Tell(new Quiet());
        ExpectMsg("quiet");
        ExpectMsg("timeout");
        ExpectNoMsg(TimeSpan.FromMilliseconds(150));
    }

    [Fact]
    public void The_event_stream_delivers_by_class_and_its_bases()
    {
        var probe = CreateTestProbe();
        Assert.True(Sys.EventStream.Subscribe(probe.Ref, typeof(ArgumentException)));
        Assert.False(Sys.EventStream.Subscribe(probe.Ref, typeof(ArgumentException)));
        Sys.EventStream.Publish(new ArgumentNullException("x"));
        probe.ExpectMsg<ArgumentNullException>();
        Sys.EventStream.Publish(new InvalidOperationException());
        probe.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        Assert.True(Sys.EventStream.Unsubscribe(probe.Ref, typeof(ArgumentException)));
        Sys.EventStream.Publish(new ArgumentNullException("x"));
        probe.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void The_scheduler_tells_once_repeats_and_forgets_what_is_cancelled()
    {
        Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(20), TestActor, "once", ActorRefs.NoSender);
        ExpectMsg("once");
        var repeating = Sys.Scheduler.ScheduleTellRepeatedlyCancelable(TimeSpan.Zero, TimeSpan.FromMilliseconds(20), TestActor, "again", TestActor);
        ExpectMsg("again");
        ExpectMsg("again");
        repeating.Cancel();
        Assert.True(repeating.IsCancellationRequested);
        var cancelled = Sys.Scheduler.ScheduleTellOnceCancelable(TimeSpan.FromMilliseconds(100), TestActor, "never", ActorRefs.NoSender);
        cancelled.Cancel();
        var rest = ReceiveWhile<object>(TimeSpan.FromMilliseconds(300), o => o);
        Assert.DoesNotContain("never", rest);
        Sys.Scheduler.Advanced.ScheduleOnce(TimeSpan.FromMilliseconds(10), () => TestActor.Tell("action", ActorRefs.NoSender));
        ExpectMsg("action");
        Assert.Throws<ArgumentOutOfRangeException>(() => Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(-1), TestActor, "x", TestActor));
    }

    // Nothing fires early: what is due at 50 ms comes when at least 50 ms have passed.
    [Fact]
    public void A_timer_is_never_early()
    {
        var begin = Sys.Scheduler.MonotonicClock;
        Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(50), TestActor, "tick", ActorRefs.NoSender);
        ExpectMsg("tick");
        Assert.True(Sys.Scheduler.MonotonicClock - begin >= TimeSpan.FromMilliseconds(49));
    }

    private sealed class ThreadTeller : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(Environment.CurrentManagedThreadId);
    }

    [Fact]
    public void Dispatchers_of_the_configuration_run_on_their_own_threads()
    {
        foreach (var dispatcher in new[] { "few-threads", "own-thread" })
        {
            var actor = Sys.ActorOf(Props.Create(() => new ThreadTeller()).WithDispatcher(dispatcher));
            actor.Tell("x", TestActor);
            var thread = ExpectMsg<int>();
            for (var i = 0; i < 20; i++)
            {
                actor.Tell("x", TestActor);
                ExpectMsg(thread);
            }
        }
    }

    private sealed class Gated(ManualResetEventSlim gate, IActorRef probe) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is "wait")
            {
                probe.Tell("waiting");
                gate.Wait(TimeSpan.FromSeconds(10));
            }
            else
                probe.Tell(message, Self);
        }
    }

    [Fact]
    public void A_mailbox_of_the_configuration_decides_the_order()
    {
        using var gate = new ManualResetEventSlim();
        var actor = Sys.ActorOf(Props.Create(() => new Gated(gate, TestActor)).WithMailbox("urgent-first"));
        actor.Tell("wait");
        ExpectMsg("waiting");
        actor.Tell("slow");
        actor.Tell("urgent");
        gate.Set();
        ExpectMsg("urgent");
        ExpectMsg("slow");
    }

    [Fact]
    public void A_full_bounded_mailbox_makes_dead_letters()
    {
        var letters = CreateTestProbe();
        Sys.EventStream.Subscribe(letters.Ref, typeof(Akka.Event.DeadLetter));
        using var gate = new ManualResetEventSlim();
        var actor = Sys.ActorOf(Props.Create(() => new Gated(gate, TestActor)).WithMailbox("small"));
        actor.Tell("wait");
        ExpectMsg("waiting");
        actor.Tell(1);
        actor.Tell(2);
        actor.Tell(3);
        Assert.Equal(3, letters.ExpectMsg<Akka.Event.DeadLetter>().Message);
        gate.Set();
        ExpectMsg(1);
        ExpectMsg(2);
    }

    [Fact]
    public void Props_take_arguments_expressions_and_producers()
    {
        var byArguments = Sys.ActorOf(Props.Create<WithArguments>(TestActor, "a", 7));
        byArguments.Tell("x", TestActor);
        ExpectMsg("a7");
        var byType = Sys.ActorOf(Props.Create(typeof(WithArguments), TestActor, "b", 7));
        byType.Tell("x", TestActor);
        ExpectMsg("b7");
        var number = 3;
        var byExpression = Sys.ActorOf(Props.Create(() => new WithArguments(TestActor, "c" + number, number)));
        byExpression.Tell("x", TestActor);
        ExpectMsg("c33");
        var byProducer = Sys.ActorOf(Props.CreateBy(new Producer(TestActor)));
        byProducer.Tell("x", TestActor);
        ExpectMsg("d7");
    }

    private sealed class WithArguments(IActorRef probe, string text, int number = 7) : UntypedActor
    {
        protected override void OnReceive(object message) => probe.Tell(text + number);
    }

    private sealed class Producer(IActorRef probe) : IIndirectActorProducer
    {
        public Type ActorType => typeof(WithArguments);
        public ActorBase Produce() => new WithArguments(probe, "d");
        public void Release(ActorBase actor) { }
    }
}

public sealed class UrgentFirst(Akka.Actor.Settings settings, Config config) : UnboundedPriorityMailbox(settings, config)
{
    protected override int PriorityGenerator(object message) => message is "urgent" ? 0 : 1;
}

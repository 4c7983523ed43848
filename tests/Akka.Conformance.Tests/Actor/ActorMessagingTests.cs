using Akka.Actor;
using Akka.Event;

namespace Akka.Conformance.Tests;

public class ActorMessagingTests : Akka.TestKit.Xunit2.TestKit
{
    private sealed class Numbered(IActorRef probe) : UntypedActor
    {
        protected override void OnReceive(object message) => probe.Tell((Sender.Path.Name, (int)message), Self);
    }

    private sealed class Producer(IActorRef target, int count) : UntypedActor
    {
        protected override void PreStart()
        {
            for (var i = 0; i < count; i++)
                target.Tell(i);
        }

        protected override void OnReceive(object message) { }
    }

    // Several producers at once: the messages of each arrive in the order in which it sent them.
    [Fact]
    public void Order_holds_per_sender_and_receiver()
    {
        const int count = 2000;
        var target = Sys.ActorOf(Props.Create(() => new Numbered(TestActor)));
        for (var i = 0; i < 4; i++)
            Sys.ActorOf(Props.Create(() => new Producer(target, count)), "producer-" + i);
        var next = new Dictionary<string, int>();
        for (var i = 0; i < 4 * count; i++)
        {
            var (from, number) = ExpectMsg<(string, int)>(TimeSpan.FromSeconds(20));
            next.TryGetValue(from, out var expected);
            Assert.Equal(expected, number);
            next[from] = expected + 1;
        }
        Assert.All(next.Values, v => Assert.Equal(count, v));
    }

    [Fact]
    public void A_message_to_a_stopped_actor_is_a_dead_letter_with_sender_and_recipient()
    {
        var target = Sys.ActorOf(Props.Create(() => new Recorder(TestActor, "a")), "gone");
        ExpectMsg("a:ctor");
        ExpectMsg("a:PreStart");
        Watch(target);
        Sys.Stop(target);
        ExpectMsg("a:PostStop");
        ExpectTerminated(target);
        var letters = CreateTestProbe();
        Sys.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        target.Tell("late", TestActor);
        var letter = letters.ExpectMsg<DeadLetter>();
        Assert.Equal("late", letter.Message);
        Assert.Equal(TestActor, letter.Sender);
        Assert.Equal(target, letter.Recipient);
    }

    // Messages that wait behind the end of an actor are dead letters too, in their order.
    [Fact]
    public void What_is_left_in_the_mailbox_of_a_stopped_actor_becomes_dead_letters()
    {
        var letters = CreateTestProbe();
        Sys.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        var release = new TaskCompletionSource();
        var target = Sys.ActorOf(Props.Create(() => new Blocking(release)));
        target.Tell("block", TestActor);
        ExpectMsg("blocked");
        target.Tell("one", TestActor);
        target.Tell("two", TestActor);
        Sys.Stop(target);
        Watch(target);
        release.SetResult();
        ExpectTerminated(target);
        Assert.Equal("one", letters.ExpectMsg<DeadLetter>().Message);
        Assert.Equal("two", letters.ExpectMsg<DeadLetter>().Message);
    }

    private sealed class Blocking(TaskCompletionSource release) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            Sender.Tell("blocked");
            release.Task.Wait();
            Context.Stop(Self);
        }
    }

    [Fact]
    public void A_suppressed_message_is_published_as_suppressed()
    {
        var letters = CreateTestProbe();
        Sys.EventStream.Subscribe(letters.Ref, typeof(AllDeadLetters));
        Sys.DeadLetters.Tell(new Quiet(), TestActor);
        Assert.IsType<Quiet>(letters.ExpectMsg<SuppressedDeadLetter>().Message);
    }

    private sealed class Quiet : IDeadLetterSuppression;

    [Fact]
    public void An_unhandled_message_is_published()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(UnhandledMessage));
        var target = Sys.ActorOf(Props.Create(() => new Picky()));
        target.Tell(1, TestActor);
        var unhandled = ExpectMsg<UnhandledMessage>();
        Assert.Equal(1, unhandled.Message);
        Assert.Equal(target, unhandled.Recipient);
        Assert.Equal(TestActor, unhandled.Sender);
    }

    private sealed class Picky : ReceiveActor
    {
        public Picky() => Receive<string>(_ => { });
    }

    [Fact]
    public void A_message_without_a_sender_seems_to_come_from_the_dead_letters()
    {
        var target = Sys.ActorOf(Props.Create(() => new SenderTeller(TestActor)));
        target.Tell("x", ActorRefs.NoSender);
        ExpectMsg<IActorRef>(r => Assert.Equal(Sys.DeadLetters, r));
    }

    private sealed class SenderTeller(IActorRef probe) : UntypedActor
    {
        protected override void OnReceive(object message) => probe.Tell(Sender);
    }

    [Fact]
    public void Null_is_no_message() => Assert.Throws<ArgumentNullException>(() => TestActor.Tell(null!, ActorRefs.NoSender));

    [Fact]
    public void Forward_keeps_the_sender()
    {
        var middle = Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)));
        var probe = CreateTestProbe();
        middle.Tell("x", probe.Ref);
        ExpectMsg("x");
        Assert.Equal(probe.Ref, LastSender);
    }

    private sealed class Forwarder(IActorRef to) : UntypedActor
    {
        protected override void OnReceive(object message) => to.Forward(message);
    }

    [Fact]
    public void Names_are_unique_and_checked()
    {
        Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "once");
        Assert.Throws<InvalidActorNameException>(() => Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "once"));
        Assert.Throws<InvalidActorNameException>(() => Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "a/b"));
        Assert.Throws<InvalidActorNameException>(() => Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "$a"));
        Assert.Throws<InvalidActorNameException>(() => Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), ""));
    }

    // The name is free again once the end is confirmed; the new incarnation is another reference.
    [Fact]
    public void A_name_can_be_used_again_by_another_incarnation()
    {
        var first = Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "again");
        Watch(first);
        Sys.Stop(first);
        ExpectTerminated(first);
        AwaitAssert(() =>
        {
            var second = Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "again");
            Assert.NotEqual(first, second);
            Assert.Equal(first.Path, second.Path);
            Assert.NotEqual(first.Path.Uid, second.Path.Uid);
        });
    }

    [Fact]
    public void Receive_picks_the_first_handler_that_fits()
    {
        var target = Sys.ActorOf(Props.Create(() => new Handlers(TestActor)));
        foreach (var message in new object[] { 5, 50, "text", 1.5, 'c', new ArgumentNullException("p"), new InvalidOperationException() })
            target.Tell(message);
        ExpectMsg("small 5");
        ExpectMsg("int 50");
        ExpectMsg("string text");
        ExpectMsg("formattable 1.5");
        ExpectMsg("any c");
        ExpectMsg("argument");
        ExpectMsg("exception InvalidOperationException");
    }

    private sealed class Handlers : ReceiveActor
    {
        public Handlers(IActorRef probe)
        {
            Receive<int>(i => i < 10, i => probe.Tell("small " + i));
            Receive<int>(i => probe.Tell("int " + i));
            Receive<string>(s => probe.Tell("string " + s));
            Receive<ArgumentException>(_ => probe.Tell("argument"));
            Receive<Exception>(e => probe.Tell("exception " + e.GetType().Name));
            Receive<double>(d => probe.Tell(FormattableString.Invariant($"formattable {d}")));
            ReceiveAny(o => probe.Tell("any " + o));
        }
    }

    [Fact]
    public void Behaviours_replace_and_stack()
    {
        var target = Sys.ActorOf(Props.Create(() => new Changing(TestActor)));
        target.Tell("x");
        ExpectMsg("base x");
        target.Tell("push");
        target.Tell("x");
        ExpectMsg("stacked x");
        target.Tell("pop");
        target.Tell("x");
        ExpectMsg("base x");
        target.Tell("replace");
        target.Tell("x");
        ExpectMsg("replaced x");
    }

    private sealed class Changing : ReceiveActor
    {
        public Changing(IActorRef probe)
        {
            Receive<string>(s => s == "push", _ => BecomeStacked(() =>
            {
                Receive<string>(s => s == "pop", _ => UnbecomeStacked());
                Receive<string>(s => probe.Tell("stacked " + s));
            }));
            Receive<string>(s => s == "replace", _ => Become(() => Receive<string>(s => probe.Tell("replaced " + s))));
            Receive<string>(s => probe.Tell("base " + s));
        }
    }
}

using Akka.Actor;

namespace Akka.Conformance.Tests;

public class ActorStashAndTimerTests : Akka.TestKit.Xunit2.TestKit
{
    private sealed class Stashing(IActorRef probe) : UntypedActor, IWithUnboundedStash
    {
        private bool _open;

        public IStash Stash { get; set; } = null!;

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case "open":
                    _open = true;
                    Stash.UnstashAll();
                    break;
                case "one":
                    _open = true;
                    Stash.Unstash();
                    break;
                case "close":
                    _open = false;
                    break;
                case "fail":
                    throw new InvalidOperationException("fail");
                case "twice":
                    Stash.Stash();
                    try
                    {
                        Stash.Stash();
                    }
                    catch (IllegalActorStateException)
                    {
                        probe.Tell("refused");
                    }
                    break;
                case int number when !_open:
                    Stash.Stash();
                    probe.Tell("stashed " + number, Self);
                    break;
                default:
                    probe.Tell(message, Sender);
                    break;
            }
        }

        protected override void PostRestart(Exception reason)
        {
            base.PostRestart(reason);
            _open = true;
        }
    }

    private IActorRef StashThree()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Stashing(TestActor)));
        for (var i = 1; i <= 3; i++)
        {
            actor.Tell(i, TestActor);
            ExpectMsg("stashed " + i);
        }
        return actor;
    }

    [Fact]
    public void Unstashed_messages_come_back_in_their_order_before_what_waits()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Stashing(TestActor)));
        actor.Tell(1, TestActor);
        actor.Tell(2, TestActor);
        ExpectMsg("stashed 1");
        ExpectMsg("stashed 2");
        actor.Tell("open", TestActor);
        actor.Tell(3, TestActor);
        ExpectMsg(1);
        Assert.Equal(TestActor, LastSender);
        ExpectMsg(2);
        ExpectMsg(3);
    }

    [Fact]
    public void Unstash_returns_the_oldest()
    {
        var actor = StashThree();
        actor.Tell("one");
        ExpectMsg(1);
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        actor.Tell("one");
        ExpectMsg(2);
    }

    [Fact]
    public void A_restart_returns_the_stash_to_the_mailbox()
    {
        var actor = StashThree();
        actor.Tell("fail");
        ExpectMsg(1);
        ExpectMsg(2);
        ExpectMsg(3);
    }

    [Fact]
    public void What_was_stashed_at_the_end_is_a_dead_letter()
    {
        var actor = StashThree();
        var letters = CreateTestProbe();
        Sys.EventStream.Subscribe(letters.Ref, typeof(Akka.Event.DeadLetter));
        Sys.Stop(actor);
        for (var i = 1; i <= 3; i++)
            Assert.Equal(i, letters.ExpectMsg<Akka.Event.DeadLetter>().Message);
    }

    [Fact]
    public void A_message_is_stashed_once_only()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Stashing(TestActor)));
        actor.Tell("twice");
        ExpectMsg("refused");
    }

    private sealed class Timed(IActorRef probe) : UntypedActor, IWithTimers
    {
        public ITimerScheduler Timers { get; set; } = null!;

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case (string key, object payload, int milliseconds, bool repeat):
                    if (repeat)
                        Timers.StartPeriodicTimer(key, payload, TimeSpan.FromMilliseconds(milliseconds));
                    else
                        Timers.StartSingleTimer(key, payload, TimeSpan.FromMilliseconds(milliseconds));
                    break;
                case ("cancel", string key):
                    Timers.Cancel(key);
                    Sender.Tell("cancelled");
                    break;
                case ("active", string key):
                    Sender.Tell(Timers.IsTimerActive(key));
                    break;
                case ("replace after waiting", string key, ManualResetEventSlim gate):
                    gate.Wait(TimeSpan.FromSeconds(5));
                    Timers.StartSingleTimer(key, "new", TimeSpan.FromMilliseconds(10));
                    break;
                case "fail":
                    throw new InvalidOperationException("fail");
                default:
                    probe.Tell(message, Self);
                    break;
            }
        }

        protected override void PostRestart(Exception reason)
        {
            base.PostRestart(reason);
            probe.Tell("restarted");
        }
    }

    private IActorRef NewTimed() => Sys.ActorOf(Props.Create(() => new Timed(TestActor)));

    [Fact]
    public void A_single_timer_fires_once_and_is_inactive_then()
    {
        var actor = NewTimed();
        actor.Tell(("k", (object)"tick", 20, false));
        ExpectMsg("tick");
        actor.Tell(("active", "k"), TestActor);
        ExpectMsg(false);
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void A_periodic_timer_fires_until_it_is_cancelled()
    {
        var actor = NewTimed();
        actor.Tell(("k", (object)"tick", 15, true));
        ExpectMsg("tick");
        ExpectMsg("tick");
        actor.Tell(("active", "k"), TestActor);
        FishForMessage(m => m is true);
        actor.Tell(("cancel", "k"), TestActor);
        FishForMessage(m => m is "cancelled");
        ExpectNoMsg(TimeSpan.FromMilliseconds(150));
    }

    [Fact]
    public void The_same_key_replaces_the_timer()
    {
        var actor = NewTimed();
        actor.Tell(("k", (object)"old", 100, false));
        actor.Tell(("k", (object)"new", 30, false));
        ExpectMsg("new");
        ExpectNoMsg(TimeSpan.FromMilliseconds(200));
    }

    // The old timer's message waits in the mailbox while the actor replaces the timer: it must not be seen.
    [Fact]
    public void A_replaced_timer_is_silent_even_when_its_message_is_in_the_mailbox()
    {
        var actor = NewTimed();
        using var gate = new ManualResetEventSlim();
        actor.Tell(("k", (object)"old", 20, false));
        actor.Tell(("replace after waiting", "k", gate));
        ExpectNoMsg(TimeSpan.FromMilliseconds(150));
        gate.Set();
        ExpectMsg("new");
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void A_restart_cancels_the_timers()
    {
        var actor = NewTimed();
        actor.Tell(("k", (object)"tick", 150, false));
        actor.Tell("fail");
        ExpectMsg("restarted");
        ExpectNoMsg(TimeSpan.FromMilliseconds(350));
    }
}

using Akka.Actor;
using Akka.TestKit;

namespace Akka.Conformance.Tests;

// Scenario: time passes only when the test says so.
public sealed class TestSchedulerTests() : Akka.TestKit.Xunit2.TestKit("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
{
    private TestScheduler Scheduler => (TestScheduler)Sys.Scheduler;

    [Fact]
    public void What_is_scheduled_once_comes_once_and_on_time()
    {
        Scheduler.ScheduleTellOnce(TimeSpan.FromSeconds(10), TestActor, "x", ActorRefs.NoSender);
        Scheduler.Advance(TimeSpan.FromSeconds(9));
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        Scheduler.Advance(TimeSpan.FromSeconds(1));
        ExpectMsg("x");
        Scheduler.Advance(TimeSpan.FromHours(1));
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void What_repeats_comes_at_every_interval()
    {
        var cancel = new Cancelable(Scheduler.Advanced);
        Scheduler.ScheduleTellRepeatedly(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TestActor, "tick", ActorRefs.NoSender, cancel);
        Scheduler.Advance(TimeSpan.FromSeconds(1));
        ExpectMsg("tick");
        Scheduler.Advance(TimeSpan.FromSeconds(2));
        ExpectMsg("tick");
        cancel.Cancel();
        Scheduler.Advance(TimeSpan.FromMinutes(1));
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void Now_moves_with_it()
    {
        var start = Scheduler.Now;
        Scheduler.Advance(TimeSpan.FromDays(1));
        Assert.Equal(start + TimeSpan.FromDays(1), Scheduler.Now);
        Scheduler.AdvanceTo(start + TimeSpan.FromDays(2));
        Assert.Equal(start + TimeSpan.FromDays(2), Scheduler.Now);
    }

    [Fact]
    public void An_actor_s_timers_obey()
    {
        var actor = ActorOf(Props.Create(() => new Timed(TestActor)));
        actor.Tell("start");
        ExpectMsg("started");
        Scheduler.Advance(TimeSpan.FromMinutes(5));
        ExpectMsg("due");
    }

    private sealed class Timed : ReceiveActor, IWithTimers
    {
        public Timed(IActorRef target)
        {
            Receive<string>(s => s == "start", _ =>
            {
                Timers.StartSingleTimer("key", "due", TimeSpan.FromMinutes(5));
                target.Tell("started");
            });
            Receive<string>(s => target.Tell(s));
        }

        public ITimerScheduler Timers { get; set; } = null!;
    }
}

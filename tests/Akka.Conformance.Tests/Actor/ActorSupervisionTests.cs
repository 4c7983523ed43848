using Akka.Actor;
using Akka.Event;

namespace Akka.Conformance.Tests;

public class ActorSupervisionTests : Akka.TestKit.Xunit2.TestKit
{
    private IActorRef Parent(SupervisorStrategy strategy) => Sys.ActorOf(Props.Create(() => new Parent(strategy)));

    private IActorRef Child(IActorRef parent, string name)
    {
        parent.Tell(new Recorder.Spawn(Props.Create(() => new Recorder(TestActor, name)), name), TestActor);
        var child = ExpectMsgAnyStarted(name);
        return child;
    }

    // Constructor and PreStart run in the child, the reply comes from the parent: any order between the two.
    private IActorRef ExpectMsgAnyStarted(string name)
    {
        IActorRef? child = null;
        var seen = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var message = ExpectMsg<object>();
            if (message is IActorRef reference)
                child = reference;
            else
                seen.Add((string)message);
        }
        Assert.Equal([name + ":ctor", name + ":PreStart"], seen);
        return child!;
    }

    private static OneForOneStrategy Always(Directive directive, int retries = -1) => new(retries, -1, _ => directive);

    private static Recorder.Fail Boom(string message = "boom") => new(new InvalidOperationException(message));

    // The failed message is not delivered again; the ones behind it are, to the new instance.
    [Fact]
    public void Restart_runs_the_hooks_in_order_and_keeps_reference_and_mailbox()
    {
        var child = Child(Parent(Always(Directive.Restart)), "c");
        child.Tell(Boom());
        child.Tell("after");
        ExpectMsg("c:PreRestart(boom,Fail)");
        ExpectMsg("c:PostStop");
        ExpectMsg("c:ctor");
        ExpectMsg("c:PostRestart(boom)");
        ExpectMsg("c:PreStart");
        ExpectMsg("c:after");
    }

    [Fact]
    public void Resume_keeps_the_instance()
    {
        var child = Child(Parent(Always(Directive.Resume)), "c");
        child.Tell(Boom());
        child.Tell("after");
        ExpectMsg("c:after");
    }

    [Fact]
    public void Stop_ends_the_child()
    {
        var child = Child(Parent(Always(Directive.Stop)), "c");
        Watch(child);
        child.Tell(Boom());
        ExpectMsg("c:PostStop");
        ExpectTerminated(child);
    }

    // The parent fails in its turn: its own supervisor, the guardian, restarts it, and that stops the child.
    [Fact]
    public void Escalate_fails_the_parent()
    {
        var child = Child(Parent(Always(Directive.Escalate)), "c");
        Watch(child);
        child.Tell(Boom());
        ExpectMsg("c:PostStop");
        ExpectTerminated(child);
    }

    [Fact]
    public void The_default_strategy_restarts_and_stops_on_a_failed_construction()
    {
        var restarted = Sys.ActorOf(Props.Create(() => new Recorder(TestActor, "r")));
        ExpectMsg("r:ctor");
        ExpectMsg("r:PreStart");
        restarted.Tell(Boom("x"));
        ExpectMsg("r:PreRestart(x,Fail)");
        ExpectMsg("r:PostStop");
        ExpectMsg("r:ctor");
        ExpectMsg("r:PostRestart(x)");
        ExpectMsg("r:PreStart");

        var broken = Sys.ActorOf(Props.Create(() => new Broken()));
        Watch(broken);
        ExpectTerminated(broken);
    }

    private sealed class Broken : UntypedActor
    {
        public Broken() => throw new InvalidOperationException("no");
        protected override void OnReceive(object message) { }
    }

    [Fact]
    public void A_child_that_exceeds_its_retries_is_stopped()
    {
        var child = Child(Parent(Always(Directive.Restart, retries: 2)), "c");
        Watch(child);
        for (var i = 0; i < 2; i++)
        {
            child.Tell(Boom());
            ExpectMsg("c:PreRestart(boom,Fail)");
            ExpectMsg("c:PostStop");
            ExpectMsg("c:ctor");
            ExpectMsg("c:PostRestart(boom)");
            ExpectMsg("c:PreStart");
        }
        child.Tell(Boom());
        ExpectMsg("c:PostStop");
        ExpectTerminated(child);
    }

    [Fact]
    public void All_for_one_restarts_the_siblings_too()
    {
        var parent = Parent(new AllForOneStrategy(-1, -1, _ => Directive.Restart));
        var failing = Child(parent, "a");
        Child(parent, "b");
        failing.Tell(Boom());
        var seen = ReceiveN(10).Cast<string>().ToArray();
        Assert.Equal(["a:PreRestart(boom,Fail)", "a:PostStop", "a:ctor", "a:PostRestart(boom)", "a:PreStart"], seen.Where(s => s.StartsWith('a')));
        Assert.Equal(["b:PreRestart(boom,null)", "b:PostStop", "b:ctor", "b:PostRestart(boom)", "b:PreStart"], seen.Where(s => s.StartsWith('b')));
    }

    [Fact]
    public void All_for_one_stops_the_siblings_too()
    {
        var parent = Parent(new AllForOneStrategy(-1, -1, _ => Directive.Stop));
        var failing = Child(parent, "a");
        var sibling = Child(parent, "b");
        var probe = CreateTestProbe();
        probe.Watch(failing);
        probe.Watch(sibling);
        failing.Tell(Boom());
        var ended = new[] { probe.ExpectMsg<Terminated>().ActorRef, probe.ExpectMsg<Terminated>().ActorRef };
        Assert.Contains(failing, ended);
        Assert.Contains(sibling, ended);
    }

    // A child's stop is complete, its PostStop included, before its parent's PostStop.
    [Fact]
    public void Children_stop_before_their_parent()
    {
        var top = Sys.ActorOf(Props.Create(() => new Recorder(TestActor, "top")), "top");
        ExpectMsg("top:ctor");
        ExpectMsg("top:PreStart");
        var middle = Child(top, "middle");
        Child(middle, "leaf");
        Watch(top);
        Sys.Stop(top);
        ExpectMsg("leaf:PostStop");
        ExpectMsg("middle:PostStop");
        ExpectMsg("top:PostStop");
        ExpectTerminated(top);
    }

    // Default PreRestart stops the children; the new instance starts only when they are gone.
    [Fact]
    public void A_restart_waits_for_the_children_to_stop()
    {
        var parent = Child(Parent(Always(Directive.Restart)), "p");
        var child = Child(parent, "c");
        Watch(child);
        parent.Tell(Boom());
        ExpectMsg("p:PreRestart(boom,Fail)");
        ExpectMsg("p:PostStop");
        var rest = ReceiveN(5);
        var order = rest.OfType<string>().ToArray();
        Assert.True(Array.IndexOf(order, "c:PostStop") < Array.IndexOf(order, "p:ctor"));
        Assert.Contains(rest, m => m is Terminated t && t.ActorRef.Equals(child));
    }

    // While suspended by its own failure the actor takes nothing; the parent decides first.
    [Fact]
    public void A_failing_actor_handles_nothing_until_its_parent_has_decided()
    {
        var gate = new ManualResetEventSlim();
        var child = Child(Parent(new OneForOneStrategy(-1, -1, _ =>
        {
            gate.Wait(TimeSpan.FromSeconds(10));
            return Directive.Resume;
        })), "c");
        child.Tell(Boom());
        child.Tell("next");
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        gate.Set();
        ExpectMsg("c:next");
    }

    [Fact]
    public void Kill_is_a_failure_and_poison_pill_a_stop_in_line()
    {
        var killed = Sys.ActorOf(Props.Create(() => new Recorder(TestActor, "k")));
        ExpectMsg("k:ctor");
        ExpectMsg("k:PreStart");
        Watch(killed);
        EventFilter.Exception<ActorKilledException>().ExpectOne(() => killed.Tell(Akka.Actor.Kill.Instance));
        ExpectMsg("k:PostStop");
        ExpectTerminated(killed);

        var poisoned = Sys.ActorOf(Props.Create(() => new Recorder(TestActor, "p")));
        ExpectMsg("p:ctor");
        ExpectMsg("p:PreStart");
        Watch(poisoned);
        poisoned.Tell("before");
        poisoned.Tell(PoisonPill.Instance);
        poisoned.Tell("behind");
        ExpectMsg("p:before");
        ExpectMsg("p:PostStop");
        ExpectTerminated(poisoned);
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void A_decider_takes_the_first_pair_that_fits()
    {
        var decider = Decider.From(Directive.Escalate, Directive.Resume.When<ArgumentException>(), Directive.Stop.When<InvalidOperationException>());
        Assert.Equal(Directive.Resume, decider.Decide(new ArgumentNullException("x")));
        Assert.Equal(Directive.Stop, decider.Decide(new InvalidOperationException()));
        Assert.Equal(Directive.Escalate, decider.Decide(new NotSupportedException()));
        Assert.Equal(Directive.Stop, SupervisorStrategy.DefaultDecider.Decide(new ActorInitializationException("x")));
        Assert.Equal(Directive.Restart, SupervisorStrategy.DefaultDecider.Decide(new NotSupportedException()));
    }

    [Fact]
    public void A_failure_is_logged_once_by_the_strategy()
    {
        var child = Child(Parent(Always(Directive.Stop)), "c");
        EventFilter.Exception<InvalidOperationException>("logged").ExpectOne(() => child.Tell(Boom("logged")));
        ExpectMsg("c:PostStop");
    }
}

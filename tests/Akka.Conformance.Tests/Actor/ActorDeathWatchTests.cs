using Akka.Actor;

namespace Akka.Conformance.Tests;

public class ActorDeathWatchTests : Akka.TestKit.Xunit2.TestKit
{
    private sealed class Idle : UntypedActor
    {
        protected override void OnReceive(object message) { }
    }

    private sealed record Told(Terminated Of);

    private sealed record Do(Action<IActorContext> What);

    /// <summary>Runs what it is told in its context, and passes on what it did not expect.</summary>
    private sealed class Watcher(IActorRef probe) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is Do action)
            {
                action.What(Context);
                Sender.Tell("done");
            }
            else if (message is Terminated terminated)
                probe.Tell(new Told(terminated), Self); // as it is, the probe would drop it: it does not watch
            else
                probe.Tell(message, Self);
        }
    }

    private IActorRef NewIdle() => Sys.ActorOf(Props.Create(() => new Idle()));

    private IActorRef NewWatcher() => Sys.ActorOf(Props.Create(() => new Watcher(TestActor)));

    private void Run(IActorRef watcher, Action<IActorContext> what)
    {
        watcher.Tell(new Do(what), TestActor);
        ExpectMsg("done");
    }

    [Fact]
    public void The_end_of_a_watched_actor_is_told_once()
    {
        var target = NewIdle();
        var watcher = NewWatcher();
        Run(watcher, c => c.Watch(target));
        Run(watcher, c => c.Watch(target));
        Sys.Stop(target);
        var terminated = ExpectMsg<Told>().Of;
        Assert.Equal(target, terminated.ActorRef);
        Assert.True(terminated.ExistenceConfirmed);
        Assert.False(terminated.AddressTerminated);
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void An_actor_that_is_gone_already_is_reported_at_once()
    {
        var target = NewIdle();
        Watch(target);
        Sys.Stop(target);
        ExpectTerminated(target);
        var watcher = NewWatcher();
        Run(watcher, c => c.Watch(target));
        Assert.Equal(target, ExpectMsg<Told>().Of.ActorRef);
    }

    [Fact]
    public void A_path_without_an_actor_is_reported_as_never_seen()
    {
        var nowhere = ((ExtendedActorSystem)Sys).Provider.ResolveActorRef("akka://" + Sys.Name + "/user/nobody-here");
        var watcher = NewWatcher();
        Run(watcher, c => c.Watch(nowhere));
        Assert.False(ExpectMsg<Told>().Of.ExistenceConfirmed);
    }

    [Fact]
    public void Unwatch_silences_even_what_is_on_its_way()
    {
        var target = NewIdle();
        var watcher = NewWatcher();
        Run(watcher, c => c.Watch(target));
        // The actor holds its own thread until the end is in its mailbox.
        var other = CreateTestProbe();
        Run(watcher, c =>
        {
            c.Stop(target);
            other.Watch(target);
            other.ExpectTerminated(target);
            c.Unwatch(target);
        });
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void WatchWith_delivers_the_given_message_instead()
    {
        var target = NewIdle();
        var watcher = NewWatcher();
        Run(watcher, c => c.WatchWith(target, "it is gone"));
        Sys.Stop(target);
        ExpectMsg("it is gone");
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void The_first_watch_stands_until_it_is_undone()
    {
        var target = NewIdle();
        var watcher = NewWatcher();
        Run(watcher, c =>
        {
            c.WatchWith(target, "one");
            c.WatchWith(target, "two");
            c.Watch(target);
        });
        var other = NewIdle();
        Run(watcher, c =>
        {
            c.WatchWith(other, "three");
            c.Unwatch(other);
            c.WatchWith(other, "four");
        });
        Sys.Stop(target);
        ExpectMsg("one");
        Sys.Stop(other);
        ExpectMsg("four");
    }

    [Fact]
    public void An_unhandled_end_breaks_the_pact()
    {
        var target = NewIdle();
        var bound = Sys.ActorOf(Props.Create(() => new Bound(target, TestActor)));
        ExpectMsg("watching");
        Watch(bound);
        EventFilter.Exception<DeathPactException>().ExpectOne(() => Sys.Stop(target));
        ExpectTerminated(bound);
    }

    private sealed class Bound : ReceiveActor
    {
        public Bound(IActorRef target, IActorRef probe)
        {
            Context.Watch(target);
            probe.Tell("watching");
        }
    }

    [Fact]
    public void Everyone_who_watches_is_told()
    {
        var target = NewIdle();
        var probes = Enumerable.Range(0, 5).Select(_ => CreateTestProbe()).ToArray();
        foreach (var probe in probes)
            probe.Watch(target);
        Sys.Stop(target);
        foreach (var probe in probes)
            probe.ExpectTerminated(target);
    }

    // The messages that an actor sent before it ended arrive before the news of its end.
    [Fact]
    public void The_end_comes_after_the_last_message()
    {
        for (var i = 0; i < 50; i++)
        {
            var target = Sys.ActorOf(Props.Create(() => new LastWords(TestActor)));
            Watch(target);
            target.Tell("go");
            ExpectMsg("last words");
            ExpectTerminated(target);
        }
    }

    private sealed class LastWords(IActorRef probe) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            probe.Tell("last words");
            Context.Stop(Self);
        }
    }

    [Fact]
    public async Task Graceful_stop_tells_when_the_actor_is_gone()
    {
        var target = NewIdle();
        Assert.True(await target.GracefulStop(TimeSpan.FromSeconds(5)));
        var stubborn = Sys.ActorOf(Props.Create(() => new Idle()));
        Assert.False(await stubborn.GracefulStop(TimeSpan.FromMilliseconds(100), "not a stop message"));
    }

    // A watcher that restarts still watches: only its end, or its children's, ends that.
    [Fact]
    public void A_watch_survives_a_restart()
    {
        var target = NewIdle();
        var watcher = NewWatcher();
        Run(watcher, c => c.Watch(target));
        watcher.Tell(new Do(_ => throw new InvalidOperationException("restart")), TestActor);
        Sys.Stop(target);
        ExpectMsg<Told>();
    }
}

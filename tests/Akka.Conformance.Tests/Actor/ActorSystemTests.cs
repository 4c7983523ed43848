using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Conformance.Tests;

/// <summary>Systems of their own: start, extensions, logging, shutdown.</summary>
public class ActorSystemTests : Akka.TestKit.Xunit2.TestKit
{
    private static readonly Config Quiet = ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF }");

    private sealed class Counter : IExtension
    {
        public int Made { get; init; }
    }

    private sealed class CounterId : ExtensionIdProvider<Counter>
    {
        private static int s_made;

        public override Counter CreateExtension(ExtendedActorSystem system) => new() { Made = ++s_made };
    }

    [Fact]
    public void An_extension_is_made_once_per_system()
    {
        Assert.False(Sys.HasExtension<Counter>());
        var first = new CounterId().Apply(Sys);
        Assert.Same(first, new CounterId().Apply(Sys));
        Assert.Same(first, Sys.GetExtension<Counter>());
        Assert.Same(first, Sys.WithExtension<Counter, CounterId>());
        Assert.True(Sys.TryGetExtension<Counter>(out var found));
        Assert.Same(first, found);
    }

    private sealed class Stopper(TaskCompletionSource<string> stopped) : UntypedActor
    {
        protected override void PostStop() => stopped.TrySetResult(Self.Path.Name);
        protected override void OnReceive(object message) { }
    }

    [Fact]
    public async Task Terminate_stops_the_actors_and_runs_the_callbacks()
    {
        var system = ActorSystem.Create("ends", Quiet);
        var stopped = new TaskCompletionSource<string>();
        var called = new TaskCompletionSource();
        system.ActorOf(Props.Create(() => new Stopper(stopped)), "worker");
        system.RegisterOnTermination(called.SetResult);
        Assert.False(system.WhenTerminated.IsCompleted);
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("worker", await stopped.Task);
        Assert.True(called.Task.IsCompleted);
        Assert.True(system.WhenTerminated.IsCompleted);
    }

    [Fact]
    public void A_name_of_a_system_is_checked() => Assert.Throws<ArgumentException>(() => ActorSystem.Create("not/valid", Quiet));

    // Tasks of a phase run together, phases in the order of their dependencies; a failing task does not stop the rest.
    [Fact]
    public async Task Coordinated_shutdown_goes_through_its_phases_in_order()
    {
        var system = ActorSystem.Create("phases", Quiet);
        var order = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var shutdown = CoordinatedShutdown.Get(system);
        foreach (var phase in new[]
                 {
                     CoordinatedShutdown.PhaseBeforeActorSystemTerminate, CoordinatedShutdown.PhaseServiceUnbind, CoordinatedShutdown.PhaseClusterLeave,
                     CoordinatedShutdown.PhaseBeforeServiceUnbind, CoordinatedShutdown.PhaseServiceStop, CoordinatedShutdown.PhaseServiceRequestsDone,
                 })
            shutdown.AddTask(phase, "note", () =>
            {
                order.Enqueue(phase);
                return Task.FromResult(Done.Instance);
            });
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "fails", () => Task.FromException<Done>(new InvalidOperationException("no")));
        Assert.Null(shutdown.ShutdownReason);
        var first = shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance);
        await first.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Same(CoordinatedShutdown.ClrExitReason.Instance, shutdown.ShutdownReason);
        Assert.Equal(
            ["before-service-unbind", "service-unbind", "service-requests-done", "service-stop", "cluster-leave", "before-actor-system-terminate"], order);
        await system.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Terminate_runs_the_coordinated_shutdown()
    {
        var system = ActorSystem.Create("coordinated", Quiet);
        var ran = new TaskCompletionSource();
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseServiceStop, "note", () =>
        {
            ran.SetResult();
            return Task.FromResult(Done.Instance);
        });
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(ran.Task.IsCompleted);
    }

    [Fact]
    public async Task A_phase_must_be_known()
    {
        var system = ActorSystem.Create("unknown-phase", Quiet);
        Assert.ThrowsAny<Exception>(() => CoordinatedShutdown.Get(system).AddTask("no-such-phase", "x", () => Task.FromResult(Done.Instance)));
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_phase_that_takes_too_long_is_left()
    {
        var system = ActorSystem.Create("slow",
            ConfigurationFactory.ParseString("akka.coordinated-shutdown.phases.service-stop.timeout = 100ms").WithFallback(Quiet));
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseServiceStop, "hangs", () => new TaskCompletionSource<Done>().Task);
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(20));
    }

    private sealed class Logging : ReceiveActor
    {
        public Logging()
        {
            var log = Context.GetLogger();
            Receive<string>(s => log.Info("got {0} and {1}", s, 2));
            Receive<Exception>(e => log.Error(e, "failed with {0}", e.Message));
            Receive<int>(i => log.Warning("plain {} braces"));
        }
    }

    [Fact]
    public void Log_events_can_be_expected()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Logging()));
        EventFilter.Info("got a and 2").ExpectOne(() => actor.Tell("a"));
        EventFilter.Exception<InvalidOperationException>(start: "failed with").ExpectOne(() => actor.Tell(new InvalidOperationException("it")));
        EventFilter.Warning("plain {} braces").ExpectOne(() => actor.Tell(1));
    }

    [Fact]
    public void Log_events_name_their_source_and_level()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Info));
        var actor = Sys.ActorOf(Props.Create(() => new Logging()), "logging");
        actor.Tell("b");
        var logged = (Info)FishForMessage(m => m is Info info && info.Message.ToString() == "got b and 2");
        Assert.Equal(actor.Path.ToString(), logged.LogSource);
        Assert.Equal(typeof(Logging), logged.LogClass);
        Assert.Equal(LogLevel.InfoLevel, logged.LogLevel());
        Assert.Null(logged.Cause);
    }

    [Fact]
    public void Levels_below_the_configured_one_are_off()
    {
        var log = Akka.Event.Logging.GetLogger(Sys, this);
        Assert.False(log.IsDebugEnabled);
        Assert.True(log.IsInfoEnabled);
        Assert.True(log.IsErrorEnabled);
        Sys.EventStream.Subscribe(TestActor, typeof(Debug));
        log.Debug("not to be seen {0}", 1);
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void Clock_and_uptime_move()
    {
        Assert.True(Sys.Uptime >= TimeSpan.Zero);
        Assert.True((DateTimeOffset.UtcNow - Sys.Scheduler.Now).Duration() < TimeSpan.FromMinutes(1));
    }
}

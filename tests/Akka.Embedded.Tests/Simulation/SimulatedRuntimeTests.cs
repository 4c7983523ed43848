using Akka.Actor;
using Akka.Embedded.Simulation;

namespace Akka.Embedded.Tests.Simulation;

public class SimulatedRuntimeTests
{
    private sealed record Work(int Number);

    private sealed record Ticked;

    /// <summary>Sends each message on to another worker a few times, asks now and then, and has a timer.</summary>
    private sealed class Worker : ReceiveActor, IWithTimers
    {
        private readonly List<string> _trace;

        public Worker(List<string> trace)
        {
            _trace = trace;
            Receive<Work>(work =>
            {
                Note(work.ToString());
                if (work.Number > 0)
                    Context.ActorSelection("../worker-" + (work.Number % 4)).Tell(new Work(work.Number - 1), Self);
            });
            Receive<Ticked>(_ => Note("tick"));
            ReceiveAsync<string>(async question =>
            {
                var answer = await Context.ActorSelection("../worker-0").Ask<ActorIdentity>(new Identify(question), TimeSpan.FromSeconds(1));
                Note("knows " + answer.Subject!.Path.Name);
            });
        }

        public ITimerScheduler Timers { get; set; } = null!;

        private void Note(string what) => _trace.Add(Self.Path.Name + " " + what);

        protected override void PreStart() => Timers.StartPeriodicTimer("tick", new Ticked(), TimeSpan.FromMilliseconds(100));
    }

    private static List<string> Run(int seed)
    {
        using var runtime = new SimulatedRuntime(seed);
        var trace = new List<string>();
        var system = runtime.CreateSystem("sim");
        var workers = Enumerable.Range(0, 4).Select(i => system.ActorOf(Props.Create(() => new Worker(trace)), "worker-" + i)).ToArray();
        for (var i = 0; i < 20; i++)
            workers[i % 4].Tell(new Work(i), ActorRefs.NoSender);
        foreach (var worker in workers.Skip(1))
            worker.Tell("who is there", ActorRefs.NoSender);
        runtime.AdvanceTime(TimeSpan.FromMilliseconds(350));
        trace.Add("steps " + runtime.Steps);
        var ended = system.Terminate();
        Assert.True(runtime.RunUntil(() => ended.IsCompleted, TimeSpan.FromMinutes(1)), "the system did not end by itself");
        Assert.True(runtime.IsReproducible, "another thread took part in the run");
        return trace;
    }

    [Fact]
    public void The_same_seed_gives_the_same_run_and_another_seed_another_order()
    {
        var first = Run(1);
        Assert.Equal(first, Run(1));
        var other = Run(2);
        Assert.NotEqual(first, other);
        Assert.Equal(first.Where(l => !l.StartsWith("steps", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            other.Where(l => !l.StartsWith("steps", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(12, first.Count(l => l.EndsWith("tick", StringComparison.Ordinal)));
        Assert.Equal(3, first.Count(l => l.EndsWith("knows worker-0", StringComparison.Ordinal)));
    }

    [Fact]
    public void Nothing_happens_but_in_steps_and_time_passes_only_on_request()
    {
        using var runtime = new SimulatedRuntime(7);
        var system = runtime.CreateSystem("sim");
        var fired = new List<TimeSpan>();
        system.Scheduler.Advanced.ScheduleOnce(TimeSpan.FromHours(2), () => fired.Add(runtime.Elapsed));
        using var timer = runtime.TimeProvider.CreateTimer(_ => fired.Add(runtime.Elapsed), null, TimeSpan.FromHours(1), TimeSpan.FromHours(1));
        runtime.RunUntilIdle();
        Assert.Empty(fired);
        Assert.Equal(TimeSpan.Zero, runtime.Elapsed);
        runtime.AdvanceTime(TimeSpan.FromHours(2.5));
        Assert.Equal([TimeSpan.FromHours(1), TimeSpan.FromHours(2), TimeSpan.FromHours(2)], fired);
        Assert.Equal(runtime.Now, runtime.TimeProvider.GetUtcNow());
        Assert.Equal(TimeSpan.FromHours(2.5), system.Scheduler.MonotonicClock);
    }

    [Fact]
    public void An_ask_times_out_in_virtual_time()
    {
        using var runtime = new SimulatedRuntime(3);
        var system = runtime.CreateSystem("sim");
        var silent = system.ActorOf(Props.Create(() => new Worker(new List<string>())));
        var asked = silent.Ask<int>(new Work(0), TimeSpan.FromSeconds(30));
        runtime.AdvanceTime(TimeSpan.FromSeconds(29));
        Assert.False(asked.IsCompleted);
        runtime.AdvanceTime(TimeSpan.FromSeconds(2));
        Assert.IsType<AskTimeoutException>(asked.Exception!.InnerException);
    }

    [Fact]
    public void Several_systems_share_one_time_and_one_order()
    {
        using var runtime = new SimulatedRuntime(5);
        var trace = new List<string>();
        var one = runtime.CreateSystem("one").ActorOf(Props.Create(() => new Worker(trace)), "worker-0");
        var two = runtime.CreateSystem("two").ActorOf(Props.Create(() => new Worker(trace)), "worker-1");
        Assert.NotEqual(one.Path.Uid, two.Path.Uid);
        runtime.AdvanceTime(TimeSpan.FromMilliseconds(250));
        Assert.Equal(["worker-0 tick", "worker-0 tick", "worker-1 tick", "worker-1 tick"], trace.Order(StringComparer.Ordinal));
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace Akka.Embedded.Simulation;

/// <summary>
/// Runs any number of actor systems in the calling thread, reproducibly: of all mailboxes that have something to do, a seeded choice
/// runs next, for one message; time stands still meanwhile and moves only by <see cref="AdvanceTime"/> and <see cref="RunUntil"/>.
/// The same seed and the same calls give the same run. Give its <see cref="Configuration"/> to each system, and
/// <see cref="TimeProvider"/> to what needs a clock. Everything belongs to the thread that made it.
/// </summary>
public sealed class SimulatedRuntime : IDisposable
{
    private static readonly ConcurrentDictionary<string, SimulatedRuntime> Running = new(StringComparer.Ordinal);
    private static int s_lastId;

    private readonly string _id = Interlocked.Increment(ref s_lastId).ToString(CultureInfo.InvariantCulture);
    private readonly List<IRunnable> _ready = [];
    private readonly PriorityQueue<SimulatedTimer, (long Due, long Number)> _timers = new();
    private readonly Random _random;
    private readonly DateTimeOffset _epoch;
    private long _now;
    private long _timerNumbers;
    private readonly int _owner = Environment.CurrentManagedThreadId;
    private long _systems;

    public SimulatedRuntime(int seed) : this(seed, new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero)) { }

    public SimulatedRuntime(int seed, DateTimeOffset start)
    {
        Seed = seed;
        _random = new Random(seed);
        _epoch = start;
        TimeProvider = new SimulatedTimeProvider(this);
        Running[_id] = this;
    }

    public int Seed { get; }

    /// <summary>Time since the start of the run.</summary>
    public TimeSpan Elapsed => new(_now);

    public DateTimeOffset Now => _epoch + Elapsed;

    /// <summary>Timers made with it fire in this runtime.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>False once another thread has given the systems something to do: the seed no longer tells the run.</summary>
    public bool IsReproducible { get; private set; } = true;

    /// <summary>Steps so far: tells where in a run something happened.</summary>
    public long Steps { get; private set; }

    /// <summary>What turns a system into a simulated one; another for each system, so that their actors' uids differ.</summary>
    public Config Configuration() => ConfigurationFactory.ParseString(string.Create(CultureInfo.InvariantCulture, $$"""
        akka {
          embedded {
            simulation = "{{_id}}"
            uid-seed = {{(++_systems * 1_000_000L) + 1}}
            dispatcher-type = "{{typeof(DeterministicDispatcherConfigurator).FullName}}"
          }
          scheduler.implementation = "{{typeof(DeterministicScheduler).FullName}}"
          coordinated-shutdown.run-by-clr-shutdown-hook = off
        }
        """));

    public ActorSystem CreateSystem(string name, Config? config = null)
        => ActorSystem.Create(name, config is null ? Configuration() : Configuration().WithFallback(config));

    internal static SimulatedRuntime Of(Config config)
        => config.GetString("akka.embedded.simulation") is { } id && Running.TryGetValue(id, out var runtime)
            ? runtime
            : throw new ConfigurationException("akka.embedded.simulation names no running SimulatedRuntime");

    internal void Enqueue(IRunnable work)
    {
        // Work may come from a thread of .NET, at the end of a task that left the simulation: it must not be lost, but then the run
        // is no longer reproducible.
        if (Environment.CurrentManagedThreadId != _owner)
            IsReproducible = false;
        lock (_ready)
            _ready.Add(work);
    }

    internal void AddTimer(SimulatedTimer timer)
    {
        lock (_timers)
            _timers.Enqueue(timer, (timer.Due, _timerNumbers++));
    }

    /// <summary>Runs one thing, chosen by the seed. False when there is nothing to run.</summary>
    public bool Step()
    {
        IRunnable next;
        lock (_ready)
        {
            if (_ready.Count == 0)
                return false;
            var index = _random.Next(_ready.Count);
            next = _ready[index];
            _ready.RemoveAt(index);
        }
        Steps++;
        WithoutContext(next.Run);
        return true;
    }

    /// <summary>Until nothing is left to do at this moment.</summary>
    /// <exception cref="InvalidOperationException">it never is: actors keep each other busy</exception>
    public void RunUntilIdle(int maxSteps = 1_000_000)
    {
        for (var i = 0; i < maxSteps; i++)
            if (!Step())
                return;
        throw new InvalidOperationException($"Still busy after {maxSteps} steps (seed {Seed}, time {Elapsed}).");
    }

    /// <summary>Until the condition holds, letting time pass whenever nothing else can happen. False when the time is up first.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan atMost)
    {
        var end = _now + atMost.Ticks;
        while (!condition())
        {
            if (Step() || FireNext(end))
                continue;
            _now = end;
            return condition();
        }
        return true;
    }

    /// <summary>Fires each timer at its time, and lets everything it causes happen before the next.</summary>
    public void AdvanceTime(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var end = _now + by.Ticks;
        do
        {
            RunUntilIdle();
        }
        while (FireNext(end));
        _now = end;
    }

    /// <summary>Moves to the next timer that is due by then. False when there is none.</summary>
    private bool FireNext(long end)
    {
        SimulatedTimer timer;
        lock (_timers)
        {
            while (_timers.TryPeek(out var first, out _) && first.IsCancelled)
                _timers.Dequeue();
            if (!_timers.TryPeek(out _, out var priority) || priority.Due > end)
                return false;
            timer = _timers.Dequeue();
        }
        _now = Math.Max(_now, timer.Due);
        WithoutContext(timer.Fire);
        return true;
    }

    /// <summary>A test runner's synchronization context would take the continuations of actors' awaits to threads of its own.</summary>
    private static void WithoutContext(Action run)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            run();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    public void Dispose() => Running.TryRemove(_id, out _);
}

/// <summary>Something to do at a time, once or again and again.</summary>
internal sealed class SimulatedTimer(SimulatedRuntime runtime, TimeSpan delay, TimeSpan interval, Action action, ICancelable? cancelable)
{
    private bool _cancelled;

    public long Due { get; private set; } = (runtime.Elapsed + delay).Ticks;

    public bool IsCancelled => _cancelled || cancelable is { IsCancellationRequested: true };

    public void Cancel() => _cancelled = true;

    public void Fire()
    {
        action();
        if (interval <= TimeSpan.Zero || IsCancelled)
            return;
        Due += interval.Ticks;
        runtime.AddTimer(this);
    }
}

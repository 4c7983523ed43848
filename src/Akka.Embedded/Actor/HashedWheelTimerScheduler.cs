using System.Diagnostics;
using System.Numerics;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Actor;

/// <summary>
/// A ring of buckets, one per tick; an entry lies in the bucket of its tick, modulo the ring. Adding and cancelling cost the same
/// whatever their number. The thread sleeps until the next bucket that holds anything, and for good while none does.
/// Never early; late by up to one tick.
/// </summary>
public sealed class HashedWheelTimerScheduler : SchedulerBase, IDateTimeOffsetNowTimeProvider, IDisposable
{
    private const int MaxWheelSize = 1 << 20;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Entry?[] _wheel;
    private readonly long _tickTicks;
    private readonly TimeSpan _shutdownTimeout;
    private readonly long _start = Stopwatch.GetTimestamp();
    private Thread? _thread;
    private long _tick;
    private long _sleepingUntil = long.MaxValue;
    private int _count;
    private volatile bool _stopped;

    public HashedWheelTimerScheduler(Config scheduler, ILoggingAdapter log) : base(scheduler, log)
    {
        var ticksPerWheel = scheduler.GetInt("akka.scheduler.ticks-per-wheel", 512);
        var tickDuration = scheduler.GetTimeSpan("akka.scheduler.tick-duration", TimeSpan.FromMilliseconds(10));
        _shutdownTimeout = scheduler.GetTimeSpan("akka.scheduler.shutdown-timeout", TimeSpan.FromSeconds(5));
        if (ticksPerWheel is < 1 or > MaxWheelSize)
            throw new ConfigurationException($"akka.scheduler.ticks-per-wheel must be between 1 and {MaxWheelSize}, it is {ticksPerWheel}");
        if (tickDuration < TimeSpan.FromMilliseconds(1))
            throw new ConfigurationException($"akka.scheduler.tick-duration must be at least 1ms, it is {tickDuration}");
        _wheel = new Entry?[BitOperations.RoundUpToPowerOf2((uint)ticksPerWheel)];
        _tickTicks = tickDuration.Ticks;
    }

    public override TimeSpan MonotonicClock => Stopwatch.GetElapsedTime(_start);
    public override TimeSpan HighResMonotonicClock => Stopwatch.GetElapsedTime(_start);
    protected override DateTimeOffset TimeNow => DateTimeOffset.UtcNow;

    private sealed class Entry(HashedWheelTimerScheduler owner, IRunnable work, long intervalTicks, ICancelable? cancelable) : IScheduledEntry
    {
        public readonly IRunnable Work = work;
        public readonly ICancelable? Cancelable = cancelable;
        public readonly long IntervalTicks = intervalTicks;
        public long DeadlineTicks;
        public long DueTick;
        public Entry? Next;
        public Entry? Previous;
        public bool Listed;

        public void Remove() => owner.Remove(this);
    }

    private sealed class TellWork(ICanTell receiver, object message, IActorRef sender) : IRunnable
    {
        public void Run() => receiver.Tell(message, sender);
        public void Execute() => Run();
    }

    protected override void InternalScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable? cancelable)
        => Add(delay, TimeSpan.Zero, new TellWork(receiver, message, sender), cancelable);

    protected override void InternalScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message,
        IActorRef sender, ICancelable? cancelable)
        => Add(initialDelay, interval, new TellWork(receiver, message, sender), cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable? cancelable)
        => Add(delay, TimeSpan.Zero, new ActionRunnable(action), cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable? cancelable)
        => Add(delay, TimeSpan.Zero, action, cancelable);

    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable? cancelable)
        => Add(initialDelay, interval, new ActionRunnable(action), cancelable);

    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable? cancelable)
        => Add(initialDelay, interval, action, cancelable);

    private void Add(TimeSpan delay, TimeSpan interval, IRunnable work, ICancelable? cancelable)
    {
        if (cancelable is { IsCancellationRequested: true })
            return;
        var entry = new Entry(this, work, interval.Ticks, cancelable);
        lock (_lock)
        {
            if (_stopped)
                throw new SchedulerException("cannot enqueue after timer shutdown");
            if (_thread is null)
                StartThread();
            entry.DeadlineTicks = MonotonicClock.Ticks + delay.Ticks;
            Place(entry);
            if (entry.DueTick < _sleepingUntil)
            {
                _sleepingUntil = entry.DueTick;
                _wake.Release();
            }
        }
        (cancelable as Cancelable)?.Attach(entry);
    }

    private void StartThread()
    {
        _thread = new Thread(Turn) { IsBackground = true, Name = "scheduler" };
        _thread.Start();
    }

    // The first tick that ends at or after the deadline, and not one that was handled already.
    private void Place(Entry entry)
    {
        entry.DueTick = Math.Max(_tick, (entry.DeadlineTicks + _tickTicks - 1) / _tickTicks);
        ref var head = ref _wheel[entry.DueTick & (_wheel.Length - 1)];
        entry.Previous = null;
        entry.Next = head;
        if (head is not null)
            head.Previous = entry;
        head = entry;
        entry.Listed = true;
        _count++;
    }

    private void Remove(Entry entry)
    {
        lock (_lock)
            if (entry.Listed)
                Unlink(entry);
    }

    private void Unlink(Entry entry)
    {
        if (entry.Previous is { } previous)
            previous.Next = entry.Next;
        else
            _wheel[entry.DueTick & (_wheel.Length - 1)] = entry.Next;
        if (entry.Next is { } next)
            next.Previous = entry.Previous;
        entry.Next = entry.Previous = null;
        entry.Listed = false;
        _count--;
    }

    private void Turn()
    {
        var due = new List<Entry>();
        while (!_stopped)
        {
            int sleepMs;
            lock (_lock)
            {
                CollectDue(due);
                sleepMs = due.Count > 0 ? 0 : PlanSleep();
            }
            foreach (var entry in due)
                Run(entry);
            if (due.Count > 0)
                due.Clear();
            else
                _wake.Wait(sleepMs);
        }
    }

    private void CollectDue(List<Entry> due)
    {
        var now = MonotonicClock.Ticks / _tickTicks;
        var turns = Math.Min(now - _tick + 1, _wheel.Length);
        for (var i = 0L; i < turns; i++)
            for (var entry = _wheel[(_tick + i) & (_wheel.Length - 1)]; entry is not null;)
            {
                var next = entry.Next;
                if (entry.DueTick <= now)
                {
                    Unlink(entry);
                    due.Add(entry);
                }
                entry = next;
            }
        _tick = Math.Max(_tick, now + 1);
        if (due.Count > 1)
            due.Sort(static (a, b) => a.DeadlineTicks.CompareTo(b.DeadlineTicks));
    }

    private int PlanSleep()
    {
        if (_count == 0)
        {
            _sleepingUntil = long.MaxValue;
            return Timeout.Infinite;
        }
        var ahead = 0;
        while (ahead < _wheel.Length - 1 && _wheel[(_tick + ahead) & (_wheel.Length - 1)] is null)
            ahead++;
        _sleepingUntil = _tick + ahead;
        var remaining = (_sleepingUntil * _tickTicks) - MonotonicClock.Ticks;
        return (int)Math.Clamp((remaining + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond, 1, int.MaxValue);
    }

    private void Run(Entry entry)
    {
        if (entry.Cancelable is { IsCancellationRequested: true })
            return;
        try
        {
            entry.Work.Run();
        }
        catch (Exception cause)
        {
            Log.Error(cause, "A scheduled action failed{0}", entry.IntervalTicks > 0 ? " and will not be repeated" : "");
            return;
        }
        if (entry.IntervalTicks <= 0 || entry.Cancelable is { IsCancellationRequested: true })
            return;
        lock (_lock)
        {
            entry.DeadlineTicks = Math.Max(entry.DeadlineTicks + entry.IntervalTicks, MonotonicClock.Ticks);
            if (!_stopped)
                Place(entry);
        }
        if (entry.Cancelable is { IsCancellationRequested: true })
            entry.Remove();
    }

    /// <summary>What was not due is dropped.</summary>
    public void Dispose()
    {
        Thread? thread;
        lock (_lock)
        {
            _stopped = true;
            thread = _thread;
        }
        _wake.Release();
        if (thread is not null && thread != Thread.CurrentThread && !thread.Join(_shutdownTimeout))
            Log.Warning("Failed to shutdown scheduler within {0}", _shutdownTimeout);
    }
}

#nullable disable annotations
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.TestKit;

/// <summary>
/// A scheduler whose time stands still until the test advances it. Configure
/// <c>akka.scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit"</c>. What falls due runs in the thread that advances,
/// in order of time; <see cref="Now"/> is then its due time.
/// </summary>
public class TestScheduler : IScheduler, IAdvancedScheduler
{
    private readonly Lock _lock = new();
    // Ordered by due time, then by order of arrival.
    private readonly PriorityQueue<Item, (DateTimeOffset Due, long Order)> _items = new();
    private DateTimeOffset _now = DateTimeOffset.UtcNow;
    private readonly DateTimeOffset _start;
    private long _order;

    public TestScheduler(Config schedulerConfig, ILoggingAdapter log) => _start = _now;

    public DateTimeOffset Now
    {
        get
        {
            lock (_lock)
                return _now;
        }
    }

    public TimeSpan MonotonicClock => Now - _start;

    public TimeSpan HighResMonotonicClock => Now - _start;

    public IAdvancedScheduler Advanced => this;

    public void Advance(TimeSpan offset) => AdvanceTo(Now + offset);

    public void AdvanceTo(DateTimeOffset when)
    {
        if (when < Now)
            throw new InvalidOperationException($"Time can't go back: it is {Now:O} already.");
        while (NextDue(when) is { } item)
            item.Run();
    }

    public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
        ScheduleTellOnce(delay, receiver, message, sender, null);

    public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Add(delay, null, () => receiver.Tell(message, sender), cancelable);

    public void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender) =>
        ScheduleTellRepeatedly(initialDelay, interval, receiver, message, sender, null);

    public void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Add(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    public void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) => Add(delay, null, action, cancelable);

    public void ScheduleOnce(TimeSpan delay, Action action) => Add(delay, null, action, null);

    public void ScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) => Add(delay, null, action.Run, cancelable);

    public void ScheduleOnce(TimeSpan delay, IRunnable action) => Add(delay, null, action.Run, null);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) => Add(initialDelay, interval, action, cancelable);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) => Add(initialDelay, interval, action, null);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) => Add(initialDelay, interval, action.Run, cancelable);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action) => Add(initialDelay, interval, action.Run, null);

    private void Add(TimeSpan delay, TimeSpan? interval, Action action, ICancelable cancelable)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        if (interval <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(interval), interval, "An interval must be positive.");
        lock (_lock)
            Enqueue(new Item(_now + delay, interval, action, cancelable));
    }

    private void Enqueue(Item item) => _items.Enqueue(item, (item.Due, _order++));

    // The next item up to that time, with the clock set to its due time; null, with the clock set to that time, if there is none.
    private Item NextDue(DateTimeOffset when)
    {
        lock (_lock)
        {
            while (_items.TryPeek(out var item, out _) && item.Due <= when)
            {
                _items.Dequeue();
                if (item.Cancelable?.IsCancellationRequested == true)
                    continue;
                _now = item.Due;
                if (item.Interval is { } interval)
                    Enqueue(item with { Due = item.Due + interval });
                return item;
            }
            _now = when;
            return null;
        }
    }

    private sealed record Item(DateTimeOffset Due, TimeSpan? Interval, Action Run, ICancelable Cancelable);
}

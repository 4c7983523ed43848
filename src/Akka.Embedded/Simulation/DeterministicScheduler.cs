using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Embedded.Simulation;

/// <summary>Timers in the virtual time of a <see cref="SimulatedRuntime"/>; equal times fire in the order in which they were set.</summary>
public sealed class DeterministicScheduler(Config scheduler, ILoggingAdapter log) : SchedulerBase(scheduler, log)
{
    private readonly SimulatedRuntime _runtime = SimulatedRuntime.Of(scheduler);

    public override TimeSpan MonotonicClock => _runtime.Elapsed;
    public override TimeSpan HighResMonotonicClock => _runtime.Elapsed;
    protected override DateTimeOffset TimeNow => _runtime.Now;

    protected override void InternalScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable? cancelable)
        => Add(delay, TimeSpan.Zero, () => receiver.Tell(message, sender), cancelable);

    protected override void InternalScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message,
        IActorRef sender, ICancelable? cancelable)
        => Add(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable? cancelable)
        => Add(delay, TimeSpan.Zero, action, cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable? cancelable)
        => Add(delay, TimeSpan.Zero, action.Run, cancelable);

    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable? cancelable)
        => Add(initialDelay, interval, action, cancelable);

    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable? cancelable)
        => Add(initialDelay, interval, action.Run, cancelable);

    private void Add(TimeSpan delay, TimeSpan interval, Action action, ICancelable? cancelable)
        => _runtime.AddTimer(new SimulatedTimer(_runtime, delay, interval, action, cancelable));
}

/// <summary>The runtime's time for what knows nothing of actors.</summary>
internal sealed class SimulatedTimeProvider(SimulatedRuntime runtime) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => runtime.Now;
    public override long GetTimestamp() => runtime.Elapsed.Ticks;
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ProvidedTimer(runtime, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ProvidedTimer(SimulatedRuntime runtime, TimerCallback callback, object? state) : ITimer
    {
        private SimulatedTimer? _armed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Dispose();
            if (dueTime == Timeout.InfiniteTimeSpan)
                return true;
            _armed = new SimulatedTimer(runtime, dueTime, period, () => callback(state), cancelable: null);
            runtime.AddTimer(_armed);
            return true;
        }

        public void Dispose()
        {
            _armed?.Cancel();
            _armed = null;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

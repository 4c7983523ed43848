using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// An actor's one timer for whatever is due next. Arming is cheap when nothing becomes due earlier than before: then the
/// timer fires as it was set, finds nothing and is armed anew.
/// </summary>
internal sealed class Wakeup(ITimerScheduler timers, ActorSystem system, Func<TimeSpan>? clock)
{
    private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private TimeSpan _armedFor = TimeSpan.MaxValue;

    public sealed class Fired
    {
        public static readonly Fired Instance = new();
    }

    /// <summary>Monotonic: the scheduler's, unless a clock is given (a test's, whose scheduler has virtual timers but a real clock).</summary>
    public TimeSpan Now => clock?.Invoke() ?? system.Scheduler.MonotonicClock;

    public void Arm(TimeSpan next)
    {
        if (next >= _armedFor)
            return;
        _armedFor = next;
        var delay = next == TimeSpan.MaxValue ? Longest : next - Now;
        if (delay > Longest)
            delay = Longest;
        timers.StartSingleTimer(this, Fired.Instance, delay < Soonest ? Soonest : delay);
    }

    /// <summary>The timer fired and must be armed again.</summary>
    public void OnFired() => _armedFor = TimeSpan.MaxValue;
}

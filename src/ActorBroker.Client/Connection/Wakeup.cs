using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>
/// An actor's one timer for whatever is due next. Arming is cheap when nothing becomes due earlier than before: then the
/// timer fires as it was set, finds nothing and is armed anew.
/// </summary>
internal sealed class Wakeup(ITimerScheduler timers, ActorSystem system)
{
    private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private TimeSpan _armedFor = TimeSpan.MaxValue;

    public sealed class Fired
    {
        public static readonly Fired Instance = new();
    }

    /// <summary>Monotonic; virtual under a test scheduler, as the timer is.</summary>
    public TimeSpan Now => system.Scheduler.MonotonicClock;

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

using Akka.Event;

namespace Akka.Actor;

/// <summary>Timers that end with the actor's incarnation. A timer with a key in use replaces the old one.</summary>
public interface ITimerScheduler
{
    void StartSingleTimer(object key, object msg, TimeSpan timeout);
    void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender);
    void StartPeriodicTimer(object key, object msg, TimeSpan interval);
    void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender);
    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval);
    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender);
    bool IsTimerActive(object key);

    /// <summary>After this nothing of that timer arrives, not even what is in the mailbox already.</summary>
    void Cancel(object key);

    void CancelAll();
    IReadOnlyCollection<object> ActiveTimers { get; }
}

public interface IWithTimers
{
    ITimerScheduler Timers { get; set; }
}

/// <summary>
/// What the wheel sends is wrapped with the timer's generation; the cell unwraps it, and drops what an older generation left in the
/// mailbox.
/// </summary>
internal sealed class TimerScheduler(ActorCell cell) : ITimerScheduler
{
    private readonly Dictionary<object, Timer> _timers = [];
    private int _generation;

    private sealed record Timer(object Message, bool Repeats, int Generation, ICancelable Handle);

    internal class TimerMessage(object key, int generation, TimerScheduler owner) : INoSerializationVerificationNeeded, Akka.Event.IDeadLetterSuppression
    {
        public object Key => key;
        public int Generation => generation;
        public TimerScheduler Owner => owner;
        public override string ToString() => $"TimerMsg(key={key}, generation={generation})";
    }

    private sealed class QuietTimerMessage(object key, int generation, TimerScheduler owner)
        : TimerMessage(key, generation, owner), INotInfluenceReceiveTimeout;

    public IReadOnlyCollection<object> ActiveTimers => _timers.Keys;

    public void StartSingleTimer(object key, object msg, TimeSpan timeout) => StartSingleTimer(key, msg, timeout, cell.Self);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender) => Start(key, msg, timeout, interval: null, sender);

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval) => StartPeriodicTimer(key, msg, interval, interval, cell.Self);

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender) => StartPeriodicTimer(key, msg, interval, interval, sender);

    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval)
        => StartPeriodicTimer(key, msg, initialDelay, interval, cell.Self);

    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender)
        => Start(key, msg, initialDelay, interval, sender);

    private void Start(object key, object message, TimeSpan delay, TimeSpan? interval, IActorRef sender)
    {
        Cancel(key);
        var generation = ++_generation;
        var envelope = message is INotInfluenceReceiveTimeout
            ? new QuietTimerMessage(key, generation, this)
            : new TimerMessage(key, generation, this);
        var scheduler = cell.System.Scheduler;
        var handle = interval is { } every
            ? scheduler.ScheduleTellRepeatedlyCancelable(delay, every, cell.Self, envelope, sender)
            : scheduler.ScheduleTellOnceCancelable(delay, cell.Self, envelope, sender);
        _timers[key] = new Timer(message, interval is not null, generation, handle);
        if (cell.SystemImpl.Settings.DebugTimerScheduler)
            cell.SystemImpl.Log.Debug("Start timer [{0}] with generation [{1}]", key, generation);
    }

    public bool IsTimerActive(object key) => _timers.ContainsKey(key);

    public void Cancel(object key)
    {
        if (_timers.Remove(key, out var timer))
            timer.Handle.Cancel();
    }

    public void CancelAll()
    {
        foreach (var timer in _timers.Values)
            timer.Handle.Cancel();
        _timers.Clear();
    }

    /// <summary>The user's message, if it is still wanted.</summary>
    internal bool TryAccept(TimerMessage envelope, out object message)
    {
        message = envelope;
        if (!ReferenceEquals(envelope.Owner, this) || !_timers.TryGetValue(envelope.Key, out var timer) || timer.Generation != envelope.Generation)
            return false;
        if (!timer.Repeats)
            _timers.Remove(envelope.Key);
        message = timer.Message;
        return true;
    }
}

using Akka.Actor;
using Akka.Event;

namespace Akka.TestKit.Internal;

/// <summary>A log event or dead letter that a test waits for.</summary>
internal sealed class LogFilter(string description, Func<object, bool> matches)
{
    public bool Matches(object logEvent) => matches(logEvent);

    public override string ToString() => description;
}

/// <summary>
/// Counts what is published on the event stream and matches, in the publishing thread: once a log call has returned, it counts.
/// </summary>
internal sealed class LogEventCounter : MinimalActorRef, IDisposable
{
    private readonly ExtendedActorSystem _system;
    private readonly IReadOnlyList<LogFilter> _filters;
    private int _count;

    public LogEventCounter(ActorSystem system, IReadOnlyList<LogFilter> filters)
    {
        _system = (ExtendedActorSystem)system;
        _filters = filters;
        Path = _system.Provider.TempPath();
        _system.EventStream.Subscribe(this, typeof(LogEvent));
        _system.EventStream.Subscribe(this, typeof(DeadLetter));
    }

    public int Count => Volatile.Read(ref _count);

    public override ActorPath Path { get; }

    public override IActorRefProvider Provider => _system.Provider;

    public void Dispose() => _system.EventStream.Unsubscribe(this);

    protected override void TellInternal(object message, IActorRef sender)
    {
        foreach (var filter in _filters)
        {
            if (filter.Matches(message))
            {
                Interlocked.Increment(ref _count);
                return;
            }
        }
    }
}

using Akka.Actor;
using Akka.Dispatch;

namespace Akka.Event;

public interface ILoggerMessageQueueSemantics : ISemantics;

/// <summary>A logger that is no actor: usable before there are any, and after.</summary>
public abstract class MinimalLogger : MinimalActorRef
{
    private readonly ActorPath _path = new RootActorPath(Address.AllSystems, "/StandardOutLogger");

    public sealed override ActorPath Path => _path;
    public sealed override IActorRefProvider Provider => throw new NotSupportedException("This logger does not provide.");

    protected sealed override void TellInternal(object message, IActorRef sender) => Log(message);

    protected abstract void Log(object message);
}

public class StandardOutLogger : MinimalLogger
{
    public static bool UseColors { get; set; } = true;

    protected override void Log(object message)
    {
        if (message is LogEvent logEvent)
            Print(logEvent);
        else
            Console.WriteLine(message);
    }

    internal static void Print(LogEvent logEvent)
    {
        var color = logEvent.LogLevel() switch
        {
            LogLevel.ErrorLevel => ConsoleColor.Red,
            LogLevel.WarningLevel => ConsoleColor.Yellow,
            LogLevel.DebugLevel => ConsoleColor.Gray,
            _ => ConsoleColor.White,
        };
        if (!UseColors || Console.IsOutputRedirected)
        {
            Console.WriteLine(logEvent);
            return;
        }
        lock (Console.Out)
        {
            Console.ForegroundColor = color;
            Console.WriteLine(logEvent);
            Console.ResetColor();
        }
    }
}

/// <summary>Prints to standard output.</summary>
public class DefaultLogger : ActorBase, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    protected override bool Receive(object message)
    {
        switch (message)
        {
            case InitializeLogger:
                Sender.Tell(new LoggerInitialized());
                return true;
            case LogEvent logEvent:
                Print(logEvent);
                return true;
            default:
                return false;
        }
    }

    protected virtual void Print(LogEvent logEvent) => StandardOutLogger.Print(logEvent);
}

/// <summary>Logs dead letters: all, or the first few and then a pause.</summary>
internal sealed class DeadLetterListener : UntypedActor
{
    private readonly EventStream _eventStream = Context.System.EventStream;
    private readonly int _limit = Context.System.Settings.LogDeadLetters;
    private readonly TimeSpan _pause = Context.System.Settings.LogDeadLettersSuspendDuration;
    private int _count;
    private TimeSpan _silentUntil = TimeSpan.MinValue;

    protected override void PreStart()
    {
        _eventStream.Subscribe(Self, typeof(DeadLetter));
        _eventStream.Subscribe(Self, typeof(Dropped));
        _eventStream.Subscribe(Self, typeof(UnhandledMessage));
    }

    protected override void PreRestart(Exception reason, object message) { }
    protected override void PostRestart(Exception reason) { }
    protected override void PostStop() => _eventStream.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        if (message is not AllDeadLetters letter || IsOwnKind(letter))
            return;
        var now = Context.System.Scheduler.MonotonicClock;
        if (now < _silentUntil)
            return;
        if (_silentUntil != TimeSpan.MinValue)
        {
            _silentUntil = TimeSpan.MinValue;
            _count = 0;
        }
        _count++;
        var last = _limit != int.MaxValue && _count >= _limit;
        _eventStream.Publish(new Info(letter.Recipient.Path.ToString(), letter.Recipient.GetType(), Describe(letter, last)));
        if (last)
            _silentUntil = _pause == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : now + _pause;
    }

    // A log event that could not be delivered must not make another one.
    private static bool IsOwnKind(AllDeadLetters letter)
        => WrappedMessage.Unwrap(letter.Message) is LogEvent || letter is DeadLetter && letter.Message is UnhandledMessage;

    private string Describe(AllDeadLetters letter, bool last)
    {
        var kind = letter switch
        {
            DeadLetter => "was not delivered",
            UnhandledMessage => "was unhandled",
            Dropped dropped => $"was dropped. {dropped.Reason}",
            _ => "was not delivered",
        };
        var from = letter.Sender.IsNobody() ? "" : $" from {letter.Sender}";
        return $"Message [{letter.Message.GetType().Name}]{from} to {letter.Recipient} {kind}. [{_count}] dead letters encountered"
               + (last ? $", no more dead letters will be logged in next [{_pause}]." : ".")
               + " This logging can be turned off or adjusted with configuration settings 'akka.log-dead-letters' and 'akka.log-dead-letters-during-shutdown'."
               + $" Message content: {letter.Message}";
    }
}

/// <summary>Delivers the loss of a node to the cells that have to do with one.</summary>
internal sealed class AddressTerminatedTopic : IExtension
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<IActorRef, byte> _subscribers = new();

    public static AddressTerminatedTopic Get(ActorSystem system) => ((Akka.Actor.Internal.ActorSystemImpl)system).LostAddresses;

    public void Subscribe(IActorRef subscriber) => _subscribers.TryAdd(subscriber, 0);

    public void Unsubscribe(IActorRef subscriber)
    {
        if (!_subscribers.IsEmpty)
            _subscribers.TryRemove(subscriber, out _);
    }

    public void Publish(AddressTerminated message)
    {
        foreach (var subscriber in _subscribers.Keys)
            subscriber.Tell(message, ActorRefs.NoSender);
    }
}

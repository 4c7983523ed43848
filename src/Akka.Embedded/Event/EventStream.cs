using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Actor.Internal;

namespace Akka.Event;

/// <summary>Publish and subscribe by the class of the message: a subscriber of a class gets its subclasses and implementers too.</summary>
public class LoggingBus
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IActorRef, HashSet<Type>> _channels = [];

    // Subscribers per class of event, filled on first use; thrown away whenever a subscription changes.
    private volatile ConcurrentDictionary<Type, IActorRef[]> _routes = new();
    private readonly List<IActorRef> _loggers = [];

    public LogLevel LogLevel { get; private set; } = LogLevel.InfoLevel;

    public void SetLogLevel(LogLevel logLevel)
    {
        lock (_lock)
        {
            LogLevel = logLevel;
            foreach (var logger in _loggers)
                SubscribeLogger(logger, logLevel);
        }
    }

    public void Publish(object @event)
    {
        var routes = _routes;
        if (!routes.TryGetValue(@event.GetType(), out var subscribers))
            subscribers = Route(@event.GetType());
        foreach (var subscriber in subscribers)
            subscriber.Tell(@event, ActorRefs.NoSender);
    }

    private IActorRef[] Route(Type type)
    {
        lock (_lock)
        {
            var found = new List<IActorRef>();
            foreach (var (subscriber, channels) in _channels)
                foreach (var channel in channels)
                    if (channel.IsAssignableFrom(type))
                    {
                        found.Add(subscriber);
                        break;
                    }
            return _routes[type] = [.. found];
        }
    }

    /// <returns>false when it was subscribed already</returns>
    public virtual bool Subscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        lock (_lock)
        {
            if (!_channels.TryGetValue(subscriber, out var channels))
                _channels[subscriber] = channels = [];
            if (!channels.Add(channel))
                return false;
            _routes = new ConcurrentDictionary<Type, IActorRef[]>();
            return true;
        }
    }

    public virtual bool Unsubscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        lock (_lock)
        {
            if (!_channels.TryGetValue(subscriber, out var channels) || !channels.Remove(channel))
                return false;
            if (channels.Count == 0)
                _channels.Remove(subscriber);
            _routes = new ConcurrentDictionary<Type, IActorRef[]>();
            return true;
        }
    }

    public virtual bool Unsubscribe(IActorRef subscriber)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        lock (_lock)
        {
            if (!_channels.Remove(subscriber))
                return false;
            _loggers.Remove(subscriber);
            _routes = new ConcurrentDictionary<Type, IActorRef[]>();
            return true;
        }
    }

    /// <summary>Drops a subscriber that is gone.</summary>
    internal void Forget(IActorRef stopped)
    {
        lock (_lock)
            if (!_channels.ContainsKey(stopped))
                return;
        Unsubscribe(stopped);
    }

    /// <summary>Prints until the loggers of the configuration have started.</summary>
    public void StartStdoutLogger(Settings config) => AddLogger(config.StdoutLogger, Logging.LogLevelFor(config.StdoutLogLevel));

    private void AddLogger(IActorRef logger, LogLevel level)
    {
        lock (_lock)
        {
            _loggers.Add(logger);
            SubscribeLogger(logger, level);
        }
    }

    private void SubscribeLogger(IActorRef logger, LogLevel level)
    {
        for (var candidate = LogLevel.DebugLevel; candidate <= LogLevel.ErrorLevel; candidate++)
            if (candidate >= level)
                Subscribe(logger, candidate.ClassFor());
            else
                Unsubscribe(logger, candidate.ClassFor());
    }

    internal void StartDefaultLoggers(ActorSystemImpl system)
    {
        var settings = system.Settings;
        var level = Logging.LogLevelFor(settings.LogLevel);
        LogLevel = level;
        var started = false;
        foreach (var typeName in settings.Loggers)
        {
            var loggerType = Akka.Util.TypeRegistry.Resolve(typeName);
            if (typeof(MinimalLogger).IsAssignableFrom(loggerType))
                continue;
            StartLogger(system, loggerType, level);
            started = true;
        }
        if (started)
            Unsubscribe(settings.StdoutLogger);
        else
            SetLogLevel(level);
    }

    private void StartLogger(ActorSystemImpl system,
        [System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(
            System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicConstructors
            | System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.NonPublicConstructors)]
        Type loggerType, LogLevel level)
    {
        var settings = system.Settings;
        var name = $"log{system.NextLoggerNumber()}-{loggerType.Name}";
        var logger = system.SystemActorOf(Props.Create(loggerType).WithDispatcher(settings.LoggersDispatcher), name);
        AddLogger(logger, level);
        if (settings.LoggerAsyncStart || system.IsSimulated)
        {
            logger.Tell(new InitializeLogger(this), ActorRefs.NoSender);
            return;
        }
        var ready = logger.Ask<LoggerInitialized>(new InitializeLogger(this), settings.LoggerStartTimeout);
        try
        {
            ready.Wait();
        }
        catch (AggregateException failed)
        {
            Publish(new Warning(failed.InnerException!, nameof(EventStream), GetType(),
                $"Logger [{name}] has not been initialized after {settings.LoggerStartTimeout}. Some messages may get lost."));
        }
    }

    internal void StopDefaultLoggers(ActorSystem system)
    {
        var stdout = system.Settings.StdoutLogger;
        AddLogger(stdout, Logging.LogLevelFor(system.Settings.StdoutLogLevel));
        IActorRef[] loggers;
        lock (_lock)
            loggers = [.. _loggers];
        foreach (var logger in loggers)
            if (!logger.Equals(stdout))
                Unsubscribe(logger);
    }
}

public class EventStream(bool debug) : LoggingBus
{
    public override bool Subscribe(IActorRef subscriber, Type channel)
    {
        var added = base.Subscribe(subscriber, channel);
        if (debug && added)
            Publish(new Debug(nameof(EventStream), GetType(), $"subscribing [{subscriber}] to channel {channel}"));
        return added;
    }

    public override bool Unsubscribe(IActorRef subscriber, Type channel)
    {
        var removed = base.Unsubscribe(subscriber, channel);
        if (debug && removed)
            Publish(new Debug(nameof(EventStream), GetType(), $"unsubscribing [{subscriber}] from channel {channel}"));
        return removed;
    }
}

public static class EventStreamExtensions
{
    public static bool Subscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) => eventStream.Subscribe(subscriber, typeof(TChannel));
    public static bool Unsubscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) => eventStream.Unsubscribe(subscriber, typeof(TChannel));
}

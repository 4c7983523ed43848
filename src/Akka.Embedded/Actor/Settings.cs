using Akka.Configuration;
using Akka.Event;

namespace Akka.Actor;

/// <summary>The settings of one system, read once. <see cref="Config"/> has the engine's defaults beneath the user's.</summary>
public class Settings
{
    // Short names of providers, as the official configuration has them.
    private const string LocalProvider = "Akka.Actor.LocalActorRefProvider";
    private const string RemoteProvider = "Akka.Remote.RemoteActorRefProvider";
    private const string ClusterProvider = "Akka.Cluster.ClusterActorRefProvider";

    private static readonly Lazy<Config> Defaults = new(static () => ConfigurationFactory.FromResource("akka.conf", typeof(Settings).Assembly));

    private readonly Lock _lock = new();
    private readonly Config _user;
    private Config _fallback;

    public Settings(ActorSystem system, Config config)
    {
        System = system;
        _user = config ?? ConfigurationFactory.Empty;
        _fallback = Defaults.Value;
        Config = _user.WithFallback(_fallback);
        ConfigVersion = Config.GetString("akka.version", "");
        ProviderClass = Config.GetString("akka.actor.provider") switch
        {
            null or "" or "local" => LocalProvider,
            "remote" => RemoteProvider,
            "cluster" => ClusterProvider,
            var named => named.Split(',')[0].Trim(),
        };
        SupervisorStrategyClass = Config.GetString("akka.actor.guardian-supervisor-strategy");
        AskTimeout = Config.GetTimeSpan("akka.actor.ask-timeout", Timeout.InfiniteTimeSpan);
        CreationTimeout = Config.GetTimeSpan("akka.actor.creation-timeout");
        UnstartedPushTimeout = Config.GetTimeSpan("akka.actor.unstarted-push-timeout");
        LogLevel = Config.GetString("akka.loglevel");
        StdoutLogLevel = Config.GetString("akka.stdout-loglevel");
        Loggers = Config.GetStringList("akka.loggers");
        LoggersDispatcher = Config.GetString("akka.loggers-dispatcher");
        LoggerStartTimeout = Config.GetTimeSpan("akka.logger-startup-timeout");
        LoggerAsyncStart = Config.GetBoolean("akka.logger-async-start");
        LogConfigOnStart = Config.GetBoolean("akka.log-config-on-start");
        LogDeadLetters = Config.GetString("akka.log-dead-letters") switch
        {
            "off" or "false" => 0,
            "on" or "true" => int.MaxValue,
            _ => Config.GetInt("akka.log-dead-letters"),
        };
        LogDeadLettersDuringShutdown = Config.GetBoolean("akka.log-dead-letters-during-shutdown");
        LogDeadLettersSuspendDuration = Config.GetTimeSpan("akka.log-dead-letters-suspend-duration");
        DebugAutoReceive = Config.GetBoolean("akka.actor.debug.autoreceive");
        DebugLifecycle = Config.GetBoolean("akka.actor.debug.lifecycle");
        DebugEventStream = Config.GetBoolean("akka.actor.debug.event-stream");
        DebugUnhandledMessage = Config.GetBoolean("akka.actor.debug.unhandled");
        DebugTimerScheduler = Config.GetBoolean("akka.actor.debug.log-timers");
        SchedulerClass = Config.GetString("akka.scheduler.implementation");
        SchedulerShutdownTimeout = Config.GetTimeSpan("akka.scheduler.shutdown-timeout");
        CoordinatedShutdownTerminateActorSystem = Config.GetBoolean("akka.coordinated-shutdown.terminate-actor-system");
        CoordinatedShutdownRunByActorSystemTerminate = Config.GetBoolean("akka.coordinated-shutdown.run-by-actor-system-terminate");
        StdoutLogger = new StandardOutLogger();
    }

    public ActorSystem System { get; }
    public Config Config { get; private set; }
    public string ConfigVersion { get; }
    public string ProviderClass { get; }
    public bool HasCluster => ProviderClass == ClusterProvider;
    public string SupervisorStrategyClass { get; }
    public TimeSpan AskTimeout { get; }
    public TimeSpan CreationTimeout { get; }
    public TimeSpan UnstartedPushTimeout { get; }
    public string LogLevel { get; }
    public string StdoutLogLevel { get; }
    public IList<string> Loggers { get; }
    public string LoggersDispatcher { get; }
    public TimeSpan LoggerStartTimeout { get; }
    public bool LoggerAsyncStart { get; }
    public bool LogConfigOnStart { get; }
    public int LogDeadLetters { get; }
    public bool LogDeadLettersDuringShutdown { get; }
    public TimeSpan LogDeadLettersSuspendDuration { get; }
    public bool DebugAutoReceive { get; }
    public bool DebugLifecycle { get; }
    public bool DebugEventStream { get; }
    public bool DebugUnhandledMessage { get; }
    public bool DebugTimerScheduler { get; }
    public string SchedulerClass { get; }
    public TimeSpan SchedulerShutdownTimeout { get; }
    public bool CoordinatedShutdownTerminateActorSystem { get; }
    public bool CoordinatedShutdownRunByActorSystemTerminate { get; }
    public MinimalLogger StdoutLogger { get; }

    /// <summary>
    /// Adds an extension's defaults: beneath the user's configuration, above all defaults so far. The system's serializers
    /// are made anew from the result, so that those added at run time are gone.
    /// </summary>
    public void InjectTopLevelFallback(Config config)
    {
        lock (_lock)
        {
            _fallback = config.WithFallback(_fallback);
            Config = _user.WithFallback(_fallback);
            (System as Internal.ActorSystemImpl)?.ReloadSerialization();
        }
    }

    public override string ToString() => Config.ToString();
}

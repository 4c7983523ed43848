using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Util;

namespace Akka.Dispatch;

/// <summary>The dispatchers of one system by the path of their settings.</summary>
public sealed class Dispatchers
{
    public const string DefaultDispatcherId = "akka.actor.default-dispatcher";
    public const string InternalDispatcherId = "akka.actor.internal-dispatcher";
    public const string DefaultBlockingDispatcherId = "akka.actor.default-blocking-io-dispatcher";

    // Replaces the type of all dispatchers at once: for deterministic runs.
    private const string OverrideKey = "akka.embedded.dispatcher-type";

    private const int MaxAliasDepth = 20;

    private readonly ConcurrentDictionary<string, MessageDispatcherConfigurator> Rooturators = new(StringComparer.Ordinal);
    private readonly Settings _settings;
    private readonly string? _override;
    private MessageDispatcher? _default;

    internal Dispatchers(ActorSystem system, IDispatcherPrerequisites prerequisites)
    {
        Prerequisites = prerequisites;
        _settings = system.Settings;
        _override = Root.GetString(OverrideKey);
    }

    // Extensions add defaults, dispatchers among them, while the system runs.
    private Config Root => _settings.Config;

    public IDispatcherPrerequisites Prerequisites { get; }
    public Config DefaultDispatcherConfig => GetConfig(Root, DefaultDispatcherId);
    public MessageDispatcher DefaultGlobalDispatcher => _default ??= Lookup(DefaultDispatcherId);

    public MessageDispatcher Lookup(string dispatcherName)
        => string.IsNullOrEmpty(dispatcherName) ? DefaultGlobalDispatcher : Configurator(dispatcherName).Dispatcher();

    public bool HasDispatcher(string id) => Rooturators.ContainsKey(id) || Root.HasPath(id);

    public bool RegisterConfigurator(string id, MessageDispatcherConfigurator configurator) => Rooturators.TryAdd(id, configurator);

    private MessageDispatcherConfigurator Configurator(string id)
        => Rooturators.TryGetValue(id, out var known) ? known : Rooturators.GetOrAdd(id, Make(id));

    /// <summary>The settings under that path; a string there is an alias of another path.</summary>
    internal static Config GetConfig(Config config, string id, int depth = 0)
    {
        if (depth > MaxAliasDepth)
            throw new ConfigurationException($"Didn't find a concrete dispatcher config after following {MaxAliasDepth} aliases, is there a loop in your config? last looked at [{id}]");
        var value = config.GetValue(id) ?? throw new ConfigurationException($"Dispatcher config [{id}] does not exist.");
        if (!value.IsObject())
            return GetConfig(config, value.GetString() ?? "", depth + 1);
        var own = config.GetConfig(id)!.WithFallback(ConfigurationFactory.ParseString($"id = \"{id}\""));
        return id == DefaultDispatcherId ? own : own.WithFallback(config.GetConfig(DefaultDispatcherId)!);
    }

    private MessageDispatcherConfigurator Make(string id)
    {
        var config = GetConfig(Root, id);
        var type = _override ?? config.GetString("type");
        return type switch
        {
            "Dispatcher" or "TaskDispatcher" => new DispatcherConfigurator(config, Prerequisites),
            "ForkJoinDispatcher" => new ForkJoinDispatcherConfigurator(config, Prerequisites),
            "PinnedDispatcher" => new PinnedDispatcherConfigurator(config, Prerequisites),
            "CallingThreadDispatcher" => new CallingThreadDispatcherConfigurator(config, Prerequisites),
            null or "" => throw new ConfigurationException($"Missing dispatcher `type` config property value for [{id}]."),
            _ => TypeRegistry.Create<MessageDispatcherConfigurator>(type, config, Prerequisites),
        };
    }

    internal void Shutdown()
    {
        foreach (var configurator in Rooturators.Values)
            if (configurator is IOwnsThreads owner)
                owner.Shutdown();
    }
}

/// <summary>A configurator whose dispatchers have threads to end.</summary>
internal interface IOwnsThreads
{
    void Shutdown();
}

/// <summary>On the thread pool of .NET, or on threads of its own when the executor is fork-join.</summary>
internal sealed class DispatcherConfigurator : MessageDispatcherConfigurator, IOwnsThreads
{
    private readonly MessageDispatcher _dispatcher;

    public DispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites)
    {
        var executor = config.GetString("executor", "default-executor");
        _dispatcher = executor switch
        {
            "fork-join-executor" => new DedicatedThreadsDispatcher(this, ScaledThreadCount(config.GetConfig("fork-join-executor"))),
            "default-executor" or "thread-pool-executor" or "task-executor" or "channel-executor" => new Dispatcher(this),
            _ => throw new ConfigurationException($"Unknown executor [{executor}] of dispatcher [{config.GetString("id")}]"),
        };
    }

    private static int ScaledThreadCount(Config? config) => Math.Clamp(
        (int)Math.Ceiling(Environment.ProcessorCount * (config?.GetDouble("parallelism-factor", 1) ?? 1)),
        config?.GetInt("parallelism-min", 8) ?? 8,
        config?.GetInt("parallelism-max", 64) ?? 64);

    public override MessageDispatcher Dispatcher() => _dispatcher;

    public void Shutdown() => _dispatcher.ShutdownNow();
}

internal sealed class ForkJoinDispatcherConfigurator : MessageDispatcherConfigurator, IOwnsThreads
{
    private readonly DedicatedThreadsDispatcher _dispatcher;

    public ForkJoinDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites)
    {
        var threads = config.GetInt("dedicated-thread-pool.thread-count", Environment.ProcessorCount);
        if (threads < 1)
            throw new ConfigurationException($"dedicated-thread-pool.thread-count of [{config.GetString("id")}] must be at least 1");
        _dispatcher = new DedicatedThreadsDispatcher(this, threads);
    }

    public override MessageDispatcher Dispatcher() => _dispatcher;

    public void Shutdown() => _dispatcher.ShutdownNow();
}

/// <summary>One thread for each actor that asks.</summary>
internal sealed class PinnedDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
    : MessageDispatcherConfigurator(config, prerequisites)
{
    public override MessageDispatcher Dispatcher() => new PinnedDispatcher(this);
}

internal sealed class CallingThreadDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly CallingThreadDispatcher _dispatcher;

    public CallingThreadDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites)
        => _dispatcher = new CallingThreadDispatcher(this);

    public override MessageDispatcher Dispatcher() => _dispatcher;
}

public class Dispatcher : MessageDispatcher
{
    public Dispatcher(MessageDispatcherConfigurator configurator) : base(configurator) { }

    // The queue of the own thread first: an actor that sends and is done hands its core, with warm caches, to the receiver;
    // an idle core takes the work over otherwise.
    protected override void ExecuteTask(IRunnable run) => ThreadPool.UnsafeQueueUserWorkItem(run, preferLocal: true);

    protected override void Shutdown() { }
}

internal sealed class PinnedDispatcher(MessageDispatcherConfigurator configurator) : DedicatedThreadsDispatcher(configurator, 1)
{
    public override void Detach(ActorCell cell)
    {
        base.Detach(cell);
        Shutdown();
    }
}

/// <summary>Runs an actor at once on the thread that sends to it, unless it is running already.</summary>
internal sealed class CallingThreadDispatcher(MessageDispatcherConfigurator configurator) : MessageDispatcher(configurator)
{
    protected override void ExecuteTask(IRunnable run) => run.Run();
    protected override void Shutdown() { }
}

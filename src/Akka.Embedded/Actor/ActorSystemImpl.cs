using System.Collections.Concurrent;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;
using Akka.Util;

namespace Akka.Actor.Internal;

/// <summary>Puts the parts of a system together, in the one order in which each finds what it needs.</summary>
public sealed class ActorSystemImpl : ExtendedActorSystem
{
    private readonly ConcurrentDictionary<Type, Lazy<object>> _extensions = new();
    private readonly TaskCompletionSource _whenTerminated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Stack<Action> _terminationCallbacks = new();
    private readonly Lock _serializationLock = new();
    private volatile Akka.Serialization.Serialization? _serialization;
    private Dispatchers? _dispatchers;
    private IScheduler? _scheduler;
    private long _uid;
    private int _loggers;
    private bool _terminated;

    public ActorSystemImpl(string name) : this(name, ConfigurationFactory.Empty) { }

    public ActorSystemImpl(string name, Config config)
    {
        if (!IsValidName(name))
            throw new ArgumentException(
                $"invalid ActorSystem name [{name}], must contain only word characters (i.e. [a-zA-Z0-9] plus non-leading '-' and '_')", nameof(name));
        Name = name;
        Settings = new Settings(this, config);
        IsSimulated = Settings.Config.GetString("akka.embedded.simulation") is { Length: > 0 };
        _uid = Settings.Config.GetLong("akka.embedded.uid-seed", Random.Shared.Next(1, int.MaxValue));
        EventStream = new EventStream(Settings.DebugEventStream);
        EventStream.StartStdoutLogger(Settings);
        Log = new BusLogging(EventStream, $"ActorSystem({name})", GetType(), DefaultLogMessageFormatter.Instance);
        Provider = ActorRefProviders.Create(Settings.ProviderClass, name, Settings, EventStream);
    }

    private static bool IsValidName(string name)
    {
        if (string.IsNullOrEmpty(name) || !char.IsAsciiLetterOrDigit(name[0]))
            return false;
        foreach (var c in name)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                return false;
        return true;
    }

    public override string Name { get; }
    public override Settings Settings { get; }
    public override EventStream EventStream { get; }
    public override ILoggingAdapter Log { get; }
    public override IActorRefProvider Provider { get; }

    // Made on first use by what Start runs: a provider may need them, or need to put something in place before.
    public override IScheduler Scheduler => _scheduler ??= TypeRegistry.Create<IScheduler>(Settings.SchedulerClass, Settings.Config, Log);
    public override Mailboxes Mailboxes => _mailboxes ??= new Mailboxes(this);
    private Mailboxes? _mailboxes;

    public override Dispatchers Dispatchers
        => _dispatchers ??= new Dispatchers(this, new DefaultDispatcherPrerequisites(EventStream, Scheduler, Settings, Mailboxes));

    public override Akka.Serialization.Serialization Serialization
        => _serialization ?? MakeSerialization();

    public override IActorRef DeadLetters => Provider.DeadLetters;
    public override IActorRef IgnoreRef => Provider.IgnoreRef;
    public override IInternalActorRef Guardian => Provider.Guardian;
    public override IInternalActorRef LookupRoot => Provider.RootGuardian;
    public override IInternalActorRef SystemGuardian => Provider.SystemGuardian;
    public override Task WhenTerminated => _whenTerminated.Task;

    /// <summary>Serializers as the configuration has them now; nothing to do for a system that made none yet.</summary>
    internal void ReloadSerialization()
    {
        lock (_serializationLock)
        {
            if (_serialization is not null)
                _serialization = new Akka.Serialization.Serialization(this);
        }
    }

    private Akka.Serialization.Serialization MakeSerialization()
    {
        lock (_serializationLock)
            return _serialization ??= new Akka.Serialization.Serialization(this);
    }

    internal AddressTerminatedTopic LostAddresses { get; } = new();

    /// <summary>One thread runs everything: nothing may wait for another actor.</summary>
    internal bool IsSimulated { get; }

    internal int NextLoggerNumber() => Interlocked.Increment(ref _loggers);

    /// <summary>Never zero, and unlikely to have been used by an earlier process.</summary>
    internal long NextUid()
    {
        var uid = Interlocked.Increment(ref _uid) & int.MaxValue;
        return uid == ActorCell.UndefinedUid ? NextUid() : uid;
    }

    public void Start()
    {
        try
        {
            _ = Dispatchers;
            StartTime = Scheduler.MonotonicClock;
            Provider.Init(this);
            _ = Provider.TerminationTask.ContinueWith(static (_, state) => ((ActorSystemImpl)state!).Finish(), this, CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously, InlineTaskScheduler.Instance);
            EventStream.StartDefaultLoggers(this);
            if (Settings.LogDeadLetters > 0)
                SystemActorOf(Props.Of(static () => new DeadLetterListener()), "deadLetterListener");
            foreach (var typeName in Settings.Config.GetStringList("akka.extensions"))
                RegisterExtension(TypeRegistry.Create<IExtensionId>(typeName));
            // Now, so that its process exit hook is in place.
            CoordinatedShutdown.Get(this);
            if (Settings.LogConfigOnStart)
                Log.Info(Settings.ToString());
        }
        catch
        {
            Abort();
            throw;
        }
    }

    private void Finish()
    {
        while (true)
        {
            Action callback;
            lock (_terminationCallbacks)
            {
                _terminated = true;
                if (!_terminationCallbacks.TryPop(out callback!))
                    break;
            }
            try
            {
                callback();
            }
            catch (Exception cause)
            {
                Log.Error(cause, "A termination callback failed");
            }
        }
        if (Scheduler is IDisposable scheduler)
            scheduler.Dispose();
        Dispatchers.Shutdown();
        _whenTerminated.TrySetResult();
    }

    public override void RegisterOnTermination(Action code)
    {
        lock (_terminationCallbacks)
        {
            if (_terminated)
                throw new InvalidOperationException("ActorSystem already terminated.");
            _terminationCallbacks.Push(code);
        }
    }

    public override Task Terminate()
    {
        if (Settings.CoordinatedShutdownRunByActorSystemTerminate)
            _ = CoordinatedShutdown.Get(this).Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance);
        else
            _ = FinalTerminate();
        return WhenTerminated;
    }

    internal Task FinalTerminate()
    {
        Provider.Guardian?.Stop();
        return WhenTerminated;
    }

    public override void Abort() => _ = FinalTerminate();

    public override IActorRef ActorOf(Props props, string? name = null) => Provider.Guardian.Cell.AttachChild(props, isSystemService: false, name);

    public override IActorRef SystemActorOf(Props props, string? name = null)
        => Provider.SystemGuardian.Cell.AttachChild(props, isSystemService: true, name);

    public override IActorRef SystemActorOf<TActor>(string? name = null) => SystemActorOf(Props.Create<TActor>(), name);

    public override ActorSelection ActorSelection(ActorPath actorPath) => ActorRefFactoryShared.ActorSelection(actorPath, this);

    public override ActorSelection ActorSelection(string actorPath) => ActorRefFactoryShared.ActorSelection(actorPath, this, Provider.RootGuardian);

    public override void Stop(IActorRef actor)
    {
        var path = actor.Path;
        var parent = path.Parent;
        if (parent.Equals(Provider.Guardian.Path))
            Provider.Guardian.Tell(new Akka.Dispatch.SysMsg.StopChild(actor), ActorRefs.NoSender);
        else if (parent.Equals(Provider.SystemGuardian.Path))
            Provider.SystemGuardian.Tell(new Akka.Dispatch.SysMsg.StopChild(actor), ActorRefs.NoSender);
        else
            ((IInternalActorRef)actor).Stop();
    }

    public override object RegisterExtension(IExtensionId extension)
    {
        var type = extension.ExtensionType;
        if (_extensions.TryGetValue(type, out var known))
            return known.Value;
        var created = _extensions.GetOrAdd(type, static (_, state) => new Lazy<object>(() => state.extension.CreateExtension(state.Item1)), (this, extension));
        try
        {
            return created.Value;
        }
        catch
        {
            _extensions.TryRemove(new KeyValuePair<Type, Lazy<object>>(type, created));
            throw;
        }
    }

    public override object GetExtension(IExtensionId extensionId)
        => TryGetExtension(extensionId.ExtensionType, out var extension)
            ? extension!
            : throw new InvalidOperationException($"Extension [{extensionId.ExtensionType}] is not registered with [{Name}]");

    public override T GetExtension<T>() => TryGetExtension<T>(out var extension) ? extension! : null!;

    public override bool HasExtension(Type type) => _extensions.ContainsKey(type);
    public override bool HasExtension<T>() => _extensions.ContainsKey(typeof(T));

    public override bool TryGetExtension(Type extensionType, out object? extension)
    {
        var found = _extensions.TryGetValue(extensionType, out var lazy);
        extension = lazy?.Value;
        return found;
    }

    public override bool TryGetExtension<T>(out T? extension) where T : class
    {
        var found = TryGetExtension(typeof(T), out var untyped);
        extension = (T?)untyped;
        return found;
    }

    public override string ToString() => LookupRoot.Path.Root.Address.ToString();
}

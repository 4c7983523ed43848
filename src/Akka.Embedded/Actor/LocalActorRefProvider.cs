using System.Collections.Concurrent;
using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor;

/// <summary>Makes providers by class name; the known ones without reflection.</summary>
internal static class ActorRefProviders
{
    private static readonly ConcurrentDictionary<string, Func<string, Settings, EventStream, IActorRefProvider>> Known = new(StringComparer.Ordinal)
    {
        ["Akka.Actor.LocalActorRefProvider"] = static (name, settings, events) => new LocalActorRefProvider(name, settings, events),
        ["Akka.Remote.RemoteActorRefProvider"] = static (name, settings, events) => new Akka.Remote.RemoteActorRefProvider(name, settings, events),
        ["Akka.Cluster.ClusterActorRefProvider"] = static (name, settings, events) => new Akka.Cluster.ClusterActorRefProvider(name, settings, events),
    };

    public static IActorRefProvider Create(string typeName, string systemName, Settings settings, EventStream eventStream)
        => Known.TryGetValue(typeName, out var make)
            ? make(systemName, settings, eventStream)
            : Akka.Util.TypeRegistry.Create<IActorRefProvider>(typeName, systemName, settings, eventStream);
}

public sealed class LocalActorRefProvider : IActorRefProvider
{
    private readonly EventStream _eventStream;
    private readonly ILoggingAdapter _log;
    private readonly ActorPath _tempNode;
    private readonly TaskCompletionSource<Status> _terminated = new();
    private readonly Dictionary<string, IInternalActorRef> _extraNames = new(StringComparer.Ordinal);
    private RootGuardianActorRef? _rootGuardian;
    private VirtualPathContainer? _tempContainer;
    private ActorSystemImpl? _system;
    private long _tempNames = -1;

    public LocalActorRefProvider(string systemName, Settings settings, EventStream eventStream)
        : this(systemName, settings, eventStream, deployer: null, deadLettersFactory: null) { }

    public LocalActorRefProvider(string systemName, Settings settings, EventStream eventStream, Deployer? deployer,
        Func<ActorPath, IInternalActorRef>? deadLettersFactory)
    {
        Settings = settings;
        _eventStream = eventStream;
        Deployer = deployer ?? new Deployer(settings);
        RootPath = new RootActorPath(new Address("akka", systemName));
        _tempNode = RootPath / "temp";
        _log = Logging.GetLogger(eventStream, "LocalActorRefProvider(" + RootPath.Address + ")");
        DeadLetters = deadLettersFactory?.Invoke(RootPath / "deadLetters") ?? new DeadLetterActorRef(this, RootPath / "deadLetters", eventStream);
        IgnoreRef = new IgnoreActorRef(this);
    }

    public Settings Settings { get; }
    public Deployer Deployer { get; }
    public ActorPath RootPath { get; }
    public EventStream EventStream => _eventStream;
    public ILoggingAdapter Log => _log;
    public IActorRef DeadLetters { get; }
    public IActorRef IgnoreRef { get; }
    public IInternalActorRef RootGuardian => _rootGuardian!;
    public LocalActorRef Guardian { get; private set; } = null!;
    public LocalActorRef SystemGuardian { get; private set; } = null!;
    public IInternalActorRef TempContainer => _tempContainer!;
    public Task TerminationTask => _terminated.Task;
    public Address DefaultAddress => RootPath.Address;

    public Akka.Serialization.Information SerializationInformation => field ??= new Akka.Serialization.Information(RootPath.Address, _system!);

    public void Init(ActorSystemImpl system)
    {
        _system = system;
        var dispatcher = system.Dispatchers.Lookup(Dispatchers.InternalDispatcherId);
        var mailbox = new UnboundedMailbox();
        var supervisor = new RootGuardianSupervisor(RootPath / "_Root-guardian-supervisor", this, _terminated, _log);

        _rootGuardian = new RootGuardianActorRef(system,
            Props.Of(static () => new GuardianActor()).WithSupervisorStrategy(StopOnFailure), dispatcher, mailbox, supervisor, RootPath,
            (IInternalActorRef)DeadLetters);
        _tempContainer = new VirtualPathContainer(this, _tempNode, _rootGuardian, _log);
        _rootGuardian.RegisterExtraName("temp", _tempContainer);
        foreach (var (name, extra) in _extraNames)
            _rootGuardian.RegisterExtraName(name, extra);
        _rootGuardian.Start();

        Guardian = MakeGuardian(system, Props.Of(static () => new GuardianActor()).WithSupervisorStrategy(UserStrategy()), "user", dispatcher, mailbox);
        var userGuardian = Guardian;
        SystemGuardian = MakeGuardian(system, Props.Of(() => new SystemGuardianActor(userGuardian)).WithSupervisorStrategy(RestartOnFailure), "system",
            dispatcher, mailbox);

        // Down goes /user, then /system, then the root.
        SystemGuardian.SendSystemMessage(new Watch(Guardian, SystemGuardian));
        _rootGuardian.SendSystemMessage(new Watch(SystemGuardian, _rootGuardian));
        _eventStream.Forget(DeadLetters);
    }

    private static readonly SupervisorStrategy StopOnFailure = new OneForOneStrategy(static _ => Directive.Stop);

    private static readonly SupervisorStrategy RestartOnFailure = new OneForOneStrategy(static cause => cause switch
    {
        ActorKilledException or ActorInitializationException => Directive.Stop,
        _ => Directive.Restart,
    });

    private SupervisorStrategy UserStrategy()
        => Akka.Util.TypeRegistry.Create<SupervisorStrategyConfigurator>(Settings.SupervisorStrategyClass).Create();

    private LocalActorRef MakeGuardian(ActorSystemImpl system, Props props, string name, MessageDispatcher dispatcher, MailboxType mailbox)
    {
        var cell = _rootGuardian!.Cell;
        cell.Children.Reserve(name, _rootGuardian);
        var guardian = new LocalActorRef(system, props, dispatcher, mailbox, _rootGuardian, RootPath / name);
        cell.Children.Add(name, new ChildRestartStats(guardian));
        guardian.Start();
        return guardian;
    }

    /// <summary>Another name below the root, for what is no actor. Also before <see cref="Init"/>.</summary>
    public void RegisterExtraName(string name, IInternalActorRef actor)
    {
        _extraNames[name] = actor;
        _rootGuardian?.RegisterExtraName(name, actor);
    }

    public IInternalActorRef ActorOf(ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path, bool systemService,
        Deploy? deploy, bool lookupDeploy, bool async)
    {
        if (lookupDeploy && Deployer.Lookup(path) is { } configured)
            props = props.WithDeploy(configured);
        if (deploy is not null)
            props = props.WithDeploy(deploy);
        if (props.Deploy.Scope is RemoteScope remote && !remote.Address.Equals(RootPath.Address))
            throw new ConfigurationException($"{path} is configured to be deployed on {remote.Address}: this engine deploys locally only.");
        var dispatcher = systemService && props.Deploy.Dispatcher == Deploy.NoDispatcherGiven
            ? system.Dispatchers.Lookup(Dispatchers.InternalDispatcherId)
            : system.Dispatchers.Lookup(props.Dispatcher);
        var mailbox = system.Mailboxes.GetMailboxType(props, dispatcher.Configurator.Config);
        return new LocalActorRef(system, props, dispatcher, mailbox, supervisor, path);
    }

    public IActorRef ResolveActorRef(string path)
        => ActorPath.TryParse(path, out var parsed) ? ResolveActorRef(parsed!) : DeadLetters;

    public IActorRef ResolveActorRef(ActorPath actorPath)
    {
        if (!actorPath.Address.Equals(RootPath.Address))
            return DeadLetters;
        if (actorPath.Depth == 0)
            return RootGuardian;
        var elements = actorPath.Elements;
        if (actorPath.Uid != ActorCell.UndefinedUid)
        {
            var withUid = elements.ToArray();
            withUid[^1] = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{withUid[^1]}#{actorPath.Uid}");
            elements = withUid;
        }
        var found = RootGuardian.GetChild(elements);
        return found.IsNobody() ? new EmptyLocalActorRef(this, actorPath, _eventStream) : found;
    }

    public IActorRef RootGuardianAt(Address address) => address.Equals(RootPath.Address) ? RootGuardian : DeadLetters;

    public ActorPath TempPath() => new ChildActorPath(_tempNode, TempNames.Next(ref _tempNames, '$'), ActorCell.UndefinedUid);

    public void RegisterTempActor(IInternalActorRef actorRef, ActorPath path) => _tempContainer!.AddChild(path.Name, actorRef);

    public void UnregisterTempActor(ActorPath path) => _tempContainer!.RemoveChild(path.Name);

    public FutureActorRef<T> CreateFutureRef<T>(TaskCompletionSource<T> tcs) => new(tcs, path: null, this);

    public Address? GetExternalAddressFor(Address address) => address.Equals(RootPath.Address) ? address : null;
}

/// <summary>/user, and the root.</summary>
internal sealed class GuardianActor : ActorBase, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    protected override bool Receive(object message)
    {
        switch (message)
        {
            case Terminated:
                Context.Stop(Self);
                break;
            case StopChild stop:
                Context.Stop(stop.Child);
                break;
            default:
                Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self), Sender);
                break;
        }
        return true;
    }

    // A guardian that fails keeps its children.
    protected override void PreStart() { }
}

/// <summary>/system: lets those who asked finish before it stops.</summary>
internal sealed class SystemGuardianActor(IActorRef userGuardian) : ActorBase, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
{
    private readonly HashSet<IActorRef> _hooks = [];
    private bool _terminating;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case Terminated terminated when terminated.ActorRef.Equals(userGuardian):
                _terminating = true;
                foreach (var hook in _hooks)
                    hook.Tell(TerminationHook.Instance);
                StopWhenAllHooksDone();
                break;
            case Terminated terminated:
                _hooks.Remove(terminated.ActorRef);
                if (_terminating)
                    StopWhenAllHooksDone();
                break;
            case RegisterTerminationHook when !Sender.Equals(Context.System.DeadLetters):
                _hooks.Add(Sender);
                Context.Watch(Sender);
                break;
            case TerminationHookDone:
                if (_hooks.Remove(Sender))
                    Context.Unwatch(Sender);
                if (_terminating)
                    StopWhenAllHooksDone();
                break;
            case StopChild stop:
                Context.Stop(stop.Child);
                break;
            default:
                Context.System.DeadLetters.Tell(new DeadLetter(message, Sender, Self), Sender);
                break;
        }
        return true;
    }

    private void StopWhenAllHooksDone()
    {
        if (_hooks.Count > 0)
            return;
        Context.System.EventStream.StopDefaultLoggers(Context.System);
        Context.Stop(Self);
    }

    // Its children outlive a restart.
    protected override void PreRestart(Exception reason, object message) { }
}

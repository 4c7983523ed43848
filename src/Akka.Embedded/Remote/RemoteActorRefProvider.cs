using System.Globalization;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Remote;

/// <summary>The local provider plus addresses: what is here is left to it, what is elsewhere becomes a <see cref="RemoteActorRef"/>.</summary>
public class RemoteActorRefProvider : IRemoteActorRefProvider
{
    private readonly LocalActorRefProvider _local;
    private Remoting? _remoting;
    private IActorRef? _remoteWatcher;
    private Akka.Serialization.Information? _information;

    public RemoteActorRefProvider(string systemName, Settings settings, EventStream eventStream)
    {
        settings.InjectTopLevelFallback(ConfigurationFactory.FromResource("remote.conf", typeof(RemoteActorRefProvider).Assembly));
        RemoteSettings = new RemoteSettings(settings.Config);
        _local = new LocalActorRefProvider(systemName, settings, eventStream);
    }

    public RemoteSettings RemoteSettings { get; }

    public RemoteTransport Transport => _remoting ?? throw new RemoteTransportException("Remoting has not been started.");

    public IActorRef RemoteWatcher => _remoteWatcher ?? _local.DeadLetters;

    public Address DefaultAddress => Transport.DefaultAddress;

    public Akka.Serialization.Information SerializationInformation => _information ?? _local.SerializationInformation;

    public IInternalActorRef RootGuardian => _local.RootGuardian;

    public LocalActorRef Guardian => _local.Guardian;

    public LocalActorRef SystemGuardian => _local.SystemGuardian;

    public IActorRef DeadLetters => _local.DeadLetters;

    public IActorRef IgnoreRef => _local.IgnoreRef;

    public ActorPath RootPath => _local.RootPath;

    public Settings Settings => _local.Settings;

    public Task TerminationTask => _local.TerminationTask;

    public IInternalActorRef TempContainer => _local.TempContainer;

    public Deployer Deployer => _local.Deployer;

    public virtual void Init(ActorSystemImpl system)
    {
        _local.Init(system);
        var remoting = new Remoting(system, this);
        remoting.Start();
        _remoting = remoting;
        _information = new Akka.Serialization.Information(remoting.LocalAddress, system);
        _remoteWatcher = CreateRemoteWatcher(system);
        system.SystemActorOf(Props.Create(() => new RemotingTerminator(remoting)), "remoting-terminator");
    }

    protected virtual IActorRef CreateRemoteWatcher(ActorSystemImpl system) => system.SystemActorOf(
        RemoteSettings.ConfigureDispatcher(Akka.Remote.RemoteWatcher.Props(
            CreateWatchDetectors(),
            RemoteSettings.WatchHeartBeatInterval,
            RemoteSettings.WatchUnreachableReaperInterval,
            RemoteSettings.WatchHeartbeatExpectedResponseAfter)),
        "remote-watcher");

    private protected DefaultFailureDetectorRegistry<Address> CreateWatchDetectors() => new(CreateWatchDetector);

    public IInternalActorRef ActorOf(
        ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path, bool systemService, Deploy? deploy, bool lookupDeploy, bool async)
    {
        if (props.Deploy.Scope is RemoteScope scope && HasAddress(scope.Address))
            props = props.WithDeploy(props.Deploy.WithScope(LocalScope.Instance));
        return _local.ActorOf(system, props, supervisor, path, systemService, deploy, lookupDeploy, async);
    }

    public bool HasAddress(Address address) => address.Equals(_local.RootPath.Address) || (_remoting is { } remoting && address.Equals(remoting.LocalAddress));

    public IActorRef ResolveActorRef(string path)
        => ActorPath.TryParse(path, out var parsed) ? ResolveActorRef(parsed!) : _local.ResolveActorRef(path);

    public IActorRef ResolveActorRef(ActorPath actorPath)
    {
        if (HasAddress(actorPath.Address))
            return ResolveHere(actorPath);
        try
        {
            return new RemoteActorRef(Transport, Transport.LocalAddressForRemote(actorPath.Address), actorPath, Nobody.Instance);
        }
        catch (RemoteTransportException e)
        {
            Transport.Log.Warning("[{0}] can't be reached: {1}", actorPath, e.Message);
            return new EmptyLocalActorRef(this, actorPath, _local.EventStream);
        }
    }

    private IActorRef ResolveHere(ActorPath path)
    {
        if (path.Depth == 0)
            return RootGuardian;
        var elements = path.Elements;
        if (path.Uid != ActorCell.UndefinedUid)
        {
            var withUid = elements.ToArray();
            withUid[^1] = string.Create(CultureInfo.InvariantCulture, $"{withUid[^1]}#{path.Uid}");
            elements = withUid;
        }

        var found = RootGuardian.GetChild(elements);
        return found.IsNobody() ? new EmptyLocalActorRef(this, path, _local.EventStream) : found;
    }

    public IActorRef RootGuardianAt(Address address) => HasAddress(address)
        ? RootGuardian
        : new RemoteActorRef(Transport, Transport.LocalAddressForRemote(address), new RootActorPath(address), Nobody.Instance);

    public Address? GetExternalAddressFor(Address address)
    {
        if (HasAddress(address))
            return _local.RootPath.Address;
        if (address.HasLocalScope || address.Port is null || address.Protocol != DefaultAddress.Protocol)
            return null;
        return DefaultAddress;
    }

    public void Quarantine(Address address, int? uid) => Transport.Quarantine(address, uid);

    public ActorPath TempPath() => _local.TempPath();

    public void RegisterTempActor(IInternalActorRef actorRef, ActorPath path) => _local.RegisterTempActor(actorRef, path);

    public void UnregisterTempActor(ActorPath path) => _local.UnregisterTempActor(path);

    public FutureActorRef<T> CreateFutureRef<T>(TaskCompletionSource<T> tcs) => _local.CreateFutureRef(tcs);

    private FailureDetector CreateWatchDetector()
    {
        var config = RemoteSettings.WatchFailureDetectorConfig;
        return new PhiAccrualFailureDetector(
            config.GetDouble("threshold"),
            config.GetInt("max-sample-size"),
            config.GetTimeSpan("min-std-deviation", null, allowInfinite: false),
            config.GetTimeSpan("acceptable-heartbeat-pause", null, allowInfinite: false),
            RemoteSettings.WatchHeartBeatInterval,
            _remoting!.Clock);
    }
}

/// <summary>Closes remoting when the system stops: after the user's actors, whose last words must still go out.</summary>
internal sealed class RemotingTerminator : UntypedActor
{
    private sealed class Closed
    {
        public static readonly Closed Instance = new();
    }

    private readonly Remoting _remoting;

    public RemotingTerminator(Remoting remoting) => _remoting = remoting;

    protected override void PreStart() => SystemGuardian.Tell(RegisterTerminationHook.Instance);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case TerminationHook:
                _ = _remoting.Shutdown().WaitAsync(_remoting.Settings.ShutdownTimeout).PipeTo(Self, success: static () => Closed.Instance, failure: static _ => Closed.Instance);
                break;
            case Closed:
                SystemGuardian.Tell(TerminationHookDone.Instance);
                Context.Stop(Self);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private static IActorRef SystemGuardian => ((ExtendedActorSystem)Context.System).Provider.SystemGuardian;
}

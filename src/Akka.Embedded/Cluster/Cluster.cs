using System.Collections.Immutable;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace Akka.Cluster;

public class ClusterExtension : ExtensionIdProvider<Cluster>
{
    public override Cluster CreateExtension(ExtendedActorSystem system) => new((ActorSystemImpl)system);
}

/// <summary>A join did not succeed before its token was cancelled, or came after the end.</summary>
public class ClusterJoinFailedException(string message) : AkkaException(message);

/// <summary>This node's part in its cluster. Everything is asynchronous; what it says is what this node believes.</summary>
public class Cluster : IExtension
{
    private readonly ClusterEvent.CurrentClusterState _nothing = new();
    private readonly IActorRef _daemon;
    private readonly ILoggingAdapter _log;
    private readonly Lock _callbacks = new();
    private readonly List<Action> _onUp = [];
    private readonly List<Action> _onRemoved = [];
    private View _view;
    private int _terminated;

    private sealed record View(ClusterEvent.CurrentClusterState State, Member Self);

    public Cluster(ActorSystemImpl system)
    {
        if (system.Provider is not IClusterActorRefProvider provider)
            throw new ConfigurationException(
                $"ActorSystem [{system}] needs to have a 'ClusterActorRefProvider' enabled in the configuration, currently uses [{system.Provider.GetType().FullName}]: set akka.actor.provider = cluster");
        System = system;
        Settings = new ClusterSettings(system.Settings.Config, system.Name);
        SelfUniqueAddress = new UniqueAddress(provider.Transport.DefaultAddress, AddressUidExtension.Uid(system));
        _log = Logging.GetLogger(system, "Cluster");
        _view = new View(_nothing, Member.Removed(SelfUniqueAddress, Settings.Roles));
        FailureDetector = new DefaultFailureDetectorRegistry<Address>(FailureDetectors.Factory(Settings, system.Scheduler));
        DowningProvider = DowningProviders.Load(system, this);
        _daemon = system.SystemActorOf(Props.Of(() => new ClusterDaemon(this)).WithDispatcher(Settings.UseDispatcher), "cluster");
        Log("Started up successfully");
    }

    public ExtendedActorSystem System { get; }

    public ClusterSettings Settings { get; }

    public UniqueAddress SelfUniqueAddress { get; }

    public Address SelfAddress => SelfUniqueAddress.Address;

    public ImmutableHashSet<string> SelfRoles => Settings.Roles;

    public IDowningProvider DowningProvider { get; }

    public DefaultFailureDetectorRegistry<Address> FailureDetector { get; }

    /// <summary>This node has left, or was downed, for good: only another actor system can join again.</summary>
    public bool IsTerminated => Volatile.Read(ref _terminated) != 0;

    public ClusterEvent.CurrentClusterState State => Volatile.Read(ref _view).State;

    /// <summary>Status Removed before this node has joined.</summary>
    public Member SelfMember => Volatile.Read(ref _view).Self;

    public bool IsUp => SelfMember.Status is MemberStatus.Up or MemberStatus.WeaklyUp;

    public static Cluster Get(ActorSystem system) => new ClusterExtension().Apply(system);

    /// <summary>First a snapshot, then what changes.</summary>
    /// <param name="to">event types; all that derive from them count</param>
    public void Subscribe(IActorRef subscriber, params Type[] to) => Subscribe(subscriber, ClusterEvent.InitialStateAsSnapshot, to);

    public void Subscribe(IActorRef subscriber, ClusterEvent.SubscriptionInitialStateMode initialStateMode, params Type[] to)
    {
        if (to.Length == 0)
            throw new ArgumentException("At least one IClusterDomainEvent class is required", nameof(to));
        foreach (var type in to)
            if (!typeof(ClusterEvent.IClusterDomainEvent).IsAssignableFrom(type))
                throw new ArgumentException($"Subscribe to IClusterDomainEvent or subclasses, was [{type}]", nameof(to));
        _daemon.Tell(new ClusterProtocol.Subscribe(subscriber, initialStateMode, [.. to]), ActorRefs.NoSender);
    }

    public void Unsubscribe(IActorRef subscriber) => _daemon.Tell(new ClusterProtocol.Unsubscribe(subscriber, To: null), ActorRefs.NoSender);

    public void Unsubscribe(IActorRef subscriber, Type to) => _daemon.Tell(new ClusterProtocol.Unsubscribe(subscriber, to), ActorRefs.NoSender);

    public void SendCurrentClusterState(IActorRef receiver) => _daemon.Tell(new ClusterProtocol.SendCurrentState(receiver), ActorRefs.NoSender);

    /// <summary>Joins the cluster of that node; its own address forms a new one.</summary>
    public void Join(Address address) => _daemon.Tell(new ClusterProtocol.JoinTo(FillLocal(address)), ActorRefs.NoSender);

    /// <summary>Completes when this node is up.</summary>
    public Task JoinAsync(Address address, CancellationToken token = default) => WhenUp(() => Join(address), address.ToString(), token);

    /// <summary>Asks all of them for the way in. Only the first forms a new cluster, when none of the others is in one.</summary>
    public void JoinSeedNodes(IEnumerable<Address> seedNodes)
        => _daemon.Tell(new ClusterProtocol.JoinSeedNodes([.. seedNodes.Select(FillLocal)]), ActorRefs.NoSender);

    public Task JoinSeedNodesAsync(IEnumerable<Address> seedNodes, CancellationToken token = default)
    {
        var nodes = seedNodes.ToArray();
        return WhenUp(() => JoinSeedNodes(nodes), string.Join<Address>(", ", nodes), token);
    }

    public void Leave(Address address) => _daemon.Tell(new ClusterProtocol.Leave(FillLocal(address)), ActorRefs.NoSender);

    /// <summary>Completes when this node has left.</summary>
    public Task LeaveAsync() => LeaveAsync(CancellationToken.None);

    public Task LeaveAsync(CancellationToken cancellationToken)
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        RegisterOnMemberRemoved(() => left.TrySetResult());
        if (!IsTerminated)
            Leave(SelfAddress);
        return left.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Declares a member lost. Can't be taken back: that node must restart its actor system.</summary>
    public void Down(Address address) => _daemon.Tell(new ClusterProtocol.Down(FillLocal(address)), ActorRefs.NoSender);

    /// <summary>Runs at once when this node is up already.</summary>
    public void RegisterOnMemberUp(Action callback) => RegisterOr(_onUp, callback, () => SelfMember.Status == MemberStatus.Up);

    /// <summary>Runs at once when this node's part has ended already, and also if it ends without ever having joined.</summary>
    public void RegisterOnMemberRemoved(Action callback) => RegisterOr(_onRemoved, callback, () => IsTerminated);

    /// <summary>The path by which other members find that actor.</summary>
    public ActorPath RemotePathOf(IActorRef actorRef)
        => actorRef.Path.Address.HasGlobalScope ? actorRef.Path : ActorPath.Parse(actorRef.Path.ToSerializationFormatWithAddress(SelfAddress));

    /// <summary>Called by the publisher before the events go out: who gets an event finds at least its state here.</summary>
    internal void SetView(MembershipState state)
    {
        Volatile.Write(ref _view, new View(EventDiff.Snapshot(state), state.SelfMember ?? Member.Removed(SelfUniqueAddress, Settings.Roles)));
        if (state.SelfStatus == MemberStatus.Up)
            Run(_onUp);
    }

    /// <summary>Ends this node's part in the cluster; the actor system goes on.</summary>
    internal void Shutdown()
    {
        if (Interlocked.Exchange(ref _terminated, 1) != 0)
            return;
        Log("Shutting down...");
        System.Stop(_daemon);
    }

    /// <summary>The daemon has ended: by <see cref="Shutdown"/>, or with the actor system.</summary>
    internal void OnDaemonStopped()
    {
        Volatile.Write(ref _terminated, 1);
        Run(_onRemoved);
    }

    internal void Log(string message)
    {
        if (Settings.LogInfo)
            _log.Info("Cluster Node [{0}] - {1}", SelfAddress, message);
    }

    private void RegisterOr(List<Action> callbacks, Action callback, Func<bool> runNow)
    {
        lock (_callbacks)
            if (!runNow())
            {
                callbacks.Add(callback);
                return;
            }

        callback();
    }

    private void Run(List<Action> callbacks)
    {
        Action[] due;
        lock (_callbacks)
        {
            due = [.. callbacks];
            callbacks.Clear();
        }

        foreach (var callback in due)
            try
            {
                callback();
            }
            catch (Exception e)
            {
                // The user's code, not the cluster's: the others must still run.
                _log.Error(e, "A callback for a change of this member's status failed");
            }
    }

    private Task WhenUp(Action join, string with, CancellationToken token)
    {
        if (IsTerminated)
            throw new ClusterJoinFailedException("Cluster has already been terminated");
        if (IsUp)
            return Task.CompletedTask;
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = token.Register(() => up.TrySetException(new ClusterJoinFailedException($"Node has not managed to join the cluster using provided address: {with}")));
        RegisterOnMemberUp(() =>
        {
            cancelled.Dispose();
            up.TrySetResult();
        });
        join();
        return up.Task;
    }

    // An address taken from a local reference.
    private Address FillLocal(Address address) => address.HasLocalScope && address.System == SelfAddress.System ? SelfAddress : address;
}

internal static class FailureDetectors
{
    public static Func<FailureDetector> Factory(ClusterSettings settings, IScheduler scheduler)
    {
        var config = settings.FailureDetectorConfig;
        var pause = ClusterSettings.Time(config, "acceptable-heartbeat-pause");
        Clock clock = () => (long)scheduler.MonotonicClock.TotalMilliseconds;
        switch (settings.FailureDetectorImplementationClass.Split(',')[0].Trim())
        {
            case "Akka.Remote.PhiAccrualFailureDetector":
                var threshold = config.GetDouble("threshold");
                var samples = config.GetInt("max-sample-size");
                var deviation = ClusterSettings.Time(config, "min-std-deviation");
                return () => new PhiAccrualFailureDetector(threshold, samples, deviation, pause, settings.HeartbeatInterval, clock);
            case "Akka.Remote.DeadlineFailureDetector":
                return () => new DeadlineFailureDetector(pause, settings.HeartbeatInterval, clock);
            case var other:
                throw new ConfigurationException($"akka.cluster.failure-detector.implementation-class: [{other}] is not one of the embedded engine's");
        }
    }
}

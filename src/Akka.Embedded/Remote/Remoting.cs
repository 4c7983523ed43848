using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;
using Akka.Remote.Transport;

namespace Akka.Remote;

/// <summary>
/// The remoting of one system: its listener, its associations by address, and the services that links need (time, threads, log).
/// </summary>
internal sealed class Remoting : RemoteTransport
{
    private static readonly TimeSpan PruneInterval = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Address, Association> _associations = new();
    private readonly MessageDispatcher _dispatcher;
    private readonly LogLevel? _lifecycleLevel;
    private HashSet<Address> _addresses = [];
    private Address? _address;
    private ICancelable? _prune;
    private int _stopping;

    public Remoting(ExtendedActorSystem system, RemoteActorRefProvider provider)
        : base(system, provider)
    {
        Settings = provider.RemoteSettings;
        var tcp = TcpSettings.Create(system.Settings.Config.GetConfig(TcpSettings.Path));
        MaximumFrameBytes = tcp.MaximumFrameBytes;
        Transport = RemoteTransports.Of(system) ?? new TcpTransport(tcp, Log);
        Uid = AddressUidExtension.Uid(system);
        Clock = () => (long)Now.TotalMilliseconds;
        _dispatcher = Settings.Dispatcher.Length == 0 ? system.Dispatchers.DefaultGlobalDispatcher : system.Dispatchers.Lookup(Settings.Dispatcher);
        _lifecycleLevel = Settings.RemoteLifecycleEventsLogLevel == "OFF" ? null : Logging.LogLevelFor(Settings.RemoteLifecycleEventsLogLevel);
    }

    public RemoteSettings Settings { get; }

    public ITransport Transport { get; }

    /// <summary>This incarnation of this system.</summary>
    public int Uid { get; }

    public int MaximumFrameBytes { get; }

    public Clock Clock { get; }

    public TimeSpan Now => System.Scheduler.MonotonicClock;

    public Address LocalAddress => _address ?? throw new RemoteTransportException("Remoting has not been started.");

    public override Address DefaultAddress => LocalAddress;

    public override ISet<Address> Addresses => _addresses;

    public override void Start()
    {
        Task<Address> listening;
        try
        {
            listening = Transport.Listen(System.Name);
            if (!listening.Wait(Settings.StartupTimeout))
                throw new RemoteTransportException($"Remoting did not start within akka.remote.startup-timeout = {Settings.StartupTimeout.TotalSeconds} s.");
        }
        catch (AggregateException e)
        {
            Publish(new RemotingErrorEvent(e.InnerException!));
            global::System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(e.InnerException!).Throw();
            throw;
        }

        _address = listening.Result;
        _addresses = [_address];
        Transport.Accept(connection => new Link(this, connection, association: null).Start());
        _prune = ScheduleRepeatedly(PruneInterval, Prune);
        Log.Info("Remoting started; listening on addresses : [{0}]", _address);
        Publish(new RemotingListenEvent([_address]));
    }

    public override async Task Shutdown()
    {
        if (Interlocked.Exchange(ref _stopping, 1) != 0)
            return;
        _prune?.Cancel();
        var closing = new List<Task>();
        foreach (var association in _associations.Values)
            closing.Add(association.Close());
        if (closing.Count > 0)
        {
            var expired = new TaskCompletionSource();
            var timer = Schedule(Settings.FlushWait, () => expired.TrySetResult());
            await Task.WhenAny(Task.WhenAll(closing), expired.Task);
            timer.Cancel();
            if (expired.Task.IsCompleted)
                Log.Warning("Some messages may be lost: sending them took longer than akka.remote.flush-wait-on-shutdown = {0} s.", Settings.FlushWait.TotalSeconds);
        }

        await Transport.Shutdown();
        Publish(new RemotingShutdownEvent());
    }

    public override void Send(object message, IActorRef? sender, RemoteActorRef recipient)
    {
        var association = recipient.Association;
        if (association is null || association.IsRemoved)
            recipient.Association = association = AssociationFor(recipient.Path.Address);
        association.Send(new Outbound(message, sender, recipient));
    }

    public override Address LocalAddressForRemote(Address remote) => remote.Protocol == Transport.Protocol
        ? LocalAddress
        : throw new RemoteTransportException($"No transport is loaded for protocol [{remote.Protocol}] of [{remote}]; this system speaks [{Transport.Protocol}].");

    public override void Quarantine(Address address, int? uid) => AssociationFor(address).Quarantine(uid, "this system has given it up");

    public Association AssociationFor(Address remote)
    {
        while (true)
        {
            var association = _associations.GetOrAdd(remote, static (address, remoting) => new Association(remoting, address), this);
            if (!association.IsRemoved)
                return association;
            _associations.TryRemove(KeyValuePair.Create(remote, association));
        }
    }

    public InboundDispatcher CreateDispatcher() => new(System, Provider, Settings, Log);

    public MessageWriter CreateWriter() => new(System, Settings, LocalAddress, MaximumFrameBytes, Log);

    public void Execute(IRunnable work) => _dispatcher.Schedule(work);

    public ICancelable Schedule(TimeSpan delay, Action action)
    {
        var cancelable = new Cancelable(System.Scheduler);
        Try(() => System.Scheduler.Advanced.ScheduleOnce(delay < TimeSpan.Zero ? TimeSpan.Zero : delay, action, cancelable));
        return cancelable;
    }

    public ICancelable ScheduleRepeatedly(TimeSpan interval, Action action)
    {
        var cancelable = new Cancelable(System.Scheduler);
        Try(() => System.Scheduler.Advanced.ScheduleRepeatedly(interval, interval, action, cancelable));
        return cancelable;
    }

    /// <summary>A system that has ended has no timers any more, and connections that end after it need none.</summary>
    private static void Try(Action schedule)
    {
        try
        {
            schedule();
        }
        catch (SchedulerException)
        {
            // Too late for anything to happen later.
        }
    }

    public void Publish(RemotingLifecycleEvent e)
    {
        System.EventStream.Publish(e);
        if (_lifecycleLevel is { } level && e.LogLevel() >= level)
            Log.Log(e.LogLevel(), "{0}", e);
    }

    /// <summary>A message that will not reach its recipient.</summary>
    public void DeadLetter(in Outbound outbound)
    {
        var sender = outbound.Sender ?? System.DeadLetters;
        if (outbound.Message is IDeadLetterSuppression suppressed)
            System.EventStream.Publish(new SuppressedDeadLetter(suppressed, sender, outbound.Recipient));
        else
            System.EventStream.Publish(new DeadLetter(outbound.Message, sender, outbound.Recipient));
    }

    private void Prune()
    {
        foreach (var (address, association) in _associations)
            if (association.Prune(Now))
                _associations.TryRemove(KeyValuePair.Create(address, association));
    }
}

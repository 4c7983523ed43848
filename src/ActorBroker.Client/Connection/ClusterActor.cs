using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace ActorBroker.Client;

/// <summary>Performs <see cref="ClusterCore"/>'s effects: one for each producer, consumer and admin, which is its parent.</summary>
internal sealed class ClusterActor : UntypedActor, IWithTimers
{
    private const string EndpointPath = "user/actorbroker";

    private readonly ClientSettings _settings;
    private readonly FrameBudget _frame;
    private readonly ClusterCore _core;
    private readonly IActorRef _owner;
    private readonly Func<TimeSpan>? _clock;
    private readonly List<ClusterEffect> _effects = [];
    private readonly Dictionary<NodeAddress, IActorRef> _endpoints = [];
    private readonly Dictionary<string, NodeAddress> _probed = new(StringComparer.Ordinal);
    private readonly Dictionary<long, (IActorRef Asker, long Token)> _askers = [];
    private Wakeup _wakeup = null!;
    private long _lastToken;
    private bool _reportedUnreachable;

    public ClusterActor(ClientSettings settings, int seed, IActorRef owner, Func<TimeSpan>? clock)
    {
        _settings = settings;
        _owner = owner;
        _clock = clock;
        _frame = SystemFrame.Of(Context.System);
        _core = new ClusterCore(
            settings, BootstrapAddresses.Expand(settings.Bootstrap), Context.System.Name, SystemFrame.HasRemoting(Context.System), new Random(seed));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private ILoggingAdapter Log { get; } = Context.GetLogger();

    public static Props Props(ClientSettings settings, int seed, IActorRef owner, Func<TimeSpan>? clock = null) =>
        Akka.Actor.Props.Create(() => new ClusterActor(settings, seed, owner, clock));

    protected override void PreStart()
    {
        ApiMessages.Register(Context.System);
        _wakeup = new Wakeup(Timers, Context.System, _clock);
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
        Context.System.EventStream.Subscribe(Self, typeof(AssociationErrorEvent));
        _core.Start(_wakeup.Now, _effects);
        Perform();
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        foreach (var endpoint in _endpoints.Values)
            endpoint.Tell(ApiGoodbye.Instance, Self);
    }

    protected override void OnReceive(object message)
    {
        var now = _wakeup.Now;
        switch (message)
        {
            case ApiResponse response:
                _core.OnResponse(response.CorrelationId, response.Body, now, _effects);
                break;
            case ApiRejected rejected:
                _core.OnRejected(rejected.CorrelationId, rejected.ErrorCode, rejected.Message, now, _effects);
                break;
            case ClusterProtocol.Submit submit:
                _askers.Add(++_lastToken, (Sender, submit.Token));
                _core.OnSubmit(submit with { Token = _lastToken }, now, _effects);
                break;
            case ClusterProtocol.WantTopics want:
                _core.OnWantTopics(want.Topics, now, _effects);
                break;
            case ClusterProtocol.WantAllTopics:
                _core.OnWantAllTopics(now, _effects);
                break;
            case ClusterProtocol.ForgetTopic forget:
                _core.OnForgetTopic(forget.Topic);
                break;
            case ClusterProtocol.Refresh:
                _core.OnRefresh(now, _effects);
                break;
            case Wakeup.Fired:
                _wakeup.OnFired();
                _core.OnTick(now, _effects);
                break;
            case Named named:
                _core.OnNamed(named.Address, named.Name, now, _effects);
                break;
            default:
                OnNetwork(message, now);
                break;
        }

        Perform();
    }

    private void OnNetwork(object message, TimeSpan now)
    {
        switch (message)
        {
            case ActorIdentity identity when identity.MessageId is string id && _probed.TryGetValue(id, out var address):
                OnIdentity(address, identity.Subject, now);
                break;
            case ApiGoodbye:
                OnStopped(Sender, now);
                break;
            case Terminated terminated:
                OnStopped(terminated.ActorRef, now);
                break;
            case AssociationErrorEvent error:
                OnConnectionLost(error.RemoteAddress, (error.Cause.InnerException ?? error.Cause).Message, now);
                break;
            case DisassociatedEvent gone:
                OnConnectionLost(gone.RemoteAddress, null, now);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OnIdentity(NodeAddress address, IActorRef? endpoint, TimeSpan now)
    {
        if (endpoint is not null && !_endpoints.ContainsKey(address))
        {
            _endpoints.Add(address, endpoint);
            // A broker elsewhere says goodbye; a watch would quarantine it once it, or we, had been paused for a while.
            if (address.IsLocal)
                Context.Watch(endpoint);
        }

        _core.OnProbeAnswered(address, endpoint is not null, now, _effects);
    }

    private void OnStopped(IActorRef endpoint, TimeSpan now)
    {
        foreach (var (address, known) in _endpoints)
        {
            if (!known.Equals(endpoint))
                continue;
            _core.OnLost(address, "its endpoint stopped", now, _effects);
            return;
        }
    }

    private void OnConnectionLost(Address remote, string? reason, TimeSpan now)
    {
        if (remote.Host is { } host)
            _core.OnLost(new NodeAddress(remote.System, host, remote.Port ?? 0), reason, now, _effects);
    }

    private void Perform()
    {
        foreach (var effect in _effects)
            Perform(effect);
        _effects.Clear();
        _wakeup.Arm(_core.NextWakeup);
    }

    private void Perform(ClusterEffect effect)
    {
        switch (effect)
        {
            case ClusterEffect.Send send:
                _endpoints[send.Address].Tell(new ApiRequest(send.Correlation, _settings.ClientId, _frame.ResponseBytes, send.Request), Self);
                break;
            case ClusterEffect.Complete complete:
                if (_askers.Remove(complete.Token, out var asker))
                    asker.Asker.Tell(new ClusterProtocol.Completed(asker.Token, complete.Response, complete.Failure, complete.Error, complete.Message), Self);
                break;
            case ClusterEffect.Publish publish:
                Publish(publish.Image);
                break;
            case ClusterEffect.Probe probe:
                Probe(probe.Address);
                break;
            case ClusterEffect.AskName ask:
                AskName(ask.Address);
                break;
            case ClusterEffect.Release release:
                if (_endpoints.Remove(release.Address, out var endpoint))
                    Context.Unwatch(endpoint);
                break;
            case ClusterEffect.ReportUnreachable report:
                ReportUnreachable(report.Message);
                break;
        }
    }

    private void Probe(NodeAddress address)
    {
        var id = address.ToString();
        _probed[id] = address;
        Context.ActorSelection(PathOf(address)).Tell(new Identify(id), Self);
    }

    private void AskName(NodeAddress address)
    {
        if (address.Host is not { } host)
            return;
        var patience = new CancellationTokenSource(_settings.BootstrapTimeout / 2);
        _ = NodeProbe.AskAddressAsync(host.Trim('[', ']'), address.Port, patience.Token).PipeTo(
            Self, Self, name => new Named(address, name is null ? null : new NodeAddress(name.System, name.Host, name.Port ?? 0)));
    }

    private sealed record Named(NodeAddress Address, NodeAddress? Name);

    private static string PathOf(NodeAddress address) => address.IsLocal
        ? $"/{EndpointPath}"
        : $"{new Address(BrokerAddress.DefaultProtocol, address.System!, address.Host, address.Port)}/{EndpointPath}";

    private void Publish(ClusterImage image)
    {
        if (_reportedUnreachable)
            Log.Info("The cluster {0} is reachable again.", image.ClusterId);
        _reportedUnreachable = false;
        _owner.Tell(new ClusterProtocol.Updated(image), Self);
    }

    private void ReportUnreachable(string message)
    {
        if (!_reportedUnreachable)
            Log.Warning("The cluster is unreachable: {0}.", message);
        _reportedUnreachable = true;
        _owner.Tell(new ClusterProtocol.Unreachable(message), Self);
    }
}

using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// A client's connection to the cluster: finds brokers, keeps metadata fresh, routes requests and bounds their time.
/// <code>
/// endpoint   idle --needed--> probing --answered--> ready --lost or request timed out--> idle
/// metadata   fresh --age, error, new topic--> due --a ready endpoint--> asked --answer--> fresh
///                                             due --none ready--> seeking: every known address and every bootstrap
///                                             address is probed until one answers; bootstrap.timeout.ms without one
///                                             is reported, and seeking goes on
///            fresh --a leader is lost, slow or unknown--> doubted: brokers are asked in turn, again and again, until
///                                             one names a leader that can be reached
/// </code>
/// Invariants: every submitted token is completed exactly once; requests to one broker leave in the order submitted; a
/// request is out at one endpoint at most; a leader is never replaced by one of an older epoch.
/// Left to others: sending, watching and clocks (the actor), retries (the owners).
/// </summary>
internal sealed partial class ClusterCore
{
    private readonly ClientSettings _settings;
    private readonly IReadOnlyList<BootstrapEntry> _bootstrap;
    private readonly string _ownSystem;
    private readonly bool _remoting;
    private readonly Backoff _backoff;
    private readonly Backoff _doubtBackoff;
    private readonly Dictionary<NodeAddress, Endpoint> _endpoints = [];
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal);
    private readonly List<(PendingRequest Request, RequestTarget Target)> _unrouted = [];
    private ClusterImage _image = ClusterImage.Empty;
    private bool _wantsAll;
    private int _lastCorrelation;
    private int? _metadataInFlight;
    private TimeSpan _hedgeAt = TimeSpan.MaxValue;
    private TimeSpan _refreshAgain = TimeSpan.MaxValue;
    private bool _started;
    private int _fruitlessRefreshes;
    private TimeSpan _refreshAt;
    private TimeSpan _lastAsked = TimeSpan.MinValue;
    private TimeSpan? _seekingSince;
    private bool _askedNames;

    /// <param name="settings">Timeouts and back-off.</param>
    /// <param name="bootstrap">Where to look for a first broker.</param>
    /// <param name="ownSystem">The name of the client's ActorSystem, for brokers found in it.</param>
    /// <param name="remoting">False if only the own ActorSystem can be reached.</param>
    /// <param name="random">For jitter.</param>
    public ClusterCore(ClientSettings settings, IReadOnlyList<BootstrapEntry> bootstrap, string ownSystem, bool remoting, Random random)
    {
        _settings = settings;
        _bootstrap = bootstrap;
        _ownSystem = ownSystem;
        _remoting = remoting;
        _backoff = new Backoff(settings.RetryBackoff, settings.RetryBackoffMax, random);
        _doubtBackoff = new Backoff(settings.RetryBackoff / 2, Longer(settings.RetryBackoff, settings.RetryBackoffMax / 4), random);
    }

    public ClusterImage Image => _image;

    /// <summary>When <see cref="OnTick"/> is next needed.</summary>
    public TimeSpan NextWakeup
    {
        get
        {
            var next = _metadataInFlight is null ? _refreshAt : _hedgeAt;
            foreach (var (request, _) in _unrouted)
                next = Earlier(next, request.Deadline);
            foreach (var endpoint in _endpoints.Values)
            {
                next = Earlier(next, endpoint.NextDeadline);
                if (!endpoint.IsSlow)
                    next = Earlier(next, endpoint.SlowAt);
            }

            foreach (var entry in _bootstrap)
            {
                if (_seekingSince is not null && entry.IsAmbiguous)
                    next = Earlier(next, entry.NextTry);
            }

            return _seekingSince is { } since ? Earlier(next, since + (_askedNames ? 1 : 0.5) * _settings.BootstrapTimeout) : next;
        }
    }

    public void Start(TimeSpan now, List<ClusterEffect> effects)
    {
        _started = true;
        _refreshAt = now;
        Advance(now, effects);
    }

    public void OnSubmit(ClusterProtocol.Submit submit, TimeSpan now, List<ClusterEffect> effects)
    {
        var deadline = now + submit.Timeout;
        // A request that gives itself longer than others knows why: a fetch waits for records.
        var wait = Longer(submit.Timeout - _settings.RequestTimeout, TimeSpan.Zero);
        var pending = new PendingRequest(
            ++_lastCorrelation, submit.Token, submit.Request, deadline, Earlier(deadline, now + _settings.RetryBackoffMax),
            now + wait + SuspectAfter, submit.Answered);
        Route(pending, submit.Target, now, effects);
    }

    public void OnWantTopics(IReadOnlyCollection<string> topics, TimeSpan now, List<ClusterEffect> effects)
    {
        var added = false;
        foreach (var topic in topics)
            added |= _topics.Add(topic);
        if (!added)
            return;
        _fruitlessRefreshes = 0;
        RefreshNoLaterThan(now);
        Advance(now, effects);
    }

    public void OnWantAllTopics(TimeSpan now, List<ClusterEffect> effects)
    {
        if (_wantsAll)
            return;
        _wantsAll = true;
        RefreshNoLaterThan(now);
        Advance(now, effects);
    }

    public void OnForgetTopic(string topic) => _topics.Remove(topic);

    public void OnRefresh(TimeSpan now, List<ClusterEffect> effects)
    {
        _isDoubted = true;
        RefreshSoon(now);
        Advance(now, effects);
    }

    /// <param name="found">False if an ActorSystem answered that has no broker.</param>
    public void OnProbeAnswered(NodeAddress address, bool found, TimeSpan now, List<ClusterEffect> effects)
    {
        if (!_endpoints.TryGetValue(address, out var endpoint) || endpoint.IsReady)
            return;
        endpoint.AnsweredWithoutBroker = !found;
        if (!found)
            return;
        endpoint.BecomeReady();
        if (_seekingSince is not null)
            _refreshAt = now;
        var waiting = endpoint.Waiting.ToArray();
        endpoint.Waiting.Clear();
        foreach (var request in waiting)
            Send(endpoint, request, effects);
        Advance(now, effects);
    }

    /// <summary>The connection to this address broke, or the endpoint there stopped.</summary>
    public void OnLost(NodeAddress address, string? reason, TimeSpan now, List<ClusterEffect> effects)
    {
        if (!_endpoints.TryGetValue(address, out var endpoint))
            return;
        endpoint.LastError = reason ?? endpoint.LastError;
        if (endpoint.IsReady)
            Lose(endpoint, now, effects);
        else if (reason is not null)
            GiveUpWaiting(endpoint, now, effects);
        Advance(now, effects);
    }

    /// <summary>Late answers, to requests already given up, are ignored.</summary>
    public void OnResponse(int correlation, IResponse response, TimeSpan now, List<ClusterEffect> effects)
    {
        if (TakeInFlight(correlation, out var endpoint) is not { } request)
            return;
        endpoint!.IsSlow = endpoint.SlowAt <= now;
        if (request.Token is { } token)
            effects.Add(new ClusterEffect.Complete(token, response, RequestFailure.None, ErrorCode.None, ""));
        else
            OnMetadata(correlation, (MetadataResponse)response, endpoint.Address.System ?? _ownSystem, now, effects);
        Advance(now, effects);
    }

    /// <summary>A broker refused a request as a whole.</summary>
    public void OnRejected(int correlation, ErrorCode error, string message, TimeSpan now, List<ClusterEffect> effects)
    {
        if (TakeInFlight(correlation, out var endpoint) is not { } request)
            return;
        endpoint!.IsSlow = endpoint.SlowAt <= now;
        if (request.Token is { } token)
        {
            effects.Add(new ClusterEffect.Complete(token, null, RequestFailure.Rejected, error, message));
        }
        else
        {
            endpoint.LastError = $"{error.KafkaName()}: {message}";
            if (_metadataInFlight == correlation)
                _metadataInFlight = null;
            _refreshAt = now + _backoff.Delay(++_fruitlessRefreshes);
        }

        Advance(now, effects);
    }

    public void OnTick(TimeSpan now, List<ClusterEffect> effects)
    {
        for (var i = _unrouted.Count - 1; i >= 0; i--)
        {
            var request = _unrouted[i].Request;
            if (request.Deadline > now)
                continue;
            _unrouted.RemoveAt(i);
            Complete(request, RequestFailure.NotSent, Unreached(), effects);
        }

        foreach (var endpoint in _endpoints.Values)
        {
            Expire(endpoint, now, effects);
            Suspect(endpoint, now);
        }

        Advance(now, effects);
    }

    /// <summary>Does what is due: a metadata request, probes, the report that nobody answers.</summary>
    private void Advance(TimeSpan now, List<ClusterEffect> effects)
    {
        if (!_started)
            return;
        Hedge(now);
        if (_metadataInFlight is null && _refreshAt <= now)
            AskMetadata(now, effects);
        if (_seekingSince is { } since)
            OnSeekingFor(now - since, now, effects);
        foreach (var endpoint in _endpoints.Values)
        {
            if (!endpoint.IsProbing || endpoint.NextProbe > now)
                continue;
            if (!IsWanted(endpoint))
                endpoint.BecomeIdle();
            else
                Probe(endpoint, now, effects);
        }
    }

    private void Route(PendingRequest request, RequestTarget target, TimeSpan now, List<ClusterEffect> effects)
    {
        if (_image.Brokers.IsEmpty)
        {
            _unrouted.Add((request, target));
            RefreshNoLaterThan(now);
            Advance(now, effects);
            return;
        }

        var broker = target.Controller ? _image.ControllerId : target.Broker;
        var endpoint = _image.Brokers.TryGetValue(broker, out var address) ? EndpointAt(address) : null;
        if (target.Broker == BrokerId.None && endpoint is not { IsReady: true, IsSlow: false })
            endpoint = LeastLoaded() ?? endpoint ?? AnyKnown();
        if (endpoint is null)
        {
            Complete(request, RequestFailure.NotSent, $"broker {target.Broker} is not in the cluster", effects);
        }
        else if (endpoint.IsReady)
        {
            Send(endpoint, request, effects);
        }
        else
        {
            endpoint.Waiting.Add(request);
            if (!endpoint.IsProbing)
                Probe(endpoint, now, effects);
        }
    }

    private void Send(Endpoint endpoint, PendingRequest request, List<ClusterEffect> effects)
    {
        if (request.Answered)
            endpoint.InFlight.Add(request.Correlation, request);
        effects.Add(new ClusterEffect.Send(endpoint.Address, request.Correlation, request.Request));
        if (!request.Answered)
            Complete(request, RequestFailure.None, "", effects);
    }

    private void Complete(PendingRequest request, RequestFailure failure, string message, List<ClusterEffect> effects)
    {
        if (request.Token is { } token)
        {
            effects.Add(new ClusterEffect.Complete(token, null, failure, ErrorCode.None, message));
            return;
        }

        if (_metadataInFlight != request.Correlation)
            return;
        _metadataInFlight = null;
        _refreshAt = TimeSpan.Zero;
    }

    private static TimeSpan Earlier(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private PendingRequest? TakeInFlight(int correlation, out Endpoint? from)
    {
        foreach (var endpoint in _endpoints.Values)
        {
            from = endpoint;
            if (endpoint.InFlight.Remove(correlation, out var request))
                return request;
        }

        from = null;
        return null;
    }

    private Endpoint EndpointAt(NodeAddress address)
    {
        if (!_endpoints.TryGetValue(address, out var endpoint))
            _endpoints.Add(address, endpoint = new Endpoint(address));
        return endpoint;
    }

    private Endpoint? LeastLoaded()
    {
        Endpoint? best = null;
        foreach (var endpoint in _endpoints.Values)
        {
            if (!endpoint.IsReady)
                continue;
            if (best is null || (endpoint.IsSlow == best.IsSlow ? endpoint.Load < best.Load : best.IsSlow))
                best = endpoint;
        }

        return best;
    }

    private Endpoint? AnyKnown()
    {
        Endpoint? any = null;
        foreach (var address in _image.Brokers.Values)
        {
            var endpoint = EndpointAt(address);
            if (any is null || (any.IsLost && !endpoint.IsLost))
                any = endpoint;
        }

        return any;
    }
}

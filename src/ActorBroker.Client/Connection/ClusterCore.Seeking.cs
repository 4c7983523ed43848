using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about knowing the cluster: metadata, and finding a broker to ask for it.</summary>
internal sealed partial class ClusterCore
{
    /// <summary>The address that the node found there answers to; null if none says so.</summary>
    public void OnNamed(NodeAddress address, NodeAddress? name, TimeSpan now, List<ClusterEffect> effects)
    {
        foreach (var entry in _bootstrap)
        {
            if (!entry.IsAmbiguous || entry.Candidates[0] != address)
                continue;
            if (entry.Choose(name) is not { } chosen)
                EndpointAt(address).CallsItself = name;
            else if (_seekingSince is not null)
                Seek(chosen, now, effects);
            return;
        }

        if (name is not null && name != address)
            EndpointAt(address).CallsItself = name;
    }

    private void AskMetadata(TimeSpan now, List<ClusterEffect> effects)
    {
        if (NextToAsk() is { } endpoint)
        {
            if (!endpoint.IsSlow)
                EndSeeking();
            _lastAsked = endpoint.LastAsked = now;
            _hedgeAt = now + HedgeAfter;
            var deadline = now + Earlier(_settings.RequestTimeout, _settings.BootstrapTimeout);
            var request = new PendingRequest(++_lastCorrelation, null, DescribeTopics(), deadline, deadline, now + SuspectAfter, Answered: true);
            _metadataInFlight = request.Correlation;
            _refreshAgain = TimeSpan.MaxValue;
            Send(endpoint, request, effects);
            if (_isDoubted)
                SeekOthers(now, effects);
            return;
        }

        _refreshAt = TimeSpan.MaxValue;
        _seekingSince ??= now;
        foreach (var address in _image.Brokers.Values)
            Seek(address, now, effects);
        foreach (var entry in _bootstrap)
        {
            if (entry.IsAmbiguous)
                AskName(entry, now, effects);
            else
                Seek(entry.Candidates[0], now, effects);
        }
    }

    private void AskName(BootstrapEntry entry, TimeSpan now, List<ClusterEffect> effects)
    {
        entry.BecomeAsked(now, _backoff);
        effects.Add(new ClusterEffect.AskName(entry.Candidates[0]));
    }

    private void Seek(NodeAddress address, TimeSpan now, List<ClusterEffect> effects)
    {
        var endpoint = EndpointAt(address);
        if (!endpoint.IsReady && !endpoint.IsProbing)
            Probe(endpoint, now, effects);
    }

    private void Probe(Endpoint endpoint, TimeSpan now, List<ClusterEffect> effects)
    {
        endpoint.BecomeProbing(now, _backoff);
        effects.Add(new ClusterEffect.Probe(endpoint.Address));
    }

    private MetadataRequest DescribeTopics()
    {
        var topics = new List<MetadataRequest.MetadataRequestTopic>(_topics.Count);
        foreach (var name in _topics)
            topics.Add(new MetadataRequest.MetadataRequestTopic { Name = name });
        return new MetadataRequest { Topics = _wantsAll ? null : topics, AllowAutoTopicCreation = false };
    }

    private void OnMetadata(int correlation, MetadataResponse response, string system, TimeSpan now, List<ClusterEffect> effects)
    {
        if (_metadataInFlight == correlation)
            _metadataInFlight = null;
        EndSeeking();
        _image = _image.After(response, (host, port) => AddressOf(system, host, port));
        if (_wantsAll)
            _image = _image.WithMissing(_topics);
        _isDoubted = IsDoubtful();
        if (_isDoubted)
        {
            _fruitlessRefreshes++;
            _refreshAt = now + (_fruitlessRefreshes <= HastyRefreshes ? _doubtBackoff : _backoff).Delay(_fruitlessRefreshes);
        }
        else
        {
            _fruitlessRefreshes = 0;
            _refreshAt = now + _settings.MetadataMaxAge;
        }

        _refreshAt = Earlier(_refreshAt, _refreshAgain);
        _refreshAgain = TimeSpan.MaxValue;
        effects.Add(new ClusterEffect.Publish(_image));
        DropGone(now, effects);
        var unrouted = _unrouted.ToArray();
        _unrouted.Clear();
        foreach (var (request, target) in unrouted)
            Route(request, target, now, effects);
    }

    /// <summary>Metadata carries no system names: all brokers of a cluster have the same. IPv6 stands in brackets in Akka's addresses.</summary>
    private NodeAddress AddressOf(string system, string host, int port) =>
        !_remoting ? NodeAddress.Local
        : host.Contains(':') && host[0] != '[' ? new NodeAddress(system, $"[{host}]", port)
        : new NodeAddress(system, host, port);

    private void OnSeekingFor(TimeSpan duration, TimeSpan now, List<ClusterEffect> effects)
    {
        if (!_askedNames && duration >= 0.5 * _settings.BootstrapTimeout)
        {
            _askedNames = true;
            foreach (var entry in _bootstrap)
            {
                if (!entry.IsAmbiguous && !entry.Candidates[0].IsLocal)
                    AskName(entry, now, effects);
            }
        }

        foreach (var entry in _bootstrap)
        {
            if (entry.IsAmbiguous && entry.NextTry <= now)
                AskName(entry, now, effects);
        }

        if (duration >= _settings.BootstrapTimeout)
            ReportUnreachable(now, effects);
    }

    private void ReportUnreachable(TimeSpan now, List<ClusterEffect> effects)
    {
        (_seekingSince, _askedNames) = (now, false);
        var message = Unreached();
        foreach (var (request, _) in _unrouted)
            Complete(request, RequestFailure.Unreachable, message, effects);
        _unrouted.Clear();
        effects.Add(new ClusterEffect.ReportUnreachable(message));
    }

    private string Unreached()
    {
        var tried = new List<string>();
        foreach (var address in _image.Brokers.Values.Union(_bootstrap.SelectMany(entry => entry.Candidates)))
            tried.Add(_endpoints.TryGetValue(address, out var endpoint) ? endpoint.Describe() : $"{address}");
        return "no broker answered; tried " + string.Join(", ", tried)
            + ". Brokers answer only at the very address they advertise, which a node prints at its start";
    }

    private void EndSeeking()
    {
        (_seekingSince, _askedNames) = (null, false);
        foreach (var endpoint in _endpoints.Values)
        {
            if (endpoint.IsProbing && !IsWanted(endpoint))
                endpoint.BecomeIdle();
        }
    }

    /// <summary>At once, or a back-off after the last time.</summary>
    private void RefreshSoon(TimeSpan now) =>
        RefreshNoLaterThan(_lastAsked == TimeSpan.MinValue || _lastAsked + _settings.RetryBackoff <= now ? now : _lastAsked + _settings.RetryBackoff);

    private void RefreshNoLaterThan(TimeSpan time)
    {
        if (_metadataInFlight is not null)
            _refreshAgain = Earlier(_refreshAgain, time);
        else if (_seekingSince is null)
            _refreshAt = Earlier(_refreshAt, time);
    }
}

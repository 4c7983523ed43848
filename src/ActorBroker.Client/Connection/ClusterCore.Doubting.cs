namespace ActorBroker.Client;

/// <summary>
/// The half about brokers that fail. One that is killed is noticed by its connection; one that hangs, or is cut off, only by
/// what it does not answer. Others know first that it leads no more: so they are asked, until they say so or it is back.
/// </summary>
internal sealed partial class ClusterCore
{
    /// <summary>
    /// How long a broker may take for what it could answer at once. Far below request.timeout.ms, which may end a request
    /// that is being carried out; to be suspected costs a broker nothing but questions to others.
    /// </summary>
    private static readonly TimeSpan SuspectAfter = TimeSpan.FromSeconds(1);

    /// <summary>How long one broker may take for metadata before another is asked too.</summary>
    private static readonly TimeSpan HedgeAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>So many refreshes in a row come quickly, about 5 s with default settings: as long as elections take. Then they thin out.</summary>
    private const int HastyRefreshes = 20;

    /// <summary>Brokers to have connections to while leaders are in doubt: one alone may be the one that is cut off.</summary>
    private const int Witnesses = 3;

    private bool _isDoubted;
    private int _nextWitness;

    /// <summary>Whether some broker lets requests hang, or some wanted partition has no leader that can be reached, as far as known.</summary>
    private bool IsDoubtful()
    {
        foreach (var endpoint in _endpoints.Values)
        {
            if (endpoint.IsSlow)
                return true;
        }

        foreach (var name in _topics)
        {
            if (!_image.Topics.TryGetValue(name, out var topic) || topic.Error != Protocol.ErrorCode.None)
                return true;
            foreach (var partition in topic.Partitions)
            {
                if (!_image.Brokers.TryGetValue(partition.Leader, out var address))
                    return true;
                if (_endpoints.TryGetValue(address, out var leader) && leader.IsLost)
                    return true;
            }
        }

        return false;
    }

    /// <summary>Ready, not asked already, rather not a slow one, and each in turn.</summary>
    private Endpoint? NextToAsk()
    {
        Endpoint? best = null;
        foreach (var endpoint in _endpoints.Values)
        {
            if (!endpoint.IsReady || endpoint.IsAskedForMetadata)
                continue;
            if (best is null || (endpoint.IsSlow == best.IsSlow ? endpoint.LastAsked < best.LastAsked : best.IsSlow))
                best = endpoint;
        }

        return best;
    }

    /// <summary>An answer that takes long stays welcome, but another broker is asked meanwhile.</summary>
    private void Hedge(TimeSpan now)
    {
        if (_metadataInFlight is null || _hedgeAt > now)
            return;
        (_metadataInFlight, _refreshAt, _isDoubted) = (null, now, true);
    }

    /// <summary>Notices that a broker lets requests hang, once.</summary>
    private void Suspect(Endpoint endpoint, TimeSpan now)
    {
        if (!endpoint.IsReady || endpoint.IsSlow || endpoint.SlowAt > now)
            return;
        endpoint.IsSlow = true;
        _isDoubted = true;
        RefreshSoon(now);
    }

    private void Expire(Endpoint endpoint, TimeSpan now, List<ClusterEffect> effects)
    {
        if (endpoint.NextDeadline > now)
            return;
        for (var i = endpoint.Waiting.Count - 1; i >= 0; i--)
        {
            var request = endpoint.Waiting[i];
            if (request.ConnectDeadline > now)
                continue;
            endpoint.Waiting.RemoveAt(i);
            RefreshSoon(now);
            Complete(request, RequestFailure.NotSent, $"no connection to {endpoint.Describe()}", effects);
        }

        PendingRequest? overdue = null;
        foreach (var request in endpoint.InFlight.Values)
        {
            if (request.Deadline <= now)
                overdue = request;
        }

        if (overdue is null)
            return;
        // A broker that lets a request hang is taken for lost, with all else that is out to it, as a dead connection is.
        endpoint.InFlight.Remove(overdue.Correlation);
        Complete(overdue, RequestFailure.TimedOut, $"{endpoint.Address} did not answer in time", effects);
        Lose(endpoint, now, effects);
    }

    private void Lose(Endpoint endpoint, TimeSpan now, List<ClusterEffect> effects)
    {
        endpoint.BecomeIdle();
        (endpoint.IsLost, endpoint.IsSlow) = (true, false);
        effects.Add(new ClusterEffect.Release(endpoint.Address));
        var lost = endpoint.InFlight.Values.ToArray();
        endpoint.InFlight.Clear();
        if (_seekingSince is not null)
            Probe(endpoint, now, effects);
        foreach (var request in lost)
            Complete(request, RequestFailure.Disconnected, $"the connection to {endpoint.Describe()} was lost", effects);
        _isDoubted = true;
        RefreshSoon(now);
    }

    /// <summary>Whether probing an endpoint has a purpose.</summary>
    private bool IsWanted(Endpoint endpoint) =>
        endpoint.Waiting.Count > 0 || _seekingSince is not null || (_isDoubted && _image.Brokers.ContainsValue(endpoint.Address));

    /// <summary>Looks for those that were lost, which may be back, and for further brokers to ask.</summary>
    private void SeekOthers(TimeSpan now, List<ClusterEffect> effects)
    {
        var missing = Witnesses;
        foreach (var endpoint in _endpoints.Values)
        {
            if (endpoint.IsReady && !endpoint.IsSlow)
                missing--;
            else if (endpoint.IsLost && _image.Brokers.ContainsValue(endpoint.Address))
                Seek(endpoint.Address, now, effects);
        }

        var addresses = _image.Brokers.Values.ToArray();
        for (var i = 0; i < addresses.Length && missing > 0; i++)
        {
            var endpoint = EndpointAt(addresses[_nextWitness++ % addresses.Length]);
            if (endpoint.IsReady)
                continue;
            missing--;
            Seek(endpoint.Address, now, effects);
        }
    }

    /// <summary>
    /// A broker that the others count out and that lets requests hang will not answer them for good: it leads nothing any
    /// more. One that still answers may: its requests stay out, lest they be carried out twice.
    /// </summary>
    private void DropGone(TimeSpan now, List<ClusterEffect> effects)
    {
        foreach (var endpoint in _endpoints.Values)
        {
            if (_image.Brokers.ContainsValue(endpoint.Address))
                continue;
            if (endpoint.IsSlow)
                Lose(endpoint, now, effects);
            else if (!endpoint.IsReady)
                GiveUpWaiting(endpoint, now, effects);
        }
    }

    private void GiveUpWaiting(Endpoint endpoint, TimeSpan now, List<ClusterEffect> effects)
    {
        endpoint.IsLost = true;
        if (endpoint.Waiting.Count == 0)
            return;
        var waiting = endpoint.Waiting.ToArray();
        endpoint.Waiting.Clear();
        _isDoubted = true;
        RefreshSoon(now);
        foreach (var request in waiting)
            Complete(request, RequestFailure.NotSent, $"no connection to {endpoint.Describe()}", effects);
    }
}

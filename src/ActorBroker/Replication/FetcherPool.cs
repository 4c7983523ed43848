using ActorBroker.Log;
using ActorBroker.Metadata;
using Akka.Actor;

namespace ActorBroker.Replication;

/// <summary>
/// The replica manager's fetchers, one for each node that leads something followed here, and which of them fetches what.
/// A partition is fetched by at most one.
/// </summary>
/// <param name="make">Makes the fetcher for a leader's node.</param>
internal sealed class FetcherPool(Func<BrokerId, IActorRef> make)
{
    private readonly Dictionary<BrokerId, Fetcher> _fetchers = [];
    private readonly Dictionary<ReplicaKey, BrokerId> _followed = [];
    private MetadataImage _image = MetadataImage.Empty;
    private long _brokerEpoch = -1;

    private sealed class Fetcher(IActorRef actor)
    {
        public IActorRef Actor => actor;

        public FetcherProtocol.Target? Target { get; set; }
    }

    public void OnImage(MetadataImage image)
    {
        _image = image;
        foreach (var (leader, fetcher) in _fetchers) Aim(leader, fetcher);
    }

    public void OnRegistered(long brokerEpoch)
    {
        _brokerEpoch = brokerEpoch;
        foreach (var (leader, fetcher) in _fetchers) Aim(leader, fetcher);
    }

    public void Follow(ReplicaKey key, BrokerId leader, FetchPosition position, IActorRef partition)
    {
        if (_followed.TryGetValue(key, out var former) && former != leader) Unfollow(key);
        if (!_fetchers.TryGetValue(leader, out var fetcher))
        {
            _fetchers.Add(leader, fetcher = new Fetcher(make(leader)));
            Aim(leader, fetcher);
        }

        _followed[key] = leader;
        fetcher.Actor.Tell(new FetcherProtocol.Follow(key, position, partition));
    }

    public void Unfollow(ReplicaKey key)
    {
        if (_followed.Remove(key, out var leader)) _fetchers[leader].Actor.Tell(new FetcherProtocol.Unfollow(key));
    }

    /// <summary>Its leader is another now, or it leads itself: the actor will say where to go on.</summary>
    public void UnfollowUnless(ReplicaKey key, BrokerId? leader)
    {
        if (_followed.TryGetValue(key, out var followed) && followed != leader) Unfollow(key);
    }

    /// <summary>The partitions that it fetched; they must say anew where to go on.</summary>
    public IReadOnlyList<ReplicaKey> OnLost(IActorRef actor)
    {
        foreach (var (leader, fetcher) in _fetchers)
        {
            if (!fetcher.Actor.Equals(actor)) continue;
            _fetchers.Remove(leader);
            var lost = _followed.Where(entry => entry.Value == leader).Select(entry => entry.Key).ToList();
            foreach (var key in lost) _followed.Remove(key);
            return lost;
        }

        return [];
    }

    /// <summary>Nothing until this node is registered and the leader's node has said where it is.</summary>
    private void Aim(BrokerId leader, Fetcher fetcher)
    {
        if (_brokerEpoch < 0 || _image.ClusterId is not { } cluster) return;
        if (_image.Brokers.GetValueOrDefault(leader) is not { } broker || broker.Endpoint(Wire.ReplicationServer.Listener) is not { } endpoint) return;
        var target = new FetcherProtocol.Target(endpoint.Host, endpoint.Port, broker.Epoch, cluster, _brokerEpoch);
        if (target == fetcher.Target) return;
        fetcher.Target = target;
        fetcher.Actor.Tell(target);
    }
}

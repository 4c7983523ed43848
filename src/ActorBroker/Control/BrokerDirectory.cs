using ActorBroker.Log;
using ActorBroker.Metadata;
using Akka.Actor;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Where the brokers are, and what metadata each was sent. A broker stands here from its registration or first heartbeat
/// until it is found dead; one that is fenced but talks is told all the same.
/// </summary>
internal sealed class BrokerDirectory(EventHistory history, Action<IActorRef, IControllerMessage> send)
{
    private readonly Dictionary<BrokerId, Entry> _brokers = [];

    /// <summary>The broker speaks through <paramref name="at"/>.</summary>
    /// <param name="has">The metadata version it has; -1: unknown.</param>
    public void Learn(BrokerImage broker, IActorRef at, long has, MetadataImage image)
    {
        if (_brokers.TryGetValue(broker.Id, out var known) && known.Epoch == broker.Epoch && known.At.Equals(at)) return;
        _brokers[broker.Id] = known = new Entry(at, broker.Epoch) { Sent = has };
        Send(known, image);
    }

    public void Forget(BrokerId id) => _brokers.Remove(id);

    /// <summary>Sends everybody what is new in <paramref name="image"/>.</summary>
    public void Push(MetadataImage image)
    {
        foreach (var entry in _brokers.Values) Send(entry, image);
    }

    /// <summary>Says what follows <paramref name="has"/> to one that missed something.</summary>
    public void Answer(IActorRef to, long has, MetadataImage image) => send(to, What(has, image));

    /// <summary>The broker whose node <paramref name="asker"/> is on, if it is known.</summary>
    public BrokerId? OnNodeOf(IActorRef asker)
    {
        foreach (var (id, entry) in _brokers)
            if (entry.At.Path.Address.Equals(asker.Path.Address)) return id;
        return null;
    }

    private void Send(Entry entry, MetadataImage image)
    {
        if (entry.Sent >= image.Version) return;
        send(entry.At, What(entry.Sent, image));
        entry.Sent = image.Version;
    }

    private IControllerMessage What(long has, MetadataImage image) => (IControllerMessage?)history.Since(has) ?? new MetadataSnapshot(image);

    private sealed class Entry(IActorRef at, long epoch)
    {
        public IActorRef At => at;

        public long Epoch => epoch;

        public long Sent { get; set; }
    }
}

using Akka.Actor;

namespace Akka.Remote;

public interface IRemoteActorRefProvider : IActorRefProvider
{
    RemoteSettings RemoteSettings { get; }

    RemoteTransport Transport { get; }

    /// <summary>Watches nodes on behalf of all actors that watch actors there.</summary>
    IActorRef RemoteWatcher { get; }

    /// <summary>That address is this system, exactly as text.</summary>
    bool HasAddress(Address address);

    /// <summary>Refuses that incarnation of a peer for good; only its restart under a new uid ends it. With an unknown uid the address is gated.</summary>
    void Quarantine(Address address, int? uid);
}

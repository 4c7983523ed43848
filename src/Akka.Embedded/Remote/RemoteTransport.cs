using Akka.Actor;
using Akka.Event;

namespace Akka.Remote;

/// <summary>What carries messages to other systems, as references see it.</summary>
public abstract class RemoteTransport
{
    protected RemoteTransport(ExtendedActorSystem system, RemoteActorRefProvider provider)
    {
        System = system;
        Provider = provider;
        Log = Logging.GetLogger(system, "remoting");
    }

    public ExtendedActorSystem System { get; }

    public RemoteActorRefProvider Provider { get; }

    public ILoggingAdapter Log { get; }

    /// <summary>All names of this system; messages to any other are not for it.</summary>
    public abstract ISet<Address> Addresses { get; }

    public abstract Address DefaultAddress { get; }

    /// <summary>Listens. Throws when it can't.</summary>
    public abstract void Start();

    /// <summary>Sends what waits, then closes all connections.</summary>
    public abstract Task Shutdown();

    public abstract void Send(object message, IActorRef? sender, RemoteActorRef recipient);

    /// <summary>Throws when no transport speaks the protocol of that address.</summary>
    public abstract Address LocalAddressForRemote(Address remote);

    /// <summary>Refuses that incarnation for good. With an unknown uid the address is only gated.</summary>
    public abstract void Quarantine(Address address, int? uid);
}

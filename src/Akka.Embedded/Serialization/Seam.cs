using Akka.Actor;

namespace Akka.Serialization;

public sealed class Information(Address address, ActorSystem system)
{
    public Address Address { get; } = address;
    public ActorSystem System { get; } = system;
}

public class Serialization(ExtendedActorSystem system)
{
    public ExtendedActorSystem System { get; } = system;

    public static string SerializedActorPath(IActorRef actorRef) => actorRef.Path.ToSerializationFormat();
}

using ActorBroker.Log;
using ActorBroker.Metadata;
using Akka.Actor;

namespace ActorBroker.Hosting;

/// <summary>A node that serves.</summary>
/// <param name="Address">Where clients reach <c>/user/actorbroker</c>, exactly as they must write it.</param>
public sealed record BrokerInfo(BrokerId NodeId, ClusterId ClusterId, Address Address, string DataDirectory)
{
    /// <summary>Where Kafka clients reach it; null where it does not serve them.</summary>
    public BrokerEndpoint? Kafka { get; init; }
}

/// <summary>The node can't start; the message is for the person who started it.</summary>
public sealed class BrokerStartException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The broker in an ActorSystem. Settings stand under <c>actorbroker</c> in the system's configuration; the system
/// needs Akka.Remote for clients outside it. It stops, flushed and in order, with the system's coordinated shutdown.
/// </summary>
public sealed class Broker : IExtension
{
    private readonly TaskCompletionSource<BrokerInfo> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Broker(ExtendedActorSystem system, BrokerEnvironment environment)
    {
        var node = BrokerNode.Open(system, environment);
        var actor = system.SystemActorOf(NodeGuard.Props(NodeActor.Props(node, _ready), _ready), "actorbroker");
        node.StopWith(CoordinatedShutdown.Get(system), actor);
    }

    /// <summary>
    /// Starts the broker with the first call in a system; later calls return it.
    /// </summary>
    /// <exception cref="BrokerConfigurationException">The configuration can't be used; all faults are listed.</exception>
    /// <exception cref="LogDirectoryException">The data folder can't be used.</exception>
    public static Broker Get(ActorSystem system) => system.WithExtension<Broker, BrokerExtension>();

    /// <summary>
    /// Completes once this node serves its partitions; faults with <see cref="BrokerStartException"/> when it never will.
    /// </summary>
    public Task<BrokerInfo> Ready => _ready.Task;
}

/// <summary>Makes <see cref="Broker"/>; also usable in <c>akka.extensions</c>.</summary>
public sealed class BrokerExtension : ExtensionIdProvider<Broker>
{
    public override Broker CreateExtension(ExtendedActorSystem system) => new(system, BrokerEnvironment.OfMachine());
}

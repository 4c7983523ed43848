using ActorBroker.Api;
using ActorBroker.Metadata;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Hosting;

/// <summary>
/// A transport for clients beside Akka.Remote. It is bound when it is made, so that its port is known at registration, and
/// serves from <see cref="Serve"/> on. Disposing frees the port.
/// </summary>
internal interface IClientListener : IDisposable
{
    /// <summary>What clients and other brokers are told.</summary>
    BrokerEndpoint Endpoint { get; }

    /// <summary>The actor under which its clients' sessions run: clients are served until it stops.</summary>
    Props Serve(RequestDispatcher dispatcher);
}

/// <summary>What a listener is made from.</summary>
/// <param name="Host">To bind where the options name none.</param>
/// <param name="AdvertisedHost">To tell others where the options name none.</param>
internal sealed record ClientListenerSetup(ListenerOptions Options, string Host, string AdvertisedHost, TimeProvider Time, ILoggingAdapter Log);

/// <summary>Makes the listener that <c>listeners</c> asks for. It lies in an assembly of its own, which a broker without that listener need not have.</summary>
internal interface IClientListenerProvider
{
    private const string TypeName = "ActorBroker.Kafka.KafkaListenerProvider, ActorBroker.Kafka";

    /// <exception cref="BrokerConfigurationException">Its assembly is not there.</exception>
    public static IClientListenerProvider Find() =>
        Type.GetType(TypeName) is { } type && Activator.CreateInstance(type) is IClientListenerProvider provider
            ? provider
            : throw new BrokerConfigurationException([$"{BrokerOptions.Section}.listeners names a listener of Kafka's protocol, but the program has no ActorBroker.Kafka: reference it, or leave listeners empty"]);

    /// <exception cref="BrokerStartException">The address can't be bound.</exception>
    IClientListener Listen(ClientListenerSetup setup);
}

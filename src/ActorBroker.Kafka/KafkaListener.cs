using System.Net;
using ActorBroker.Api;
using ActorBroker.Hosting;
using ActorBroker.Metadata;
using Akka.Actor;
using Akka.Event;
using Microsoft.AspNetCore.Connections;

namespace ActorBroker.Kafka;

/// <summary>The bound port. Clients that connect before the node serves wait in the system's queue.</summary>
internal sealed class KafkaListener : IClientListener
{
    private readonly IConnectionListener _listener;
    private readonly ClientListenerSetup _setup;

    public KafkaListener(IConnectionListener listener, ClientListenerSetup setup)
    {
        _listener = listener;
        _setup = setup;
        var advertised = setup.Options.Advertised;
        Endpoint = new BrokerEndpoint(
            ListenerAddress.Name,
            advertised?.Host ?? AdvertisedHost(setup),
            advertised?.Port ?? ((IPEndPoint)listener.EndPoint).Port,
            "PLAINTEXT");
    }

    public BrokerEndpoint Endpoint { get; }

    public Props Serve(RequestDispatcher dispatcher) => KafkaConnections.Props(this, new KafkaServer(_setup, dispatcher));

    /// <summary>Null once the port is given up.</summary>
    public ValueTask<ConnectionContext?> AcceptAsync() => _listener.AcceptAsync();

    public void Dispose()
    {
        // Closes the socket before it returns; what remains to be awaited is nothing that others wait for.
        _ = _listener.DisposeAsync().AsTask();
    }

    /// <summary>A host of its own is told as it is, unless it means all of this machine's addresses.</summary>
    private static string AdvertisedHost(ClientListenerSetup setup) =>
        setup.Options.Bind!.Host is { } host && !IsAny(host) ? host : setup.AdvertisedHost;

    private static bool IsAny(string host) => IPAddress.TryParse(host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
}

/// <summary>What all connections of one listener share.</summary>
internal sealed class KafkaServer(ClientListenerSetup setup, RequestDispatcher dispatcher)
{
    private int _fetchSessions;

    public ListenerOptions Options => setup.Options;

    public ILoggingAdapter Log => setup.Log;

    public RequestDispatcher Dispatcher => dispatcher;

    public ServedVersions Versions { get; } = new(dispatcher.Served);

    public RequestMemoryPool Memory { get; } = new(setup.Options.MaxQueuedBytes, setup.Time);

    public int NextFetchSessionId() => (Interlocked.Increment(ref _fetchSessions) & int.MaxValue) is var id and not 0 ? id : NextFetchSessionId();
}

using System.Net;
using System.Net.Sockets;
using ActorBroker.Api;
using ActorBroker.Hosting;
using ActorBroker.Metadata;
using Akka.Actor;
using Akka.Event;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorBroker.Kafka;

/// <summary>
/// The bound port. Clients that connect before the node serves wait in the system's queue. Connections are Kestrel's, bare: no
/// web host, no HTTP; and nothing of it is loaded before the first, so that the node's start does not wait for it.
/// </summary>
internal sealed class KafkaListener : IClientListener
{
    private readonly Socket _listener;
    private readonly ClientListenerSetup _setup;
    private readonly Lazy<SocketConnectionContextFactory> _transport = new(
        () => new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), NullLogger.Instance));

    public KafkaListener(Socket listener, ClientListenerSetup setup)
    {
        _listener = listener;
        _setup = setup;
        var advertised = setup.Options.Advertised;
        Endpoint = new BrokerEndpoint(
            ListenerAddress.Name,
            advertised?.Host ?? AdvertisedHost(setup),
            advertised?.Port ?? ((IPEndPoint)listener.LocalEndPoint!).Port,
            "PLAINTEXT");
    }

    public BrokerEndpoint Endpoint { get; }

    public Props Serve(RequestDispatcher dispatcher) => KafkaConnections.Props(this, new KafkaServer(_setup, dispatcher));

    /// <summary>Null once the port is given up.</summary>
    public async Task<ConnectionContext?> AcceptAsync()
    {
        while (true)
        {
            try
            {
                var accepted = await _listener.AcceptAsync();
                accepted.NoDelay = true;
                return _transport.Value.Create(accepted);
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException cause) when (cause.SocketErrorCode is SocketError.OperationAborted or SocketError.InvalidArgument or SocketError.NotSocket)
            {
                return null;
            }
            catch (SocketException)
            {
                // One that gave up before it was accepted; the listener goes on.
            }
        }
    }

    public void Dispose() => _listener.Dispose();

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

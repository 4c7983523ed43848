using System.Net;
using System.Net.Sockets;
using ActorBroker.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ActorBroker.Kafka;

/// <summary>Binds the port. Kestrel's socket transport is used bare: no web host, no HTTP.</summary>
internal sealed class KafkaListenerProvider : IClientListenerProvider
{
    public IClientListener Listen(ClientListenerSetup setup)
    {
        var bind = setup.Options.Bind!;
        var host = bind.Host ?? setup.Host;
        try
        {
            var address = IPAddress.TryParse(host, out var parsed) ? parsed : Dns.GetHostAddresses(host)[0];
            var factory = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
            var binding = factory.BindAsync(new IPEndPoint(address, bind.Port));
            return new KafkaListener(binding.AsTask().GetAwaiter().GetResult(), setup);
        }
        catch (Exception e) when (e is SocketException or AddressInUseException)
        {
            throw new BrokerStartException(Explain(e, host, bind.Port), e);
        }
    }

    private static string Explain(Exception fault, string host, int port)
    {
        const string Choose = "choose another port for Kafka clients (--kafka-port, or listeners in actorbroker's configuration), or turn them off (--kafka-port off)";
        var address = $"{host}:{port}";
        if (fault is not SocketException socket)
            return $"{address} is in use: another node or program listens there. Stop it, or {Choose}.";
        return socket.SocketErrorCode switch
        {
            SocketError.AddressNotAvailable => $"{address} can't be bound for Kafka clients: this machine has no such address.",
            SocketError.AccessDenied => $"{address} can't be bound for Kafka clients: not allowed. Choose a port above 1023.",
            _ => $"{address} can't be bound for Kafka clients: {socket.Message}; {Choose}.",
        };
    }
}

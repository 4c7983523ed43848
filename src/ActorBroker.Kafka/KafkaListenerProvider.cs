using System.Net;
using System.Net.Sockets;
using ActorBroker.Hosting;

namespace ActorBroker.Kafka;

/// <summary>Binds the port.</summary>
internal sealed class KafkaListenerProvider : IClientListenerProvider
{
    /// <summary>Connections that wait to be accepted, as many as Kestrel lets wait.</summary>
    private const int Backlog = 512;

    public IClientListener Listen(ClientListenerSetup setup)
    {
        var bind = setup.Options.Bind!;
        var host = bind.Host ?? setup.Host;
        Socket? socket = null;
        try
        {
            var address = IPAddress.TryParse(host, out var parsed) ? parsed : Dns.GetHostAddresses(host)[0];
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, bind.Port));
            socket.Listen(Backlog);
            return new KafkaListener(socket, setup);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw new BrokerStartException(Explain(e, $"{host}:{bind.Port}"), e);
        }
    }

    private static string Explain(SocketException fault, string address) => fault.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse =>
            $"{address} is in use: another node or program listens there. Stop it, choose another port for Kafka clients (--kafka-port, or listeners in actorbroker's configuration), or turn them off (--kafka-port off).",
        SocketError.AddressNotAvailable => $"{address} can't be bound for Kafka clients: this machine has no such address.",
        SocketError.AccessDenied => $"{address} can't be bound for Kafka clients: not allowed. Choose a port above 1023.",
        _ => $"{address} can't be bound for Kafka clients: {fault.Message}",
    };
}

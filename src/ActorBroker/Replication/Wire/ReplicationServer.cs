using System.Net;
using System.Net.Sockets;
using ActorBroker.Log;
using ActorBroker.Metadata;
using Akka.Actor;

namespace ActorBroker.Replication.Wire;

/// <summary>What the inter-broker listener needs.</summary>
/// <param name="ClusterId">Asked with every connection; null while this node is in no cluster yet, and then nobody gets in.</param>
internal sealed record ReplicationServerSetup(
    BrokerId Self, Func<ClusterId?> ClusterId, PartitionDirectory Partitions, ReplicationOptions Options, TimeProvider Time);

/// <summary>The inter-broker listener: other brokers' followers fetch here what this node leads.</summary>
internal sealed class ReplicationServer : IDisposable
{
    /// <summary>Name of the listener in a broker's registration.</summary>
    public const string Listener = "REPLICATION";

    private readonly Socket _socket;
    private readonly int _advertisedPort;

    private ReplicationServer(Socket socket, int advertisedPort)
    {
        (_socket, _advertisedPort) = (socket, advertisedPort);
        Port = ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>The port that was bound, also where the configuration left it open.</summary>
    public int Port { get; }

    /// <summary>Listens on return.</summary>
    /// <param name="host">A name or an address of this machine.</param>
    /// <exception cref="SocketException">The name is unknown or the port is taken.</exception>
    public static ReplicationServer Start(ActorSystem system, string host, ReplicationServerSetup setup)
    {
        var address = IPAddress.TryParse(host, out var parsed) ? parsed : Dns.GetHostAddresses(host)[0];
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, setup.Options.Port));
            socket.Listen();
            return new ReplicationServer(socket, setup.Options.AdvertisedPort);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>What other brokers are told of this listener.</summary>
    public BrokerEndpoint Endpoint(string advertisedHost) => new(Listener, advertisedHost, _advertisedPort > 0 ? _advertisedPort : Port, "PLAINTEXT");

    public void Dispose() => _socket.Dispose();
}

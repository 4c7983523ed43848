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

    private readonly ActorSystem _system;
    private readonly Socket _socket;
    private readonly IActorRef _connections;
    private readonly int _advertisedPort;

    private ReplicationServer(ActorSystem system, Socket socket, ReplicationServerSetup setup)
    {
        _system = system;
        _socket = socket;
        _advertisedPort = setup.Options.AdvertisedPort;
        _connections = system.ActorOf(FollowerConnections.Props(setup));
        Port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        _ = AcceptAsync();
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
            return new ReplicationServer(system, socket, setup);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>What other brokers are told of this listener.</summary>
    public BrokerEndpoint Endpoint(string advertisedHost) => new(Listener, advertisedHost, _advertisedPort > 0 ? _advertisedPort : Port, "PLAINTEXT");

    /// <summary>Followers find all their connections closed, at once.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        _system.Stop(_connections);
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var accepted = await _socket.AcceptAsync();
                accepted.NoDelay = true;
                _connections.Tell(new FollowerConnections.Accepted(accepted), ActorRefs.NoSender);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException cause) when (cause.SocketErrorCode is SocketError.OperationAborted or SocketError.InvalidArgument or SocketError.NotSocket)
            {
                return;
            }
            catch (SocketException)
            {
                // One that gave up before it was accepted; the listener goes on.
            }
        }
    }
}

/// <summary>The connections of one listener: at most one for each follower's node, and not too many strangers.</summary>
internal sealed class FollowerConnections : ReceiveActor
{
    private const int MostConnections = 1000;

    private readonly Dictionary<BrokerId, IActorRef> _byFollower = [];
    private int _count;

    public FollowerConnections(ReplicationServerSetup setup)
    {
        Receive<Accepted>(accepted =>
        {
            if (_count >= MostConnections)
            {
                accepted.Socket.Dispose();
                return;
            }

            _count++;
            Context.Watch(Context.ActorOf(FollowerConnectionActor.Props(accepted.Socket, setup)));
        });
        Receive<FollowerConnectionActor.Identified>(identified =>
        {
            if (_byFollower.TryGetValue(identified.Follower, out var former)) Context.Stop(former);
            _byFollower[identified.Follower] = Sender;
        });
        Receive<Terminated>(terminated =>
        {
            _count--;
            foreach (var (follower, connection) in _byFollower)
                if (connection.Equals(terminated.ActorRef)) _byFollower.Remove(follower);
        });
    }

    public sealed record Accepted(Socket Socket);

    public static Props Props(ReplicationServerSetup setup) => Akka.Actor.Props.Create(() => new FollowerConnections(setup));

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);
}

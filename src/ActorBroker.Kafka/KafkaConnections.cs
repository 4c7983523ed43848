using System.Net;
using ActorBroker.Hosting;
using Akka.Actor;
using Akka.Event;
using Microsoft.AspNetCore.Connections;

namespace ActorBroker.Kafka;

/// <summary>
/// The connections of one listener, each under a session of its own, and no more than the limits say. When it stops, clients
/// find their connections closed and the port free.
/// </summary>
internal sealed class KafkaConnections : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly KafkaListener _listener;
    private readonly KafkaServer _server;
    private readonly Dictionary<IActorRef, IPAddress> _sessions = [];
    private readonly Dictionary<IPAddress, int> _byAddress = [];
    private long _refused;

    public KafkaConnections(KafkaListener listener, KafkaServer server)
    {
        _listener = listener;
        _server = server;
        Receive<Accepted>(accepted => OnAccepted(accepted.Transport));
        Receive<Terminated>(terminated => OnTerminated(terminated.ActorRef));
        Receive<Status.Failure>(failure => _log.Error(failure.Cause, "No further Kafka clients are accepted"));
    }

    public static Props Props(KafkaListener listener, KafkaServer server) =>
        Akka.Actor.Props.Create(() => new KafkaConnections(listener, server));

    protected override void PreStart() => _ = AcceptAsync(_listener, Self).PipeTo(Self, success: () => Closed.Instance);

    protected override void PostStop() => _listener.Dispose();

    /// <summary>A session that fails closes its connection; the client connects again.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private static async Task AcceptAsync(KafkaListener listener, IActorRef connections)
    {
        while (await listener.AcceptAsync() is { } transport)
            connections.Tell(new Accepted(transport), ActorRefs.NoSender);
    }

    private void OnAccepted(ConnectionContext transport)
    {
        var connection = new KafkaConnection(transport, _server);
        var ofAddress = _byAddress.GetValueOrDefault(connection.Address);
        if (_sessions.Count >= _server.Options.MaxConnections || ofAddress >= _server.Options.MaxConnectionsPerAddress)
        {
            Refuse(connection, ofAddress);
            return;
        }

        var session = Context.Watch(Context.ActorOf(KafkaSession.Props(connection, _server)));
        _sessions.Add(session, connection.Address);
        _byAddress[connection.Address] = ofAddress + 1;
    }

    private void Refuse(KafkaConnection connection, int ofAddress)
    {
        // Often enough to be seen, seldom enough not to be a flood of its own.
        if (long.IsPow2(++_refused))
            _log.Warning(
                "Closed {0} connections so far at once, the last of {1}: {2} are open, {3} of them from there (max.connections.total, max.connections.per.ip)",
                _refused, connection.Remote, _sessions.Count, ofAddress);
        _ = connection.RefuseAsync();
    }

    private void OnTerminated(IActorRef session)
    {
        if (!_sessions.Remove(session, out var address)) return;
        if (--_byAddress[address] == 0) _byAddress.Remove(address);
    }

    private sealed record Accepted(ConnectionContext Transport);

    private sealed class Closed
    {
        public static readonly Closed Instance = new();
    }
}

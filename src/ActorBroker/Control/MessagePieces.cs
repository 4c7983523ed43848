using System.Runtime.Serialization;
using ActorBroker.Pieces;
using Akka.Actor;
using Akka.Event;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>A piece of a message that is too large for one frame.</summary>
/// <param name="Manifest">Of the whole message.</param>
/// <param name="To">The receiver's path; empty: whoever gets the piece.</param>
internal sealed record MessagePiece(string Manifest, string To, Piece Piece) : IControllerMessage
{
    /// <summary>Several hundred thousand partitions.</summary>
    public const int MaxTotal = 64 * 1024 * 1024;
}

/// <summary>
/// Sends the controller's messages: small ones as they are; large ones to other nodes in pieces, which the receiver's node
/// puts together (<see cref="PieceEndpoint"/>) before the receiver gets them. Of one actor.
/// </summary>
internal sealed class MessageSender(ExtendedActorSystem system)
{
    private readonly ControllerMessageSerializer _serializer = new(system);
    private long _number;

    public void Tell(IActorRef to, object message, IActorRef sender)
    {
        if (message is not ILargeMessage || to.Path.Address.HasLocalScope)
        {
            to.Tell(message, sender);
            return;
        }

        var endpoint = system.Provider.ResolveActorRef(new RootActorPath(to.Path.Address) / "system" / PieceEndpoint.Name);
        Send(endpoint, to.Path.ToSerializationFormat(), to, message, sender);
    }

    /// <param name="through">Passes on what it gets, perhaps to another node, to one who takes pieces.</param>
    public void TellThrough(IActorRef through, object message, IActorRef sender)
    {
        if (message is ILargeMessage) Send(through, "", through, message, sender);
        else through.Tell(message, sender);
    }

    private void Send(IActorRef endpoint, string path, IActorRef to, object message, IActorRef sender)
    {
        var bytes = _serializer.ToBinary(message);
        if (bytes.Length <= Piece.MaxSize)
        {
            to.Tell(message, sender);
            return;
        }

        var manifest = _serializer.Manifest(message);
        foreach (var piece in Piece.Cut(bytes, ++_number)) endpoint.Tell(new MessagePiece(manifest, path, piece), sender);
    }
}

/// <summary>Puts large messages together again.</summary>
internal sealed class MessageReader(ExtendedActorSystem system)
{
    private readonly PieceReader _pieces = new();
    private readonly ControllerMessageSerializer _serializer = new(system);

    /// <summary>The message that this piece completes, or null.</summary>
    /// <exception cref="SerializationException">It is damaged, or a newer release sent it.</exception>
    public object? On(MessagePiece piece, IActorRef sender) =>
        _pieces.On(piece.Piece, sender) is { } bytes ? _serializer.FromBinary(bytes, piece.Manifest) : null;
}

/// <summary><c>/system/actorbroker-pieces</c>: gives this node's actors the large messages that other nodes send them.</summary>
internal sealed class PieceEndpoint : ReceiveActor
{
    public const string Name = "actorbroker-pieces";

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ExtendedActorSystem _system = (ExtendedActorSystem)Context.System;
    private readonly MessageReader _messages;

    public PieceEndpoint()
    {
        _messages = new MessageReader(_system);
        Receive<MessagePiece>(OnPiece);
    }

    /// <summary>Once in each ActorSystem that a broker runs in.</summary>
    public static void Start(ExtendedActorSystem system) => system.SystemActorOf(Props.Create(() => new PieceEndpoint()), Name);

    private void OnPiece(MessagePiece piece)
    {
        try
        {
            if (_messages.On(piece, Sender) is { } message) _system.Provider.ResolveActorRef(piece.To).Tell(message, Sender);
        }
        catch (SerializationException damage)
        {
            _log.Error(damage, "A message from {0} for {1} can't be read", Sender, piece.To);
        }
    }
}

/// <summary>
/// The way to a controller that may be on another node: passes on what it gets, large messages in pieces. Answers go to
/// the sender directly.
/// </summary>
internal sealed class ControllerLink : ReceiveActor
{
    public ControllerLink(IActorRef controller)
    {
        var messages = new MessageSender((ExtendedActorSystem)Context.System);
        ReceiveAny(message => messages.TellThrough(controller, message, Sender));
    }

    /// <param name="controller">Its proxy.</param>
    public static Props Props(IActorRef controller) => Akka.Actor.Props.Create(() => new ControllerLink(controller));
}

namespace Akka.Remote.Wire;

/// <summary>Bytes from a peer that do not follow the protocol. The connection that brought them is closed; nothing else is touched.</summary>
internal sealed class WireFormatException : Exception
{
    public WireFormatException(string message) : base(message) { }

    public WireFormatException(string message, Exception inner) : base(message, inner) { }
}

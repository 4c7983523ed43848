using Akka.Actor;

namespace Akka.Remote;

/// <summary>Remoting could not be started or used.</summary>
public class RemoteTransportException : AkkaException
{
    public RemoteTransportException(string message, Exception? cause = null) : base(message, cause) { }
}

using Akka.Actor;

namespace Akka.TestKit;

/// <summary>A message that the test actor received, and from whom.</summary>
public abstract class MessageEnvelope
{
    public abstract object Message { get; }

    public abstract IActorRef Sender { get; }
}

public class RealMessageEnvelope(object message, IActorRef sender) : MessageEnvelope
{
    public override object Message => message;

    public override IActorRef Sender => sender;

    public override string ToString() => $"<{message}> from {(sender is null ? "nobody" : sender.ToString())}";
}

/// <summary>Stands for "no message yet".</summary>
public sealed class NullMessageEnvelope : MessageEnvelope
{
    public static NullMessageEnvelope Instance { get; } = new();

    private NullMessageEnvelope() { }

    public override object Message => throw new InvalidOperationException("No message has been received yet.");

    public override IActorRef Sender => throw new InvalidOperationException("No message has been received yet, so there is no last sender.");

    public override string ToString() => "<no message>";
}

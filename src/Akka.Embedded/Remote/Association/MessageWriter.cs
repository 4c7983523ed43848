using System.Text;
using Akka.Actor;
using Akka.Event;
using Akka.Remote.Serialization;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.Remote;

/// <summary>
/// Turns messages into frames at the end of a write buffer. A message that can't be serialized, or is too large, is logged and
/// left out; the connection lives on. One thread at a time.
/// </summary>
internal sealed class MessageWriter(ExtendedActorSystem system, RemoteSettings settings, Address local, int maximumFrameBytes, ILoggingAdapter log)
{
    private byte[] _sender = new byte[256];

    /// <summary>False: dropped, and said so.</summary>
    public bool TryWrite(OutputBuffer output, in Outbound outbound, ulong sequence)
    {
        var start = output.Length;
        try
        {
            if (settings.LogSend)
                log.Debug("RemoteMessage: {0} to [{1}] from [{2}]", outbound.Message, outbound.Recipient, outbound.Sender!);
            var payload = Serialize(outbound.Message);
            var size = PduEncoder.Message(output, outbound.Recipient.SerializedPath, SenderPath(outbound.Sender), payload, sequence, ack: null);
            if (size <= maximumFrameBytes)
                return true;
            output.Truncate(start);
            log.Error(
                "Dropped a message of type {0} for {1}: its frame has {2} bytes, above {3}.maximum-frame-size = {4}.",
                TypeName(outbound.Message), outbound.Recipient, size, Transport.TcpSettings.Path, maximumFrameBytes);
        }
        catch (Exception e)
        {
            // Whatever a serializer throws is the fault of that message alone.
            output.Truncate(start);
            log.Error(e, "Dropped a message of type {0} for {1}: its serialization failed.", TypeName(outbound.Message), outbound.Recipient);
        }

        return false;
    }

    private OutPayload Serialize(object message)
    {
        var serializer = system.Serialization.FindSerializerFor(message);
        var payload = new OutPayload { SerializerId = serializer.Identifier };
        if (serializer is PrimitiveSerializers && message is string text)
        {
            payload.Text = text;
            payload.Manifest = "S";
            return payload;
        }

        payload.Manifest = Akka.Serialization.Serialization.ManifestFor(serializer, message);
        if (serializer is IBufferSerializer direct)
        {
            payload.Direct = direct;
            payload.Message = message;
        }
        else
        {
            payload.Bytes = serializer.ToBinary(message);
        }

        return payload;
    }

    private ReadOnlySpan<byte> SenderPath(IActorRef? sender)
    {
        if (sender is null)
            return default;
        if (sender is RemoteActorRef remote)
            return remote.SerializedPath;
        var path = sender.Path.ToSerializationFormatWithAddress(local);
        if (_sender.Length < path.Length * 3)
            _sender = new byte[path.Length * 3];
        return _sender.AsSpan(0, Encoding.UTF8.GetBytes(path, _sender));
    }

    private static string TypeName(object message)
        => message is IWrappedMessage wrapped ? $"{message.GetType().Name}({WrappedMessage.Unwrap(wrapped).GetType()})" : message.GetType().ToString();
}

using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;

namespace ActorBroker.Messaging;

/// <summary>
/// Asks whatever listens on a port by what address it is an Akka node: the address that clients must use. Akka.Remote
/// drops what is sent to an alias without a word to the sender, but names itself to whoever shakes hands; so this shakes
/// hands and leaves. Not on the way of any request: only for the error message of a client that nobody answered.
/// </summary>
/// <remarks>
/// Wire: int32 length, little-endian, then the protobuf message AkkaProtocolMessage { instruction = 2:
/// AkkaControlMessage { commandType = 1, handshakeInfo = 2: { origin = 1: { system = 1, hostname = 2, port = 3,
/// protocol = 4 }, uid = 2 } } }.
/// </remarks>
public static class NodeProbe
{
    private const int Associate = 1;
    private const int DisassociateShuttingDown = 4;
    private const int MaxAnswer = 4096;

    private static readonly byte[] Farewell = Frame([1 << 3, DisassociateShuttingDown]);

    /// <summary>Null where nothing listens, it is no Akka node, or it did not answer before the cancellation.</summary>
    public static async Task<Address?> AskAddressAsync(string host, int port, CancellationToken cancellation)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host, port, cancellation);
            var stream = client.GetStream();
            await stream.WriteAsync(Handshake(((System.Net.IPEndPoint)client.Client.LocalEndPoint!).Port), cancellation);
            var prefix = new byte[4];
            await stream.ReadExactlyAsync(prefix, cancellation);
            var length = BinaryPrimitives.ReadInt32LittleEndian(prefix);
            if (length is <= 0 or > MaxAnswer) return null;
            var answer = new byte[length];
            await stream.ReadExactlyAsync(answer, cancellation);
            await stream.WriteAsync(Farewell, cancellation); // so that the node need not call it a failure
            return ReadOrigin(answer);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Under a name of its own, so that no real system's association is touched.</summary>
    private static byte[] Handshake(int port)
    {
        var origin = new List<byte>();
        AddText(origin, 1, "actorbroker-probe");
        AddText(origin, 2, "127.0.0.1");
        origin.Add(3 << 3);
        AddVarint(origin, (uint)port);
        AddText(origin, 4, "tcp");

        var handshake = new List<byte>();
        AddBytes(handshake, 1, origin);
        handshake.Add((2 << 3) | 1);
        handshake.AddRange(BitConverter.GetBytes((ulong)port));

        var control = new List<byte> { 1 << 3, Associate };
        AddBytes(control, 2, handshake);
        return Frame(control);
    }

    private static byte[] Frame(List<byte> control)
    {
        var message = new List<byte>();
        AddBytes(message, 2, control);
        var frame = new byte[4 + message.Count];
        BinaryPrimitives.WriteInt32LittleEndian(frame, message.Count);
        message.CopyTo(frame, 4);
        return frame;
    }

    internal static Address? ReadOrigin(ReadOnlySpan<byte> message)
    {
        if (!TryField(message, 2, out var control) || !TryField(control, 2, out var handshake) || !TryField(handshake, 1, out var origin))
            return null;
        if (!TryField(origin, 1, out var system) || !TryField(origin, 2, out var host) || !TryNumber(origin, 3, out var port) || port > 65535)
            return null;
        return new Address(BrokerAddress.DefaultProtocol, Encoding.UTF8.GetString(system), Encoding.UTF8.GetString(host), (int)port);
    }

    private static bool TryField(ReadOnlySpan<byte> message, int field, out ReadOnlySpan<byte> value) => Find(message, field, out value, out _);

    private static bool TryNumber(ReadOnlySpan<byte> message, int field, out ulong value) => Find(message, field, out _, out value);

    /// <summary>The first field of that number; false also where the bytes are no protobuf.</summary>
    private static bool Find(ReadOnlySpan<byte> message, int field, out ReadOnlySpan<byte> bytes, out ulong number)
    {
        bytes = default;
        number = 0;
        while (TakeVarint(ref message, out var tag))
        {
            bytes = default;
            switch (tag & 7)
            {
                case 0 when TakeVarint(ref message, out number):
                    break;
                case 1 when message.Length >= 8:
                    message = message[8..];
                    break;
                case 2 when TakeVarint(ref message, out var length) && length <= (ulong)message.Length:
                    bytes = message[..(int)length];
                    message = message[(int)length..];
                    break;
                case 5 when message.Length >= 4:
                    message = message[4..];
                    break;
                default:
                    return false;
            }

            if (tag >> 3 == (ulong)field) return true;
        }

        return false;
    }

    private static bool TakeVarint(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < bytes.Length && i < 10; i++)
        {
            value |= (ulong)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] >= 0x80) continue;
            bytes = bytes[(i + 1)..];
            return true;
        }

        return false;
    }

    private static void AddText(List<byte> message, int field, string text) => AddBytes(message, field, [.. Encoding.UTF8.GetBytes(text)]);

    private static void AddBytes(List<byte> message, int field, List<byte> value)
    {
        message.Add((byte)((field << 3) | 2));
        AddVarint(message, (uint)value.Count);
        message.AddRange(value);
    }

    private static void AddVarint(List<byte> message, uint value)
    {
        for (; value >= 0x80; value >>= 7) message.Add((byte)(value | 0x80));
        message.Add((byte)value);
    }
}

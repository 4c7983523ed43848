using System.Buffers.Binary;
using System.Text;
using Akka.Actor;
using Akka.Remote.Delivery;
using Akka.Serialization;

namespace Akka.Remote.Wire;

/// <summary>
/// A message on its way out: <see cref="Text"/>, when set, is the UTF-8 body; <see cref="Direct"/>, when set, writes
/// <see cref="Message"/>; otherwise <see cref="Bytes"/> are the body.
/// </summary>
internal ref struct OutPayload
{
    public int SerializerId;
    public string? Manifest;
    public string? Text;
    public IBufferSerializer? Direct;
    public object? Message;
    public ReadOnlySpan<byte> Bytes;

    public readonly int Size => Text is not null ? Encoding.UTF8.GetByteCount(Text) : Direct?.SizeOf(Message!) ?? Bytes.Length;

    /// <param name="target">Of <see cref="Size"/> bytes.</param>
    public readonly void CopyTo(Span<byte> target)
    {
        if (Text is not null)
            Encoding.UTF8.GetBytes(Text, target);
        else if (Direct is not null)
            Direct.Write(Message!, target);
        else
            Bytes.CopyTo(target);
    }
}

/// <summary>
/// Protocol units to frames (layout at <see cref="PduDecoder"/>). Sizes are computed first, so a message goes straight into the
/// write buffer, once.
/// </summary>
internal static class PduEncoder
{
    public const int FrameHeader = 4;

    /// <summary>Handshakes name the transport's protocol only: <c>tcp</c>, where addresses say <c>akka.tcp</c>.</summary>
    public const string AkkaPrefix = "akka.";

    private static readonly byte[] HeartbeatFrame = Control(3);
    private static readonly byte[] DisassociateFrame = Control(2);
    private static readonly byte[] ShutdownFrame = Control(4);
    private static readonly byte[] QuarantinedFrame = Control(5);

    public static ReadOnlySpan<byte> Heartbeat => HeartbeatFrame;

    public static ReadOnlySpan<byte> Disassociate(DisassociateReason reason) => reason switch
    {
        DisassociateReason.Shutdown => ShutdownFrame,
        DisassociateReason.Quarantined => QuarantinedFrame,
        _ => DisassociateFrame,
    };

    public static void Associate(OutputBuffer output, Address origin, int uid)
    {
        using var address = new OutputBuffer();
        WriteAddress(address, origin.WithProtocol(origin.Protocol[AkkaPrefix.Length..]));
        using var handshake = new OutputBuffer();
        handshake.Message(1, address.WrittenSpan);
        // The official engine widens the int as C# does: a negative uid travels with all high bits set.
        handshake.Fixed64(2, unchecked((ulong)uid));
        using var instruction = new OutputBuffer();
        instruction.Int(1, 1);
        instruction.Message(2, handshake.WrittenSpan);
        BinaryPrimitives.WriteInt32LittleEndian(output.Reserve(FrameHeader), OutputBuffer.FieldSize(instruction.Length));
        output.Message(2, instruction.WrittenSpan);
    }

    public static void WriteAddress(OutputBuffer output, Address address)
    {
        output.String(1, address.System);
        output.String(2, address.Host);
        output.Int(3, address.Port ?? 0);
        output.String(4, address.Protocol);
    }

    /// <summary>Appends one message frame and returns its size, header included.</summary>
    public static int Message(
        OutputBuffer output, ReadOnlySpan<byte> recipient, ReadOnlySpan<byte> sender, in OutPayload payload, ulong sequence, Ack? ack)
    {
        var body = payload.Size;
        var manifest = string.IsNullOrEmpty(payload.Manifest) ? 0 : Encoding.UTF8.GetByteCount(payload.Manifest);
        var message = Optional(body) + IntSize(payload.SerializerId) + Optional(manifest);
        var envelope = OutputBuffer.FieldSize(OutputBuffer.FieldSize(recipient.Length)) + OutputBuffer.FieldSize(message)
            + (sender.IsEmpty ? 0 : OutputBuffer.FieldSize(OutputBuffer.FieldSize(sender.Length))) + (sequence == 0 ? 0 : 9);
        var ackSize = ack is { } a ? AckSize(a) : 0;
        var container = (ack is null ? 0 : OutputBuffer.FieldSize(ackSize)) + OutputBuffer.FieldSize(envelope);
        var frame = OutputBuffer.FieldSize(container);

        BinaryPrimitives.WriteInt32LittleEndian(output.Reserve(FrameHeader), frame);
        output.Head(1, container);
        if (ack is { } present)
            WriteAck(output, present, ackSize);
        output.Head(2, envelope);
        output.Head(1, OutputBuffer.FieldSize(recipient.Length));
        output.Message(1, recipient);
        output.Head(2, message);
        if (body > 0)
        {
            output.Head(1, body);
            payload.CopyTo(output.Reserve(body));
        }

        output.Int(2, payload.SerializerId);
        output.String(3, payload.Manifest);
        if (!sender.IsEmpty)
        {
            output.Head(4, OutputBuffer.FieldSize(sender.Length));
            output.Message(1, sender);
        }

        output.Fixed64(5, sequence);
        return FrameHeader + frame;
    }

    public static void PureAck(OutputBuffer output, Ack ack)
    {
        var ackSize = AckSize(ack);
        var container = OutputBuffer.FieldSize(ackSize);
        BinaryPrimitives.WriteInt32LittleEndian(output.Reserve(FrameHeader), OutputBuffer.FieldSize(container));
        output.Head(1, container);
        WriteAck(output, ack, ackSize);
    }

    private static int AckSize(Ack ack)
        => (ack.Cumulative == 0 ? 0 : 9) + (ack.Nacks.Length == 0 ? 0 : OutputBuffer.FieldSize(8 * ack.Nacks.Length));

    private static void WriteAck(OutputBuffer output, Ack ack, int size)
    {
        output.Head(1, size);
        output.Fixed64(1, unchecked((ulong)ack.Cumulative));
        if (ack.Nacks.Length == 0)
            return;
        output.Head(2, 8 * ack.Nacks.Length);
        foreach (var nack in ack.Nacks)
            BinaryPrimitives.WriteUInt64LittleEndian(output.Reserve(8), unchecked((ulong)nack));
    }

    private static int Optional(int length) => length == 0 ? 0 : OutputBuffer.FieldSize(length);

    private static int IntSize(int value) => value == 0 ? 0 : value < 0 ? 11 : 1 + OutputBuffer.VarintSize((uint)value);

    private static byte[] Control(int command)
    {
        using var output = new OutputBuffer();
        BinaryPrimitives.WriteInt32LittleEndian(output.Reserve(FrameHeader), 4);
        output.Head(2, 2);
        output.Int(1, command);
        return output.ToArray();
    }
}

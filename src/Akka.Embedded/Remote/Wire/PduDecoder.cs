using Akka.Actor;
using Akka.Remote.Delivery;

namespace Akka.Remote.Wire;

/// <summary>
/// Frames to protocol units. Layout (field numbers of Akka.NET's WireFormats.proto and ContainerFormats.proto):
/// <code>
/// frame       int32 little-endian length, then AkkaProtocolMessage
/// protocol    1 payload (bytes: container) | 2 instruction { 1 command, 2 handshake { 1 origin, 2 uid fixed64 } }
/// origin      1 system, 2 host, 3 port, 4 protocol
/// container   1 ack { 1 cumulative fixed64, 2 nacks fixed64* }, 2 envelope
/// envelope    1 recipient { 1 path }, 2 message { 1 bytes, 2 serializer, 3 manifest }, 4 sender { 1 path }, 5 seq fixed64
/// </code>
/// </summary>
internal static class PduDecoder
{
    private const int Associate = 1, Disassociate = 2, Heartbeat = 3, ShuttingDown = 4, Quarantined = 5;

    public static Pdu Decode(ReadOnlySpan<byte> frame)
    {
        var pdu = new Pdu();
        var seen = false;
        var reader = new ProtoReader(frame);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    pdu.Payload = reader.BytesValue();
                    seen |= !pdu.Payload.IsEmpty;
                    break;
                case 2:
                    DecodeInstruction(reader.BytesValue(), ref pdu);
                    return pdu;
                default:
                    reader.Skip();
                    break;
            }
        }

        return seen ? pdu : throw new WireFormatException("a frame holds neither a message nor an instruction");
    }

    /// <param name="maxNacks">More missing numbers than the peer can ever have in flight are no acknowledgement.</param>
    public static Envelope DecodeEnvelope(ReadOnlySpan<byte> container, int maxNacks)
    {
        var envelope = new Envelope { Sequence = 0 };
        var reader = new ProtoReader(container);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    envelope.Ack = DecodeAck(reader.BytesValue(), maxNacks);
                    envelope.HasAck = true;
                    break;
                case 2:
                    DecodeRemoteEnvelope(reader.BytesValue(), ref envelope);
                    envelope.HasMessage = true;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (envelope.HasMessage && envelope.Recipient.IsEmpty)
            throw new WireFormatException("an envelope has no recipient");
        return envelope;
    }

    private static void DecodeInstruction(ReadOnlySpan<byte> bytes, ref Pdu pdu)
    {
        var command = 0;
        var handshake = false;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    command = reader.Int32Value();
                    break;
                case 2:
                    DecodeHandshake(reader.BytesValue(), ref pdu);
                    handshake = true;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        (pdu.Kind, pdu.Reason) = command switch
        {
            Associate when handshake => (PduKind.Associate, DisassociateReason.Unknown),
            Disassociate => (PduKind.Disassociate, DisassociateReason.Unknown),
            ShuttingDown => (PduKind.Disassociate, DisassociateReason.Shutdown),
            Quarantined => (PduKind.Disassociate, DisassociateReason.Quarantined),
            Heartbeat => (PduKind.Heartbeat, DisassociateReason.Unknown),
            _ => throw new WireFormatException($"unknown instruction {command}"),
        };
    }

    private static void DecodeHandshake(ReadOnlySpan<byte> bytes, ref Pdu pdu)
    {
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    var origin = DecodeAddress(reader.BytesValue());
                    pdu.Origin = origin.WithProtocol(PduEncoder.AkkaPrefix + origin.Protocol);
                    break;
                case 2:
                    pdu.Uid = unchecked((int)reader.Fixed64Value());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (pdu.Origin is null)
            throw new WireFormatException("a handshake names no origin");
    }

    public static Address DecodeAddress(ReadOnlySpan<byte> bytes)
    {
        string system = "", host = "", protocol = "";
        ulong port = 0;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    system = reader.StringValue();
                    break;
                case 2:
                    host = reader.StringValue();
                    break;
                case 3:
                    port = reader.VarintValue();
                    break;
                case 4:
                    protocol = reader.StringValue();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (system.Length == 0 || host.Length == 0 || protocol.Length == 0 || port is 0 or > 65535)
            throw new WireFormatException("an address is incomplete");
        return new Address(protocol, system, host, (int)port);
    }

    private static Ack DecodeAck(ReadOnlySpan<byte> bytes, int maxNacks)
    {
        ulong cumulative = 0;
        List<long>? nacks = null;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    cumulative = reader.Fixed64Value();
                    break;
                case 2 when reader.IsBytes:
                    // proto3 packs repeated scalars.
                    var packed = reader.BytesValue();
                    if (packed.Length % 8 != 0)
                        throw new WireFormatException("packed nacks are cut short");
                    for (; packed.Length > 0; packed = packed[8..])
                        AddNack(ref nacks, System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(packed), maxNacks);
                    break;
                case 2:
                    AddNack(ref nacks, reader.Fixed64Value(), maxNacks);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new Ack(unchecked((long)cumulative), nacks?.ToArray() ?? Ack.NoNacks);
    }

    private static void AddNack(ref List<long>? nacks, ulong value, int max)
    {
        nacks ??= [];
        if (nacks.Count == max)
            throw new WireFormatException("an acknowledgement names too many missing messages");
        nacks.Add(unchecked((long)value));
    }

    private static void DecodeRemoteEnvelope(ReadOnlySpan<byte> bytes, ref Envelope envelope)
    {
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    envelope.Recipient = DecodePath(reader.BytesValue());
                    break;
                case 2:
                    DecodePayload(reader.BytesValue(), ref envelope);
                    break;
                case 4:
                    envelope.Sender = DecodePath(reader.BytesValue());
                    break;
                case 5:
                    envelope.Sequence = reader.Fixed64Value();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    /// <summary>ActorRefData: its one field is the path.</summary>
    public static ReadOnlySpan<byte> DecodePath(ReadOnlySpan<byte> bytes)
    {
        var path = ReadOnlySpan<byte>.Empty;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            if (field == 1)
                path = reader.BytesValue();
            else
                reader.Skip();
        }

        return path;
    }

    private static void DecodePayload(ReadOnlySpan<byte> bytes, ref Envelope envelope)
    {
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    envelope.Message = reader.BytesValue();
                    break;
                case 2:
                    envelope.SerializerId = reader.Int32Value();
                    break;
                case 3:
                    envelope.Manifest = reader.BytesValue();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }
}

using Akka.Actor;
using Akka.Remote.Delivery;

namespace Akka.Remote.Wire;

/// <summary>Why a peer ended an association, as it said itself.</summary>
internal enum DisassociateReason
{
    Unknown,
    Shutdown,
    Quarantined,
}

internal enum PduKind
{
    Payload,
    Associate,
    Disassociate,
    Heartbeat,
}

/// <summary>One decoded frame of the association protocol. <see cref="Payload"/> points into the receive buffer.</summary>
internal ref struct Pdu
{
    public PduKind Kind;
    public Address? Origin;
    public int Uid;
    public DisassociateReason Reason;
    public ReadOnlySpan<byte> Payload;
}

/// <summary>The content of a payload frame; all spans point into the receive buffer.</summary>
internal ref struct Envelope
{
    /// <summary>The sequence field of messages that are not acknowledged.</summary>
    public const ulong NoSequence = ulong.MaxValue;

    public bool HasAck;
    public Ack Ack;

    /// <summary>False: an acknowledgement alone.</summary>
    public bool HasMessage;
    public ReadOnlySpan<byte> Recipient;
    public ReadOnlySpan<byte> Sender;
    public ReadOnlySpan<byte> Message;
    public ReadOnlySpan<byte> Manifest;
    public int SerializerId;
    public ulong Sequence;

    public readonly bool IsSystem => Sequence != NoSequence;
}

namespace Akka.Remote;

internal enum AssociationState
{
    /// <summary>Nothing to write on, nothing in the way: the next message connects.</summary>
    Idle,
    Connecting,
    Open,

    /// <summary>A connection failed or ended lately: messages become dead letters until the gate opens or the peer connects.</summary>
    Gated,
}

internal enum Verdict
{
    /// <summary>The link is the one to write on.</summary>
    Writer,

    /// <summary>The link is only read: this side writes, or will write, on one of its own.</summary>
    ReadOnly,

    /// <summary>That incarnation of the peer is quarantined.</summary>
    Refused,
}

/// <summary>
/// What is decided about the connections to one peer address. No clock, socket or actor: times come in, decisions go out.
/// <code>
/// Idle        send, or gate open and messages pending -> Connecting      inbound -> Open (passive) or stays
/// Connecting  handshake -> Open      failure -> Gated, or Open on an inbound link that came meanwhile
/// Open        writer lost, quarantine -> Gated
/// Gated       send after the gate's time -> Connecting      inbound -> Open
/// </code>
/// Invariants: <see cref="Uid"/> never equals <see cref="QuarantinedUid"/> while Open; a change of uid is reported exactly once, as
/// <c>newIncarnation</c>, so that the numbering of system messages starts anew on both sides.
/// What this leaves to others: links, queues, events, timers (<see cref="Association"/>).
/// </summary>
internal sealed class AssociationCore(TimeSpan gateFor, TimeSpan quarantineFor)
{
    public AssociationState State { get; private set; } = AssociationState.Idle;

    /// <summary>The peer's incarnation, once a handshake has told it.</summary>
    public int? Uid { get; private set; }

    public int? QuarantinedUid { get; private set; }

    public TimeSpan GatedUntil { get; private set; }

    private TimeSpan _quarantinedUntil;

    /// <summary>A message waits. True: open a connection now.</summary>
    public bool TryConnect(TimeSpan now)
    {
        if (State is AssociationState.Connecting or AssociationState.Open || (State == AssociationState.Gated && now < GatedUntil))
            return false;
        State = AssociationState.Connecting;
        return true;
    }

    /// <summary>Our own connection has been answered.</summary>
    public Verdict OnConnected(int uid, TimeSpan now, out bool newIncarnation)
    {
        newIncarnation = false;
        if (IsQuarantined(uid, now))
        {
            Gate(now);
            return Verdict.Refused;
        }

        newIncarnation = TakeUid(uid);
        State = AssociationState.Open;
        return Verdict.Writer;
    }

    /// <summary>The peer has opened a connection.</summary>
    /// <param name="passiveAllowed">it may be written on</param>
    /// <param name="writerIsPassive">the link written on until now is an earlier one of the peer's, which it must have given up</param>
    public Verdict OnInbound(int uid, bool passiveAllowed, bool writerIsPassive, TimeSpan now, out bool newIncarnation)
    {
        newIncarnation = false;
        if (IsQuarantined(uid, now))
            return Verdict.Refused;
        newIncarnation = TakeUid(uid);
        var keepsWriter = State == AssociationState.Open && !newIncarnation && !writerIsPassive;
        if (keepsWriter || State == AssociationState.Connecting)
            return Verdict.ReadOnly;
        State = passiveAllowed ? AssociationState.Open : AssociationState.Idle;
        return passiveAllowed ? Verdict.Writer : Verdict.ReadOnly;
    }

    /// <param name="peerUntouched">the peer never saw the attempt</param>
    /// <param name="inboundOpen">a connection of the peer's is open and may be written on</param>
    /// <returns>True: write on that one.</returns>
    public bool OnConnectFailed(bool peerUntouched, bool inboundOpen, TimeSpan now)
    {
        if (State != AssociationState.Connecting)
            return false;
        if (peerUntouched && inboundOpen)
        {
            State = AssociationState.Open;
            return true;
        }

        Gate(now);
        return false;
    }

    public void OnWriterLost(TimeSpan now) => Gate(now);

    /// <summary>Refuses that incarnation from now on.</summary>
    /// <returns>True: it is, or may be, the present one, so its links must go and the event be published.</returns>
    public bool Quarantine(int uid, TimeSpan now)
    {
        if (Uid is { } current && current != uid)
            return false;
        if (QuarantinedUid == uid && now < _quarantinedUntil)
            return false;
        QuarantinedUid = uid;
        _quarantinedUntil = now + quarantineFor;
        if (State != AssociationState.Connecting)
            State = AssociationState.Idle;
        return true;
    }

    /// <summary>Cuts a peer whose incarnation is unknown.</summary>
    public void Gate(TimeSpan now)
    {
        State = AssociationState.Gated;
        GatedUntil = now + gateFor;
    }

    public bool IsQuarantined(int uid, TimeSpan now)
    {
        if (QuarantinedUid is not null && now >= _quarantinedUntil)
            QuarantinedUid = null;
        return QuarantinedUid == uid;
    }

    private bool TakeUid(int uid)
    {
        var changed = Uid is { } known && known != uid;
        Uid = uid;
        return changed;
    }
}

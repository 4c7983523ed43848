using System.Buffers.Binary;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using Akka.Remote.Delivery;
using Akka.Remote.Transport;
using Akka.Remote.Wire;

namespace Akka.Remote;

/// <summary>
/// One connection speaking the association protocol: handshake, heartbeats, frames in, frames out.
/// <code>
/// Handshaking -> Open (both sides have said Associate) -> ended
///             -> Refused (the peer is quarantined)     -> ended
/// </code>
/// Reading happens on the connection's thread. Writing is one pump, run whenever something is due: it fills a buffer with control
/// frames first, then with what the association has waiting if this link is the one to write on, and sends the whole in one go.
/// </summary>
internal sealed class Link : IConnectionHandler, IRunnable
{
    /// <summary>Enough to make a system call cheap, little enough that an urgent message never waits long behind what was gathered.</summary>
    public const int BatchBytes = 64 * 1024;

    private const int DueAssociate = 1, DueHeartbeat = 2, DueAck = 4, DueClose = 8;

    private readonly Remoting _remoting;
    private readonly ITransportConnection _connection;
    private readonly OutputBuffer _output = new(4096);
    private readonly InboundDispatcher _inbound;
    private readonly MessageWriter _writer;
    private readonly DeadlineFailureDetector _alive;
    private readonly Lock _readGate = new();
    private readonly TaskCompletionSource _ended = new();
    private ICancelable? _timer;
    private int _due;
    private int _scheduled;
    private int _ending;
    private bool _saidFarewell;
    private DisassociateReason _farewell;
    private volatile bool _superseded;
    private volatile LinkState _state = LinkState.Handshaking;

    public Link(Remoting remoting, ITransportConnection connection, Association? association)
    {
        _remoting = remoting;
        _connection = connection;
        Association = association;
        IsInbound = association is null;
        _inbound = remoting.CreateDispatcher();
        _writer = remoting.CreateWriter();
        _alive = new DeadlineFailureDetector(remoting.Settings.TransportAcceptablePause, remoting.Settings.TransportHeartBeatInterval, remoting.Clock);
    }

    public bool IsInbound { get; }

    /// <summary>Known from the start on a link of our own, after the handshake on a peer's.</summary>
    public Association? Association { get; private set; }

    /// <summary>The peer's incarnation, once it has said so.</summary>
    public int Uid { get; private set; }

    /// <summary>Everything due has been written, or never will be.</summary>
    public Task Ended => _ended.Task;

    public bool IsOpen => _state == LinkState.Open && !HasEnded;

    private bool HasEnded => Volatile.Read(ref _ending) != 0;

    public void Start()
    {
        _alive.HeartBeat();
        _timer = _remoting.Schedule(_remoting.Settings.HandshakeTimeout, HandshakeTimedOut);
        if (!IsInbound)
            Due(DueAssociate);
        _connection.Start(this);
    }

    /// <summary>Something may be waiting to be written.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _scheduled, 1) == 0)
            _remoting.Execute(this);
    }

    /// <summary>System messages have arrived here: the peer waits to hear so, on this connection.</summary>
    public void AckDue() => Due(DueAck);

    /// <summary>
    /// The peer has opened a newer connection, and writes on that one: what is still on its way here could only overtake.
    /// Returns once no message of this link is being delivered.
    /// </summary>
    public void Supersede()
    {
        lock (_readGate)
            _superseded = true;
    }

    /// <summary>What the peer still writes here is not read.</summary>
    public bool IsSuperseded => _superseded;

    /// <summary>Writes what is due, says why, and closes.</summary>
    public void Close(DisassociateReason reason)
    {
        _farewell = reason;
        Due(DueClose);
    }

    public int OnReceived(ReadOnlySpan<byte> bytes, out int wanted)
    {
        wanted = 0;
        var used = 0;
        try
        {
            lock (_readGate)
            {
                while (!HasEnded)
                {
                    var rest = bytes[used..];
                    if (rest.Length < PduEncoder.FrameHeader)
                        return used;
                    var length = BinaryPrimitives.ReadInt32LittleEndian(rest);
                    if (length < 0 || length > _remoting.MaximumFrameBytes - PduEncoder.FrameHeader)
                        throw new WireFormatException($"a frame of {(uint)length} bytes; {TcpSettings.Path}.maximum-frame-size is {_remoting.MaximumFrameBytes}");
                    if (rest.Length - PduEncoder.FrameHeader < length)
                    {
                        wanted = PduEncoder.FrameHeader + length;
                        return used;
                    }

                    if (length > 0)
                        OnFrame(rest.Slice(PduEncoder.FrameHeader, length));
                    used += PduEncoder.FrameHeader + length;
                }
            }

            return bytes.Length;
        }
        catch (WireFormatException e)
        {
            _remoting.Log.Warning("Closed the connection with {0}: it does not speak the protocol ({1})", Name, e.Message);
            End(e, DisassociateReason.Unknown, peerSaidSo: false);
            return bytes.Length;
        }
    }

    public void OnClosed(Exception? cause)
    {
        if (cause is not null and not IOException and not System.Net.Sockets.SocketException)
            _remoting.Log.Error(cause, "The connection with {0} failed", Name);
        End(cause, DisassociateReason.Unknown, peerSaidSo: false);
    }

    private string Name => Association is { } association ? $"[{association.Remote}] ({_connection.Peer})" : _connection.Peer;

    private void OnFrame(ReadOnlySpan<byte> frame)
    {
        _alive.HeartBeat();
        var pdu = PduDecoder.Decode(frame);
        switch (pdu.Kind)
        {
            case PduKind.Payload when _state == LinkState.Open:
                OnPayload(pdu.Payload);
                break;
            case PduKind.Associate when _state == LinkState.Handshaking:
                OnAssociate(pdu.Origin!, pdu.Uid);
                break;
            case PduKind.Disassociate:
                End(null, pdu.Reason, peerSaidSo: true);
                break;
            case PduKind.Heartbeat:
                break;
            default:
                if (_state == LinkState.Refused)
                    break;
                throw new WireFormatException($"an unexpected {pdu.Kind}");
        }
    }

    private void OnAssociate(Address origin, int uid)
    {
        Uid = uid;
        if (IsInbound)
        {
            Association = _remoting.AssociationFor(origin);
            // The answer goes out also when the peer is refused: it must hear the reason as an open association.
            Due(DueAssociate);
        }
        else if (!origin.Equals(Association!.Remote))
        {
            // It would drop every message, each with a line in a log far away. Better to know here and now.
            End(new RemoteTransportException($"that system calls itself [{origin}], and is reached by that name only"), DisassociateReason.Unknown, peerSaidSo: false);
            return;
        }

        _timer?.Cancel();
        if (!Association!.TryOpen(this, out var superseded))
        {
            _state = LinkState.Refused;
            Close(DisassociateReason.Quarantined);
            return;
        }

        // Only newer links wait for older ones here, so no two wait for each other.
        foreach (var older in superseded)
            older.Supersede();
        _timer = _remoting.ScheduleRepeatedly(_remoting.Settings.TransportHeartBeatInterval, Beat);
        _state = LinkState.Open;
        Wake();
    }

    private void OnPayload(ReadOnlySpan<byte> payload)
    {
        var envelope = PduDecoder.DecodeEnvelope(payload, _remoting.Settings.SysMsgBufferSize);
        if (envelope.HasAck)
            Association!.OnAck(this, envelope.Ack);
        if (!envelope.HasMessage || _superseded)
            return;
        if (envelope.IsSystem)
        {
            // One that can't be read still counts: its number must not be asked for again and again.
            _inbound.TryRead(envelope, out var message);
            Association!.OnSystemMessage(this, envelope.Sequence, message, _inbound);
        }
        else if (_inbound.TryRead(envelope, out var inbound))
        {
            _inbound.Deliver(inbound);
        }
    }

    private void Beat()
    {
        if (_alive.IsAvailable)
        {
            Due(DueHeartbeat);
            return;
        }

        _remoting.Log.Warning("Closed the connection with {0}: it was silent for too long", Name);
        End(new TimeoutException("the transport failure detector has triggered"), DisassociateReason.Unknown, peerSaidSo: false);
    }

    private void HandshakeTimedOut()
    {
        if (_state != LinkState.Handshaking)
            return;
        _remoting.Log.Warning("Closed the connection with {0}: no handshake within {1} s", Name, _remoting.Settings.HandshakeTimeout.TotalSeconds);
        End(new TimeoutException($"no handshake within {_remoting.Settings.HandshakeTimeout.TotalSeconds} s"), DisassociateReason.Unknown, peerSaidSo: false);
    }

    private void Due(int what)
    {
        Interlocked.Or(ref _due, what);
        Wake();
    }

    void IRunnable.Run() => _ = Pump();

    void IThreadPoolWorkItem.Execute() => _ = Pump();

    private async Task Pump()
    {
        // The flag stays set while this runs, so the buffer has one user; it stays set for good once the link has ended.
        try
        {
            do
            {
                while (Fill())
                {
                    await _connection.Send(_output.WrittenMemory);
                    _output.Clear();
                    if (_saidFarewell)
                        End(null, DisassociateReason.Unknown, peerSaidSo: false);
                }

                if (HasEnded)
                {
                    Finish();
                    return;
                }

                Interlocked.Exchange(ref _scheduled, 0);
            }
            while (HasWork() && Interlocked.Exchange(ref _scheduled, 1) == 0);
        }
        catch (Exception e)
        {
            // The socket is gone.
            End(e, DisassociateReason.Unknown, peerSaidSo: false);
            Finish();
        }
    }

    /// <summary>What waits for the handshake is still to be sent.</summary>
    private bool MayLeave => _state != LinkState.Handshaking || Association is not { HasPending: true };

    private bool HasWork()
    {
        var due = Volatile.Read(ref _due);
        return HasEnded || (due & ~DueClose) != 0 || ((due & DueClose) != 0 && MayLeave) || (_state == LinkState.Open && Association!.HasWorkFor(this));
    }

    /// <summary>One batch. False: nothing is due.</summary>
    private bool Fill()
    {
        if (HasEnded || _saidFarewell)
            return false;
        var due = Interlocked.And(ref _due, DueClose);
        if ((due & DueAssociate) != 0)
            PduEncoder.Associate(_output, _remoting.LocalAddress, _remoting.Uid);
        if ((due & DueHeartbeat) != 0)
            _output.Write(PduEncoder.Heartbeat);
        if ((due & DueAck) != 0 && Association!.CurrentAck(Uid) is { } ack)
            PduEncoder.PureAck(_output, ack);
        if (_state == LinkState.Open)
            Association!.Fill(this, _output, _writer);
        if (_output.Length == 0 && (due & DueClose) != 0 && MayLeave)
        {
            _output.Write(PduEncoder.Disassociate(_farewell));
            _saidFarewell = true;
        }

        return _output.Length > 0;
    }

    /// <summary>Once: tells the association and closes the connection.</summary>
    private void End(Exception? cause, DisassociateReason reason, bool peerSaidSo)
    {
        if (Interlocked.Exchange(ref _ending, 1) != 0)
            return;
        _timer?.Cancel();
        _connection.Close();
        Association?.OnEnded(this, cause, reason, peerSaidSo);
        // A pump that runs sees the end itself; otherwise this run gives the buffer back.
        Wake();
    }

    private void Finish()
    {
        _output.Dispose();
        _ended.TrySetResult();
    }
}

internal enum LinkState
{
    Handshaking,
    Open,

    /// <summary>The peer is being told why; what it sends meanwhile is ignored.</summary>
    Refused,
}

using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Remote.Delivery;
using Akka.Remote.Transport;
using Akka.Remote.Wire;

namespace Akka.Remote;

/// <summary>
/// Everything about one peer address: what waits to be sent, the links, the system messages in both directions. It performs what
/// <see cref="AssociationCore"/> decides.
/// Sending never blocks and takes no lock: messages queue in three lanes, urgent before system before normal, and the link that
/// is written on empties them. Locks: the gate guards core, links and the send buffer; the receive gate keeps system messages in
/// order. The receive gate is taken first where both are.
/// </summary>
internal sealed partial class Association : IRunnable
{
    private static readonly TimeSpan LargeQueueWarnings = TimeSpan.FromSeconds(5);

    private readonly Remoting _remoting;
    private readonly RemoteSettings _settings;
    private readonly Lock _gate = new();
    private readonly Lock _receiveGate = new();
    private readonly ConcurrentQueue<Outbound> _urgent = new();
    private readonly ConcurrentQueue<Outbound> _system = new();
    private readonly ConcurrentQueue<Outbound> _normal = new();
    private readonly AssociationCore _core;
    private readonly List<Link> _links = [];
    private readonly SystemSendBuffer<Outbound> _sent;
    private readonly List<(long Sequence, Outbound Message)> _resend = [];
    private readonly List<Inbound> _deliverable = [];
    private SystemReceiveBuffer<Inbound> _received;
    private int _receivedFrom;
    private volatile Link? _writer;
    private Link? _connecting;
    private Task _connect = Task.CompletedTask;
    private ICancelable? _retry;
    private ICancelable? _resendTimer;
    private TimeSpan _bailOutAt = TimeSpan.MaxValue;
    private TimeSpan _idleSince;
    private TimeSpan _warnAfter;
    private int _scheduled;
    private bool _closing;

    /// <summary>It has been said in the log; attempts go on until it is reached.</summary>
    private volatile bool _isKnownUnreachable;
    private bool _resendDue;

    public Association(Remoting remoting, Address remote)
    {
        _remoting = remoting;
        _settings = remoting.Settings;
        Remote = remote;
        _core = new AssociationCore(_settings.RetryGateClosedFor, _settings.QuarantineDuration ?? TimeSpan.Zero);
        _sent = new SystemSendBuffer<Outbound>(_settings.SysMsgBufferSize);
        _received = new SystemReceiveBuffer<Inbound>(_settings.SysMsgBufferSize);
        _idleSince = remoting.Now;
    }

    public Address Remote { get; }

    /// <summary>Forgotten by remoting: senders must look the address up again.</summary>
    public bool IsRemoved { get; private set; }

    public void Send(in Outbound outbound)
    {
        switch (Outbound.LaneOf(outbound.Message))
        {
            case Lane.Urgent:
                _urgent.Enqueue(outbound);
                break;
            case Lane.System:
                _system.Enqueue(outbound);
                break;
            default:
                _normal.Enqueue(outbound);
                break;
        }

        // The message must be visible before the wake-up flag is read.
        Interlocked.MemoryBarrier();
        Wake();
    }

    public bool HasPending => !_urgent.IsEmpty || !_system.IsEmpty || !_normal.IsEmpty;

    public bool HasWorkFor(Link link) => ReferenceEquals(_writer, link) && (Volatile.Read(ref _resendDue) || HasPending);

    /// <summary>Moves what waits into the write buffer of the link, up to a batch. Called by that link's pump only.</summary>
    public void Fill(Link link, OutputBuffer output, MessageWriter writer)
    {
        if (!ReferenceEquals(_writer, link))
            return;
        if (Volatile.Read(ref _resendDue))
            Resend(output, writer);
        var count = 0;
        while (output.Length < Link.BatchBytes)
        {
            if (!_urgent.TryDequeue(out var outbound) && !_system.TryDequeue(out outbound) && !_normal.TryDequeue(out outbound))
                break;
            count++;
            if (outbound.IsSystem)
                WriteSystem(outbound, output, writer);
            else
                writer.TryWrite(output, outbound, Wire.Envelope.NoSequence);
        }

        if (count > 0)
            WarnOfLargeQueue();
    }

    /// <summary>What to acknowledge to that incarnation of the peer.</summary>
    public Ack? CurrentAck(int uid)
    {
        lock (_receiveGate)
            return _receivedFrom == uid ? _received.CurrentAck() : null;
    }

    public void OnAck(Link link, Ack ack)
    {
        AckOutcome outcome;
        lock (_gate)
        {
            // Only the link written on can speak of what was written.
            if (!ReferenceEquals(_writer, link))
                return;
            var missing = _resend.Count;
            outcome = _sent.Acknowledge(ack, _resend);
            Volatile.Write(ref _resendDue, _resend.Count > 0);
            if (_resend.Count > missing)
                link.Wake();
        }

        if (outcome == AckOutcome.OutOfSync)
            Quarantine(link.Uid, "its acknowledgements no longer fit the system messages sent to it");
    }

    public void OnSystemMessage(Link link, ulong sequence, in Inbound message, InboundDispatcher dispatcher)
    {
        lock (_receiveGate)
        {
            if (_receivedFrom != link.Uid)
                return;
            _deliverable.Clear();
            if (!_received.Receive(unchecked((long)sequence), message, _deliverable))
                throw new WireFormatException($"a system message numbered {sequence} when {_received.LastDelivered} was the last");
            foreach (var deliverable in _deliverable)
                if (deliverable.Recipient is not null)
                    dispatcher.Deliver(deliverable);
            _deliverable.Clear();
        }

        link.AckDue();
    }

    private void Wake()
    {
        if (_writer is { } writer)
            writer.Wake();
        else
            Schedule();
    }

    private void Schedule()
    {
        if (Interlocked.Exchange(ref _scheduled, 1) == 0)
            _remoting.Execute(this);
    }

    private void WriteSystem(in Outbound outbound, OutputBuffer output, MessageWriter writer)
    {
        long sequence;
        lock (_gate)
        {
            if (!_sent.TryAdd(outbound, out sequence))
                sequence = -1;
            else
                _resendTimer ??= _remoting.Schedule(_settings.SysResendTimeout, ResendTick);
        }

        if (sequence < 0)
            Quarantine(_core.Uid, "too many system messages are unacknowledged");
        else
            writer.TryWrite(output, outbound, (ulong)sequence);
    }

    private void Resend(OutputBuffer output, MessageWriter writer)
    {
        (long Sequence, Outbound Message)[] again;
        lock (_gate)
        {
            again = [.. _resend];
            _resend.Clear();
            Volatile.Write(ref _resendDue, false);
        }

        foreach (var (sequence, message) in again)
            writer.TryWrite(output, message, (ulong)sequence);
    }

    private void ResendTick()
    {
        lock (_gate)
        {
            _resendTimer = null;
            if (_sent.IsEmpty || _closing || _writer is not { } writer)
                return;
            ResendOldest();
            _resendTimer = _remoting.Schedule(_settings.SysResendTimeout, ResendTick);
            writer.Wake();
        }
    }

    /// <summary>Under the gate.</summary>
    private void ResendOldest()
    {
        _resend.Clear();
        _sent.CopyOldest(_settings.SysResendLimit, _resend);
        Volatile.Write(ref _resendDue, _resend.Count > 0);
    }

    private void WarnOfLargeQueue()
    {
        if (_settings.LogBufferSizeExceeding == 0)
            return;
        var now = _remoting.Now;
        if (now < _warnAfter)
            return;
        _warnAfter = now + LargeQueueWarnings;
        var waiting = _normal.Count;
        if (waiting > _settings.LogBufferSizeExceeding)
            _remoting.Log.Warning("{0} messages wait for [{1}]: the sender needs flow control.", waiting, Remote);
    }
}

using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using Akka.Remote.Delivery;
using Akka.Remote.Transport;
using Akka.Remote.Wire;

namespace Akka.Remote;

/// <summary>The comings and goings of links.</summary>
internal sealed partial class Association
{
    /// <summary>A link has learnt the peer's incarnation. False: it is quarantined. The older links must then be superseded.</summary>
    public bool TryOpen(Link link, out Link[] superseded)
    {
        superseded = [];
        Link[] replaced = [];
        Verdict verdict;
        lock (_gate)
        {
            var now = _remoting.Now;
            bool newIncarnation;
            if (link.IsInbound)
            {
                verdict = _core.OnInbound(link.Uid, _settings.UsePassiveConnections, _writer is { IsInbound: true }, now, out newIncarnation);
            }
            else
            {
                _connecting = null;
                verdict = _core.OnConnected(link.Uid, now, out newIncarnation);
            }

            if (verdict != Verdict.Refused)
            {
                if (newIncarnation)
                    replaced = Restart();
                else if (verdict == Verdict.Writer && _writer is { } old)
                    replaced = [old];
                if (link.IsInbound)
                    superseded = [.. _links];
                _links.Add(link);
                if (verdict == Verdict.Writer)
                    UseWriter(link);
            }
        }

        foreach (var old in replaced)
            old.Close(DisassociateReason.Unknown);
        if (verdict == Verdict.Refused)
        {
            _remoting.Log.Info("[{0}] is quarantined (uid {1}) and has not been restarted: refused.", Remote, link.Uid);
            Schedule();
            return false;
        }

        TakeReceiveState(link.Uid);
        if (_isKnownUnreachable)
        {
            _isKnownUnreachable = false;
            _remoting.Log.Info("[{0}] can be reached again.", Remote);
        }

        _remoting.Publish(new AssociatedEvent(_remoting.LocalAddress, Remote, link.IsInbound));
        return true;
    }

    /// <summary>A link of ours could not be opened at all.</summary>
    public void OnConnectFailed(Exception cause) => ConnectFailed(null, cause, DisassociateReason.Unknown, peerUntouched: true);

    /// <summary>A link has ended, for whatever reason.</summary>
    public void OnEnded(Link link, Exception? cause, DisassociateReason reason, bool peerSaidSo)
    {
        if (ConnectFailed(link, cause, reason, peerUntouched: false))
            return;
        Link[] deaf = [];
        bool wasWriter, known;
        lock (_gate)
        {
            known = _links.Remove(link);
            // What ended now may have been an attempt that the peer had long given up, and that a healed network still
            // brought: the peer writes on an older link, and must learn that nobody reads there.
            if (known && link is { IsInbound: true, IsSuperseded: false })
                deaf = [.. _links.Where(static l => l.IsSuperseded)];
            wasWriter = ReferenceEquals(_writer, link);
            if (wasWriter)
            {
                _writer = null;
                _core.OnWriterLost(_remoting.Now);
                _idleSince = _remoting.Now;
                if (!_sent.IsEmpty || !_system.IsEmpty)
                    _bailOutAt = Earlier(_bailOutAt, _remoting.Now + _settings.InitialSysMsgDeliveryTimeout);
            }
        }

        if (!known)
            return;
        foreach (var other in deaf)
            other.Close(DisassociateReason.Unknown);
        _remoting.Publish(new DisassociatedEvent(_remoting.LocalAddress, Remote, link.IsInbound));
        if (reason == DisassociateReason.Quarantined && peerSaidSo)
            OnQuarantinedByPeer();
        else if (wasWriter && !_closing)
            LogLoss(cause, reason);
        if (wasWriter)
            Schedule();
    }

    public void Quarantine(int? uid, string why)
    {
        Link[] links;
        var marked = false;
        lock (_gate)
        {
            var now = _remoting.Now;
            if (uid is { } known)
            {
                if (_core.Uid is null && _core.State == AssociationState.Connecting)
                {
                    // The handshake under way decides.
                    _core.Quarantine(known, now);
                    return;
                }

                marked = _core.Quarantine(known, now);
                if (!marked)
                    return;
                _sent.Reset();
            }
            else
            {
                _core.Gate(now);
            }

            links = [.. _links];
            _links.Clear();
            _writer = null;
            _idleSince = now;
        }

        foreach (var link in links)
        {
            link.Close(marked ? DisassociateReason.Quarantined : DisassociateReason.Unknown);
            _remoting.Publish(new DisassociatedEvent(_remoting.LocalAddress, Remote, link.IsInbound));
        }

        if (marked)
        {
            _remoting.Log.Warning("Association to [{0}] with uid {1} is quarantined: {2}. It must be restarted to be reached again.", Remote, uid!.Value, why);
            _remoting.Publish(new QuarantinedEvent(Remote, uid.Value));
        }
        else
        {
            _remoting.Log.Warning("Association to [{0}] can't be quarantined, as its uid is unknown; gated for {1} s.", Remote, _settings.RetryGateClosedFor.TotalSeconds);
        }

        Schedule();
    }

    /// <summary>Sends what waits, says goodbye, closes. The task ends when all links have.</summary>
    public async Task Close()
    {
        // A connection under way may be what messages wait for.
        if (HasPending)
            await _connect;
        Link[] links;
        lock (_gate)
        {
            _closing = true;
            links = _connecting is { } connecting ? [.. _links, connecting] : [.. _links];
            _retry?.Cancel();
            _resendTimer?.Cancel();
            _resend.Clear();
            _sent.CopyOldest(_settings.SysResendLimit, _resend);
            Volatile.Write(ref _resendDue, _resend.Count > 0);
        }

        foreach (var link in links)
            link.Close(DisassociateReason.Shutdown);
        await Task.WhenAll(Array.ConvertAll(links, static l => l.Ended));
    }

    /// <summary>From time to time: gives up what has been silent for too long. True: nothing here is worth keeping.</summary>
    public bool Prune(TimeSpan now)
    {
        int? silent = null;
        lock (_gate)
        {
            if (_links.Count > 0 || _connecting is not null || _core.State == AssociationState.Connecting)
                return false;
            if (!_sent.IsEmpty && now >= _bailOutAt)
            {
                _sent.Reset();
                silent = _core.Uid;
            }

            if (_core.QuarantinedUid is { } marked && _core.IsQuarantined(marked, now))
                return false;
            var usedSystemMessages = _sent.LastSequence >= 0 || _received.LastDelivered >= 0;
            if (usedSystemMessages && now - _idleSince > _settings.QuarantineSilentSystemTimeout)
                silent = _core.Uid;
            if (silent is null)
            {
                IsRemoved = !usedSystemMessages && _sent.IsEmpty && _urgent.IsEmpty && _system.IsEmpty && _normal.IsEmpty
                    && now - _idleSince > _settings.RetryGateClosedFor + TimeSpan.FromMinutes(1);
                return IsRemoved;
            }
        }

        Quarantine(silent, "its system messages could not be delivered in time");
        return false;
    }

    /// <summary>Under the gate: everything that waits for an acknowledgement goes out again on this link, then what is new.</summary>
    private void UseWriter(Link link)
    {
        _writer = link;
        _retry?.Cancel();
        _bailOutAt = TimeSpan.MaxValue;
        ResendOldest();
        if (!_sent.IsEmpty)
            _resendTimer ??= _remoting.Schedule(_settings.SysResendTimeout, ResendTick);
    }

    /// <summary>Under the gate: the peer is a new process. What the old one never acknowledged dies with it.</summary>
    private Link[] Restart()
    {
        _sent.Reset();
        _writer = null;
        return [.. _links];
    }

    private void TakeReceiveState(int uid)
    {
        lock (_receiveGate)
        {
            if (_receivedFrom == uid)
                return;
            _receivedFrom = uid;
            _received = new SystemReceiveBuffer<Inbound>(_settings.SysMsgBufferSize);
        }
    }

    /// <summary>False: that link was not the one being opened.</summary>
    private bool ConnectFailed(Link? link, Exception? cause, DisassociateReason reason, bool peerUntouched)
    {
        Link[] doubtful = [];
        var connected = false;
        lock (_gate)
        {
            if (!ReferenceEquals(_connecting, link) || _core.State != AssociationState.Connecting)
                return false;
            _connecting = null;
            _idleSince = _remoting.Now;
            var inbound = _settings.UsePassiveConnections ? _links.FindLast(static l => l is { IsInbound: true, IsOpen: true }) : null;
            connected = _core.OnConnectFailed(peerUntouched, inbound is not null, _remoting.Now);
            if (connected)
                UseWriter(inbound!);
            else if (!peerUntouched)
                doubtful = [.. _links];
            if (!connected)
                _bailOutAt = Earlier(_bailOutAt, _remoting.Now + _settings.InitialSysMsgDeliveryTimeout);
        }

        // The peer may have taken the attempt for the newer connection and read on no other.
        foreach (var other in doubtful)
            other.Close(DisassociateReason.Unknown);
        if (reason == DisassociateReason.Quarantined)
            OnQuarantinedByPeer();
        else if (!connected && !_closing)
            LogConnectFailure(cause, reason);
        Schedule();
        return true;
    }

    private void LogConnectFailure(Exception? cause, DisassociateReason reason)
    {
        var why = cause?.Message ?? (reason == DisassociateReason.Shutdown ? "it is shutting down" : "it closed the connection during the handshake");
        // Once, not with each attempt: with a short gate a peer that is away would fill the log.
        _remoting.Log.Log(
            _isKnownUnreachable ? LogLevel.DebugLevel : LogLevel.WarningLevel,
            "Tried to associate with unreachable remote address [{0}]. Address is now gated for {1} ms, all messages to this address become dead letters. Reason: {2}",
            Remote, _settings.RetryGateClosedFor.TotalMilliseconds, why);
        _isKnownUnreachable = true;
        _remoting.Publish(new AssociationErrorEvent(
            new RemoteTransportException($"Association failed with {Remote}: {why}", cause), _remoting.LocalAddress, Remote, inbound: false, LogLevel.WarningLevel));
    }

    private void LogLoss(Exception? cause, DisassociateReason reason)
    {
        if (reason == DisassociateReason.Shutdown)
            _remoting.Log.Debug("[{0}] has shut down; gated for {1} ms.", Remote, _settings.RetryGateClosedFor.TotalMilliseconds);
        else
            _remoting.Log.Warning(
                "Association with remote system {0} has failed; address is now gated for {1} ms. Reason: {2}",
                Remote, _settings.RetryGateClosedFor.TotalMilliseconds, cause?.Message ?? "the peer closed the connection");
    }

    private void OnQuarantinedByPeer()
    {
        _remoting.Log.Warning("[{0}] has quarantined this system: it must be restarted before it can talk to that one again.", Remote);
        _remoting.Publish(new ThisActorSystemQuarantinedEvent(_remoting.LocalAddress, Remote));
    }

    private static TimeSpan Earlier(TimeSpan a, TimeSpan b) => a < b ? a : b;
}

using Akka.Actor;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Remote.Transport;
using Akka.Remote.Wire;

namespace Akka.Remote;

/// <summary>What happens while there is no link to write on.</summary>
internal sealed partial class Association
{
    /// <summary>There is no link to write on: connect, wait, or let messages go.</summary>
    void IThreadPoolWorkItem.Execute() => Run();

    public void Run()
    {
        Interlocked.Exchange(ref _scheduled, 0);
        var connect = false;
        if (IsRemoved)
        {
            // Sent just as it was forgotten: remoting knows where to.
            while (_urgent.TryDequeue(out var outbound) || _system.TryDequeue(out outbound) || _normal.TryDequeue(out outbound))
                _remoting.Send(outbound.Message, outbound.Sender, outbound.Recipient);
            return;
        }

        lock (_gate)
        {
            if (_writer is { } writer)
            {
                writer.Wake();
                return;
            }

            var pending = !_sent.IsEmpty || HasPending;
            if (!pending || _core.State == AssociationState.Connecting)
                return;
            if (_closing)
            {
                DropAll();
                return;
            }

            connect = _core.TryConnect(_remoting.Now);
            if (!connect)
                KeepSystemMessagesOnly();
        }

        if (connect)
            _connect = Connect();
    }

    private async Task Connect()
    {
        ITransportConnection connection;
        try
        {
            connection = await _remoting.Transport.Connect(Remote);
        }
        catch (Exception e)
        {
            OnConnectFailed(e);
            return;
        }

        var link = new Link(_remoting, connection, this);
        lock (_gate)
        {
            _connecting = link;
            if (_closing)
                link.Close(DisassociateReason.Shutdown);
        }

        link.Start();
    }

    /// <summary>
    /// Under the gate, while gated: user messages are lost, as at-most-once allows. System messages are numbered and kept until the
    /// peer can be reached, or has been given up; for a peer never heard of they are lost too, and its watched actors count as dead.
    /// </summary>
    private void KeepSystemMessagesOnly()
    {
        Empty(_urgent);
        Empty(_system);
        Empty(_normal);
        if (_sent.IsEmpty)
            return;
        _retry?.Cancel();
        _retry = _remoting.Schedule(_core.GatedUntil - _remoting.Now, Schedule);
    }

    private void Empty(System.Collections.Concurrent.ConcurrentQueue<Outbound> lane)
    {
        while (lane.TryDequeue(out var outbound))
            if (!outbound.IsSystem || _core.Uid is null)
                Drop(outbound);
            else if (!_sent.TryAdd(outbound, out _))
                _remoting.Log.Error("Dropped a system message for [{0}]: akka.remote.system-message-buffer-size = {1} wait already.", Remote, _settings.SysMsgBufferSize);
    }

    private void DropAll()
    {
        while (_urgent.TryDequeue(out var outbound) || _system.TryDequeue(out outbound) || _normal.TryDequeue(out outbound))
            Drop(outbound);
        _sent.Reset();
    }

    private void Drop(in Outbound outbound)
    {
        if (outbound.Message is Watch watch)
            watch.Watcher.SendSystemMessage(new DeathWatchNotification(watch.Watchee, existenceConfirmed: false, addressTerminated: false));
        else if (!outbound.IsSystem)
            _remoting.DeadLetter(outbound);
    }
}

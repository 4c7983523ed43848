using System.Net.Sockets;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Replication.Wire;

/// <summary>The leader refuses this node; the message is its own.</summary>
internal sealed class LinkRefusedException(ErrorCode error, string reason) : Exception($"{error}: {reason}");

/// <summary>
/// The follower's end of a connection: sends requests, and tells its owner what comes back, until it is disposed or lost.
/// </summary>
internal sealed class FollowerLink : IDisposable
{

    private readonly Socket _socket;
    private readonly FrameReader _frames;
    private readonly CancellationTokenSource _closed = new();
    private Task _sending = Task.CompletedTask;

    private FollowerLink(Socket socket, FrameReader frames)
    {
        _socket = socket;
        _frames = frames;
    }

    /// <summary>An answer to a request; the buffer is the owner's.</summary>
    public sealed record Received(FollowerLink Link, SharedBuffer Frame);

    /// <param name="Cause">Null when the leader closed it.</param>
    public sealed record Lost(FollowerLink Link, Exception? Cause);

    /// <summary>Connects and introduces this node; the answer must come within <see cref="FollowerOptions.SocketTimeout"/>.</summary>
    /// <exception cref="LinkRefusedException">The leader's node does not want this one.</exception>
    public static async Task<FollowerLink> OpenAsync(
        BrokerId self, BrokerId leader, FetcherProtocol.Target target, FollowerOptions options, TimeProvider time)
    {
        using var timeout = new CancellationTokenSource(options.SocketTimeout, time);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (options.ReceiveBuffer > 0) socket.ReceiveBufferSize = options.ReceiveBuffer;
            await socket.ConnectAsync(target.Host, target.Port, timeout.Token);
            _ = await socket.SendAsync(new Handshake(target.ClusterId, self, target.OwnBrokerEpoch, leader).ToFrame(), timeout.Token);
            var frames = new FrameReader(socket, options.ResponseMaxBytes);
            var answer = await frames.ReadAsync(Handshake.MaxBytes, timeout.Token) ?? throw new IOException("it closed the connection instead of an answer to the handshake");
            var (error, reason) = Handshake.ReadAnswer(answer.Rented.AsMemory(0, answer.Length));
            if (error != ErrorCode.None) throw new LinkRefusedException(error, reason);
            return new FollowerLink(socket, frames);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>From now on <paramref name="owner"/> gets <see cref="Received"/> and, once at most, <see cref="Lost"/>.</summary>
    public void Start(IActorRef owner) => _ = ReadAllAsync(owner);

    /// <summary>In the order of the calls. A failure shows as <see cref="Lost"/>.</summary>
    public void Send(byte[] frame) => _sending = SendAfterAsync(_sending, frame);

    public void Dispose()
    {
        _closed.Cancel();
        _socket.Dispose();
    }

    /// <summary>No more than one answer for each request comes, so what the owner has not looked at yet is bounded.</summary>
    private async Task ReadAllAsync(IActorRef owner)
    {
        Exception? end = null;
        try
        {
            while (await _frames.ReadAsync(Array.MaxLength, _closed.Token) is { } frame)
                owner.Tell(new Received(this, new SharedBuffer(frame.Rented, frame.Length)), ActorRefs.NoSender);
        }
        catch (Exception cause) when (Sockets.IsConnectionFault(cause))
        {
            end = cause;
        }

        if (!_closed.IsCancellationRequested) owner.Tell(new Lost(this, end), ActorRefs.NoSender);
    }

    private async Task SendAfterAsync(Task before, byte[] frame)
    {
        await before;
        try
        {
            _ = await _socket.SendAsync(frame, _closed.Token);
        }
        catch (Exception cause) when (Sockets.IsConnectionFault(cause))
        {
            // The reader notices as well, at the latest when the socket is gone.
            _socket.Dispose();
        }
    }
}

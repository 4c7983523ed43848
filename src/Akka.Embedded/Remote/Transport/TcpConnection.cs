using System.Buffers;
using System.Net.Sockets;

namespace Akka.Remote.Transport;

/// <summary>
/// One socket, plain or under TLS. The read loop owns its pooled buffer: it grows when reads fill it or a frame needs more, never
/// beyond what the handler asks for, and shrinks again, so idle connections cost little.
/// </summary>
internal sealed class TcpConnection(Socket socket, Stream stream, Action<TcpConnection> onEnd) : ITransportConnection
{
    private const int Smallest = 8 * 1024, Largest = 256 * 1024;

    /// <summary>How long a closed connection waits for the peer's end. Cutting it at once could destroy what the peer has not read yet.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    private int _closed;
    private Timer? _linger;

    public string Peer { get; } = socket.RemoteEndPoint?.ToString() ?? "unknown";

    private bool IsClosed => Volatile.Read(ref _closed) != 0;

    public void Start(IConnectionHandler handler) => _ = ReadLoop(handler);

    public ValueTask Send(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes);

    public void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
            return;
        try
        {
            socket.Shutdown(SocketShutdown.Send);
            _linger = new Timer(static c => ((TcpConnection)c!).Abort(), this, Linger, Timeout.InfiniteTimeSpan);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Abort();
        }
    }

    /// <summary>Gives the socket back at once.</summary>
    public void Abort()
    {
        Volatile.Write(ref _closed, 1);
        stream.Dispose();
        _linger?.Dispose();
    }

    private async Task ReadLoop(IConnectionHandler handler)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Smallest);
        Exception? cause = null;
        try
        {
            var filled = 0;
            while (true)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(filled)).ConfigureAwait(false);
                if (read == 0)
                    break;
                if (IsClosed)
                {
                    filled = 0;
                    continue;
                }

                filled += read;
                var full = filled == buffer.Length;
                var used = handler.OnReceived(buffer.AsSpan(0, filled), out var wanted);
                filled -= used;
                buffer = MakeRoom(buffer, used, filled, wanted, full);
            }
        }
        catch (Exception e)
        {
            // A broken socket, or a handler that failed: this connection ends, nothing else does.
            cause = IsClosed ? null : e;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            Abort();
            onEnd(this);
            handler.OnClosed(cause);
        }
    }

    /// <summary>Moves what is left to the front of a buffer of the right size.</summary>
    private static byte[] MakeRoom(byte[] buffer, int used, int filled, int wanted, bool full)
    {
        var capacity = buffer.Length;
        if (wanted > capacity)
            capacity = wanted;
        else if (full && capacity < Largest)
            capacity *= 2;
        else if (filled == 0 && capacity > Largest)
            capacity = Smallest;
        if (capacity == buffer.Length)
        {
            if (used > 0 && filled > 0)
                buffer.AsSpan(used, filled).CopyTo(buffer);
            return buffer;
        }

        var other = ArrayPool<byte>.Shared.Rent(capacity);
        buffer.AsSpan(used, filled).CopyTo(other);
        ArrayPool<byte>.Shared.Return(buffer);
        return other;
    }
}

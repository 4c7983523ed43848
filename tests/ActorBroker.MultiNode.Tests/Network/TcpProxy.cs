using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ActorBroker.MultiNode.Tests.Network;

/// <summary>Stands in front of one endpoint; passes on what the links of both ends let through.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private static readonly TimeSpan FirstFrame = TimeSpan.FromSeconds(60);
    private readonly VirtualNetwork _network;
    private readonly string _destination;
    private readonly int _port;
    private readonly int _target;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentDictionary<ProxiedConnection, byte> _connections = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly Task _accepting;

    public TcpProxy(VirtualNetwork network, string destination, int port, int target)
    {
        (_network, _destination, _port, _target) = (network, destination, port, target);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(256);
        _accepting = AcceptAsync();
    }

    public IEnumerable<ProxiedConnection> Connections => _connections.Keys;

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (var connection in _connections.Keys) connection.Reset();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var accepted = await _listener.AcceptAsync(_stopped.Token);
                _ = Task.Run(() => ServeAsync(accepted));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException || _stopped.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException)
            {
                // That one connection failed before it was taken.
            }
        }
    }

    private async Task ServeAsync(Socket accepted)
    {
        accepted.NoDelay = true;
        var target = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        ProxiedConnection? connection = null;
        try
        {
            var (source, first) = await IdentifyAsync(accepted);
            // A dialler that is gone before it could be told apart has nothing to say any more.
            if (source is null) return;
            connection = new ProxiedConnection(source, _destination, accepted, target, _network.Link(source, _destination), _network.Link(_destination, source));
            _connections[connection] = 0;
            await connection.RunAsync(new IPEndPoint(IPAddress.Loopback, _target), first, _stopped.Token);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException or TimeoutException)
        {
            // One connection's end.
        }
        finally
        {
            if (connection is not null) _connections.TryRemove(connection, out _);
            accepted.Close(0);
            target.Close(0);
        }
    }

    /// <summary>Who dialled, and what had to be read from it to know.</summary>
    private async Task<(string? Source, byte[] First)> IdentifyAsync(Socket accepted)
    {
        var port = ((IPEndPoint)accepted.RemoteEndPoint!).Port;
        if (_network.NodeOf(port, _port) is { } node) return (node, []);
        // Not a node: a client of this process, which speaks first.
        var buffer = new byte[64 * 1024];
        var count = 0;
        while (count < buffer.Length)
        {
            var read = await accepted.ReceiveAsync(buffer.AsMemory(count), _stopped.Token).AsTask().WaitAsync(FirstFrame);
            if (read == 0) return (null, []);
            count += read;
            foreach (var system in _network.Systems)
            {
                if (buffer.AsSpan(0, count).IndexOf(System.Text.Encoding.ASCII.GetBytes(system)) >= 0)
                    return (system, buffer[..count]);
            }
        }

        return (null, []);
    }
}

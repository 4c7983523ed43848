using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Conformance.Tests.Remote;

namespace Akka.Conformance.Tests.Cluster;

/// <summary>
/// The wires between members, each of which has a port in front of its own. The first bytes of a connection tell who opened it (its handshake
/// names the opener's public port), so that the links of one member can be cut while those among the others hold.
/// </summary>
internal sealed class ClusterLinks : IDisposable
{
    private readonly List<(Socket Listener, int Public, int Real)> _members = [];
    private readonly ConcurrentDictionary<int, bool> _isolated = new();
    private readonly ConcurrentBag<(Socket Near, Socket Far, int From, int To)> _open = [];

    /// <summary>A member behind a port of its own.</summary>
    public ClusterNode Start(string hocon = "")
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(16);
        var seen = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var real = Ports.Next();
        _members.Add((listener, seen, real));
        _ = Accept(listener, seen, real);
        return ClusterNode.Start(real, hocon, seen);
    }

    /// <summary>Nothing goes in or out any more: open connections are reset, new ones too.</summary>
    public void Isolate(ClusterNode node)
    {
        var port = node.Address.Port!.Value;
        _isolated[port] = true;
        foreach (var (near, far, from, to) in _open)
            if (from == port || to == port)
            {
                near.Dispose();
                far.Dispose();
            }
    }

    public void Heal(ClusterNode node) => _isolated.TryRemove(node.Address.Port!.Value, out _);

    public void Dispose()
    {
        foreach (var member in _members)
            member.Listener.Dispose();
        foreach (var (near, far, _, _) in _open)
        {
            near.Dispose();
            far.Dispose();
        }
    }

    private async Task Accept(Socket listener, int to, int real)
    {
        try
        {
            while (true)
                _ = Serve(await listener.AcceptAsync(), to, real);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task Serve(Socket near, int to, int real)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (near)
        {
            try
            {
                var buffer = new byte[64 * 1024];
                var read = await near.ReceiveAsync(buffer);
                var from = Opener(buffer.AsSpan(0, read));
                _open.Add((near, far, from, to));
                if (_isolated.ContainsKey(from) || _isolated.ContainsKey(to))
                    return;
                await far.ConnectAsync(IPAddress.Loopback, real);
                await far.SendAsync(buffer.AsMemory(0, read));
                await Task.WhenAny(Pump(near, far), Pump(far, near));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Cut.
            }
        }
    }

    private static async Task Pump(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer) is > 0 and var read)
            for (var sent = 0; sent < read;)
                sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
    }

    /// <summary>The port stands as a protobuf varint with field number 3.</summary>
    private int Opener(ReadOnlySpan<byte> handshake)
    {
        foreach (var (_, seen, _) in _members)
            if (handshake.IndexOf((ReadOnlySpan<byte>)[0x18, (byte)(seen | 0x80), (byte)(seen >> 7 | 0x80), (byte)(seen >> 14)]) >= 0)
                return seen;
        throw new InvalidOperationException("a connection of nobody");
    }
}

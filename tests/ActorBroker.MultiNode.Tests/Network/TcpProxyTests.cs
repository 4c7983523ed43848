using System.Net;
using System.Net.Sockets;
using ActorBroker.MultiNode.Tests.Processes;

namespace ActorBroker.MultiNode.Tests.Network;

/// <summary>
/// The proxy by itself: a client (told by the name in its first bytes) and a server that answers each byte with the next
/// one. What a cut holds back arrives when it heals; a one-way cut lets the other way through; a refusal is a reset.
/// </summary>
public sealed class TcpProxyTests : IAsyncDisposable
{
    private const string Server = "the-server";
    private const string Client = "some-client";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan AWhile = TimeSpan.FromMilliseconds(200);

    private readonly VirtualNetwork _network = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly int _public = Ports.Next();
    private readonly List<Socket> _sockets = [];

    public TcpProxyTests()
    {
        var port = Ports.Next();
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen();
        _network.AddSystem(Server);
        _network.AddSystem(Client);
        _network.Serve(Server, _public, port);
    }

    public async ValueTask DisposeAsync()
    {
        await _network.DisposeAsync();
        _listener.Dispose();
        foreach (var socket in _sockets) socket.Dispose();
    }

    [Fact]
    public async Task Bytes_pass_both_ways_and_so_does_the_end()
    {
        var (client, server) = await ConnectAsync();
        await server.SendAsync("pong"u8.ToArray());
        Assert.Equal("pong", await ReadAsync(client, 4));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await ReadAsync(server, 1));
    }

    [Fact]
    public async Task A_cut_holds_bytes_and_ends_back_until_it_heals()
    {
        var (client, server) = await ConnectAsync();
        _network.Cut([Client], [Server]);
        await client.SendAsync("late"u8.ToArray());
        client.Shutdown(SocketShutdown.Send);
        var reading = ReadAsync(server, 5);
        await Assert.ThrowsAsync<TimeoutException>(() => reading.WaitAsync(AWhile));
        _network.Heal();
        Assert.Equal("late", await reading.WaitAsync(Deadline));
    }

    [Fact]
    public async Task A_one_way_cut_lets_the_other_way_through()
    {
        var (client, server) = await ConnectAsync();
        _network.CutOneWay(Client, Server);
        await client.SendAsync("late"u8.ToArray());
        await server.SendAsync("pong"u8.ToArray());
        Assert.Equal("pong", await ReadAsync(client, 4));
        var reading = ReadAsync(server, 4);
        await Assert.ThrowsAsync<TimeoutException>(() => reading.WaitAsync(AWhile));
        // Nor is the server told that its client is gone.
        client.Close(0);
        await Assert.ThrowsAsync<TimeoutException>(() => reading.WaitAsync(AWhile));
    }

    [Fact]
    public async Task New_connections_wait_out_a_cut()
    {
        _network.Cut([Client], [Server]);
        var connecting = ConnectAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => connecting.WaitAsync(AWhile));
        _network.Heal();
        await connecting.WaitAsync(Deadline);
    }

    [Fact]
    public async Task A_refusal_resets_what_is_there_and_what_comes()
    {
        var (client, _) = await ConnectAsync();
        _network.Cut([Client], [Server], LinkState.Refused);
        await Assert.ThrowsAsync<SocketException>(() => ReadAsync(client, 1));
        var next = Dial();
        await next.SendAsync(System.Text.Encoding.ASCII.GetBytes(Client));
        await Assert.ThrowsAsync<SocketException>(() => ReadAsync(next, 1));
    }

    [Fact]
    public async Task A_half_open_connection_carries_nothing_and_new_ones_do()
    {
        var (client, server) = await ConnectAsync();
        _network.HalfOpen(Client, Server);
        await client.SendAsync("lost"u8.ToArray());
        await Assert.ThrowsAsync<TimeoutException>(() => ReadAsync(server, 4).WaitAsync(AWhile));
        await ConnectAsync();
    }

    [Fact]
    public async Task A_node_is_told_by_its_process()
    {
        _network.AddNode("node-1", () => Environment.ProcessId);
        var port = Ports.Next();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen();
        var client = Track(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        await client.ConnectAsync(IPAddress.Loopback, port);
        Assert.Equal("node-1", _network.NodeOf(((IPEndPoint)client.LocalEndPoint!).Port, port));
        Assert.Null(_network.NodeOf(((IPEndPoint)client.LocalEndPoint!).Port, port + 1));
    }

    private Socket Dial()
    {
        var client = Track(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(IPAddress.Loopback, _public);
        return client;
    }

    /// <summary>A client whose first bytes, its name, have reached the server.</summary>
    private async Task<(Socket Client, Socket Server)> ConnectAsync()
    {
        var client = Dial();
        await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(Client));
        var server = Track(await _listener.AcceptAsync().WaitAsync(Deadline));
        Assert.Equal(Client, await ReadAsync(server, Client.Length));
        return (client, server);
    }

    /// <summary>So many bytes, or fewer at the end.</summary>
    private static async Task<string> ReadAsync(Socket socket, int count)
    {
        var buffer = new byte[count];
        var have = 0;
        while (have < count)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(have)).AsTask().WaitAsync(Deadline);
            if (read == 0) break;
            have += read;
        }

        return System.Text.Encoding.ASCII.GetString(buffer, 0, have);
    }

    private Socket Track(Socket socket)
    {
        _sockets.Add(socket);
        return socket;
    }
}

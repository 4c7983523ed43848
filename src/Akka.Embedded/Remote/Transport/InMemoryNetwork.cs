using Akka.Actor;

namespace Akka.Remote.Transport;

/// <summary>
/// A network in one process, for simulations: whoever owns it schedules every delivery, so one seed gives one history. Connections
/// behave as TCP's: bytes in order or not at all. Faults are between two hosts (<c>host:port</c>) and one way each.
/// All calls must come from one thread at a time: that of the simulation.
/// </summary>
internal sealed class InMemoryNetwork(int seed, Action<TimeSpan, Action> schedule)
{
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, InMemoryTransport> _hosts = new(StringComparer.Ordinal);
    private readonly HashSet<(string From, string To)> _cut = [];
    private readonly List<InMemoryConnection> _connections = [];
    private int _nextPort = 40_000;

    /// <summary>Each batch of bytes takes between these, drawn anew; order within a connection holds.</summary>
    public TimeSpan MinDelay { get; set; } = TimeSpan.FromTicks(500);

    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>A host under a name of its own. Port 0 takes a free one.</summary>
    public ITransport CreateTransport(string host, int port) => new InMemoryTransport(this, host, port == 0 ? _nextPort++ : port);

    /// <summary>Bytes from one host to the other vanish; connections stay open, as when a cable is cut.</summary>
    public void Cut(string from, string to) => _cut.Add((from, to));

    /// <summary>Lets bytes through again. What was sent meanwhile arrives now, as TCP sends it again.</summary>
    public void Heal(string from, string to)
    {
        _cut.Remove((from, to));
        foreach (var connection in _connections.ToArray())
            if (connection.Host == from && connection.PeerHost == to)
                connection.Resume();
    }

    /// <summary>Breaks all connections between two hosts; both sides see an error.</summary>
    public void Reset(string a, string b)
    {
        foreach (var connection in _connections.ToArray())
            if (connection.Host == a && connection.PeerHost == b)
                connection.Break(new IOException("connection reset"));
    }

    /// <summary>The host is gone without a word; its peers see their connections break.</summary>
    public void Crash(string host)
    {
        _hosts.Remove(host);
        foreach (var connection in _connections.ToArray())
            if (connection.Host == host)
                connection.Break(new IOException("connection reset"));
    }

    internal bool IsCut(string from, string to) => _cut.Contains((from, to));

    internal void Later(Action action) => schedule(MinDelay + (MaxDelay - MinDelay) * _random.NextDouble(), action);

    internal bool TryAdd(string name, InMemoryTransport transport) => _hosts.TryAdd(name, transport);

    internal void Remove(string name, InMemoryTransport transport)
    {
        if (_hosts.TryGetValue(name, out var present) && ReferenceEquals(present, transport))
            _hosts.Remove(name);
        foreach (var connection in _connections.ToArray())
            if (connection.Host == name)
                connection.Close();
    }

    internal void Forget(InMemoryConnection connection) => _connections.Remove(connection);

    internal Task<ITransportConnection> Connect(string from, string to)
    {
        var result = new TaskCompletionSource<ITransportConnection>();
        Later(() =>
        {
            if (!_hosts.TryGetValue(to, out var target) || target.Acceptor is not { } accept || IsCut(from, to) || IsCut(to, from))
            {
                result.SetException(new RemoteTransportException($"No connection from {from} to {to}"));
                return;
            }

            var near = new InMemoryConnection(this, from, to);
            var far = new InMemoryConnection(this, to, from);
            near.Other = far;
            far.Other = near;
            _connections.Add(near);
            _connections.Add(far);
            accept(far);
            result.SetResult(near);
        });
        return result.Task;
    }
}

internal sealed class InMemoryTransport(InMemoryNetwork network, string host, int port) : ITransport
{
    private readonly string _name = $"{host}:{port}";

    public string Protocol => "akka.tcp";

    internal Action<ITransportConnection>? Acceptor { get; private set; }

    public void Accept(Action<ITransportConnection> accept) => Acceptor = accept;

    public Task<Address> Listen(string systemName)
    {
        if (!network.TryAdd(_name, this))
            throw new RemoteTransportException($"Can't listen on {_name}: it is in use.");
        return Task.FromResult(new Address(Protocol, systemName, host, port));
    }

    public Task<ITransportConnection> Connect(Address remote) => network.Connect(_name, $"{remote.Host}:{remote.Port}");

    public Task Shutdown()
    {
        network.Remove(_name, this);
        return Task.CompletedTask;
    }
}

/// <summary>One end of a connection. What is sent waits in order and is handed to the other end one piece per delay.</summary>
internal sealed class InMemoryConnection(InMemoryNetwork network, string host, string peerHost) : ITransportConnection
{
    private readonly Queue<byte[]?> _flight = new();
    private IConnectionHandler? _handler;
    private byte[] _unread = [];
    private bool _moving;
    private bool _closed;
    private bool _ended;

    public string Host => host;

    public string PeerHost => peerHost;

    public string Peer => peerHost;

    internal InMemoryConnection Other { get; set; } = null!;

    public void Start(IConnectionHandler handler)
    {
        _handler = handler;
        Receive([]);
    }

    public ValueTask Send(ReadOnlyMemory<byte> bytes)
    {
        if (_closed || _ended)
            throw new IOException("the connection is closed");
        _flight.Enqueue(bytes.ToArray());
        Resume();
        return ValueTask.CompletedTask;
    }

    public void Close()
    {
        if (_closed)
            return;
        _closed = true;
        // The end travels behind the bytes.
        _flight.Enqueue(null);
        Resume();
        network.Later(() => End(null));
    }

    internal void Break(Exception cause)
    {
        network.Later(() => End(cause));
        network.Later(() => Other.End(cause));
    }

    internal void Resume()
    {
        if (_moving || _flight.Count == 0 || network.IsCut(host, peerHost))
            return;
        _moving = true;
        network.Later(() =>
        {
            _moving = false;
            if (network.IsCut(host, peerHost) || _flight.Count == 0)
                return;
            if (_flight.Dequeue() is { } bytes)
                Other.Receive(bytes);
            else
                Other.End(null);
            Resume();
        });
    }

    private void Receive(byte[] bytes)
    {
        if (_ended || _closed)
            return;
        if (bytes.Length > 0)
            _unread = [.. _unread, .. bytes];
        if (_handler is null || _unread.Length == 0)
            return;
        var used = _handler.OnReceived(_unread, out _);
        _unread = _unread[used..];
    }

    private void End(Exception? cause)
    {
        if (_ended)
            return;
        _ended = true;
        network.Forget(this);
        _handler?.OnClosed(cause);
    }
}

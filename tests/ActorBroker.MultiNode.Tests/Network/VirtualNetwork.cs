using System.Collections.Concurrent;

namespace ActorBroker.MultiNode.Tests.Network;

/// <summary>
/// How links are intercepted. Every endpoint (a node, and an ActorSystem of a client) binds one port and advertises
/// another, where a <see cref="TcpProxy"/> of the test process listens: so every connection between two of them passes
/// one, whoever opened it. Who opened it:
/// <list type="bullet">
/// <item>A node is known by its process: the proxy looks in /proc for the one that holds the other end of the connection.
/// Source addresses would not do: on Linux a connection to 127.0.0.N comes from 127.0.0.1 unless the socket is bound, which
/// neither engine does; and a connection's first message tells who speaks in Akka.Remote only.</item>
/// <item>A client lives in the test process beside other clients: it is told by the name of its ActorSystem in the first
/// frame that it sends.</item>
/// </list>
/// A link is directed. Both directions of a connection pass the links of its two ends, so that a one-way cut holds
/// whoever dialled. Nodes without proxies (<c>ClusterShape.Proxied = false</c>) meet the plain kernel, which matters where a
/// refused connection is the evidence that a process is gone.
/// </summary>
internal sealed class VirtualNetwork : IAsyncDisposable
{
    private readonly ConcurrentDictionary<(string From, string To), Link> _links = new();
    private readonly ConcurrentDictionary<string, Func<int>> _processes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _systems = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<TcpProxy> _proxies = [];

    /// <summary>Names of the ActorSystems in this process.</summary>
    public IEnumerable<string> Systems => _systems.Keys;

    public IEnumerable<string> Endpoints => _processes.Keys.Concat(_systems.Keys);

    public Link Link(string from, string to) => _links.GetOrAdd((from, to), static _ => new Link());

    public void AddNode(string name, Func<int> processId) => _processes[name] = processId;

    public void AddSystem(string name) => _systems[name] = 0;

    /// <summary>Listens on <paramref name="publicPort"/> for what is meant for an endpoint's <paramref name="boundPort"/>.</summary>
    public void Serve(string name, int publicPort, int boundPort) => _proxies.Add(new TcpProxy(this, name, publicPort, boundPort));

    /// <summary>Both ways between each of these and each of those.</summary>
    public void Cut(IEnumerable<string> these, IEnumerable<string> those, LinkState state = LinkState.Stalled)
    {
        foreach (var (a, b) in these.SelectMany(_ => those, (a, b) => (a, b)))
        {
            CutOneWay(a, b, state);
            CutOneWay(b, a, state);
        }
    }

    public void CutOneWay(string from, string to, LinkState state = LinkState.Stalled)
    {
        Link(from, to).State = state;
        if (state == LinkState.Refused) Each(connection => connection.ResetIfBetween(from, to));
    }

    /// <summary>From everyone but those named.</summary>
    public void Isolate(string name, params string[] except) =>
        Cut([name], Endpoints.Where(other => other != name && !except.Contains(other, StringComparer.Ordinal)).ToList());

    /// <summary>Connections there are now never carry anything again, and neither end is told; new ones work.</summary>
    public void HalfOpen(string a, string b) => Each(connection => connection.FreezeIfBetween(a, b));

    public void Heal()
    {
        foreach (var link in _links.Values)
        {
            link.Delay = TimeSpan.Zero;
            if (link.State != LinkState.Open) link.State = LinkState.Open;
        }
    }

    /// <summary>The node that holds the other end of a connection, or null where it is this process or unknown.</summary>
    public string? NodeOf(int port, int proxyPort)
    {
        var nodes = _processes.Select(node => (node.Key, Process: node.Value())).Where(node => node.Process > 0).ToList();
        var owner = SocketOwner.Find(port, proxyPort, [.. nodes.Select(node => node.Process)]);
        return owner is null ? null : nodes.First(node => node.Process == owner).Key;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies) await proxy.DisposeAsync();
    }

    private void Each(Action<ProxiedConnection> act)
    {
        foreach (var proxy in _proxies)
        {
            foreach (var connection in proxy.Connections) act(connection);
        }
    }
}

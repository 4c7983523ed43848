using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using ActorBroker.Journal;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Tests.Journal;

/// <summary>Several voters in one process: each an actor system of its own, with its own disk, on a real port.</summary>
internal sealed class QuorumNodes
{
    private readonly Config _base;
    private readonly LogOptions _options;
    private readonly Node[] _nodes;
    private readonly ImmutableArray<BrokerId> _ids;
    private readonly ImmutableArray<BrokerId> _initial;
    private readonly ImmutableDictionary<BrokerId, Address> _addresses;
    private int _disks;

    /// <param name="voters">So many of the first form the quorum; the others know only where all systems are.</param>
    public QuorumNodes(int count, Config config, LogOptions options, int? voters = null)
    {
        (_base, _options) = (config, options);
        _nodes = Enumerable.Range(0, count).Select(_ => new Node(Ports.Next(), NewDisk())).ToArray();
        _ids = [.. Enumerable.Range(0, count).Select(i => new BrokerId(i))];
        _initial = _ids[..(voters ?? count)];
        _addresses = _ids.ToImmutableDictionary(id => id, id => new Address("akka.tcp", "quorum", "127.0.0.1", _nodes[id.Value].Port));
    }

    public ActorSystem this[int node] => _nodes[node].System ?? throw new InvalidOperationException($"node {node} is down");

    public static string Remoting(int port) => $$"""
        akka.actor.provider = remote
        akka.log-dead-letters = off
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{port}} }
        akka.remote.retry-gate-closed-for = 200 ms

        """;

    /// <summary>For a node whose system somebody else made, at this node's port.</summary>
    public void Join(int node, ActorSystem system) =>
        JournalLogs.For(system).JoinQuorum(new QuorumIdentity(new Member(_ids[node], _nodes[node].Disk), _initial.Contains(_ids[node]) ? _initial : [])
        {
            AddressOf = id => _initial.Contains(_ids[node]) ? _addresses.GetValueOrDefault(id) : null,
            Contacts = () => [.. _addresses.Remove(_ids[node]).Values],
        });

    public void Start(params int[] nodes)
    {
        foreach (var node in nodes)
        {
            var system = _nodes[node].System = ActorSystem.Create("quorum", ConfigurationFactory.ParseString(Remoting(_nodes[node].Port)).WithFallback(_base));
            JournalLogs.For(system).Configure(new JournalStorage(_nodes[node].Files, "/data/journal", TimeProvider.System, _options));
            Join(node, system);
        }
    }

    public void Stop(params int[] nodes)
    {
        foreach (var node in nodes)
        {
            if (!this[node].Terminate().Wait(TimeSpan.FromSeconds(30))) throw new TimeoutException($"node {node} does not stop");
            _nodes[node].System = null;
        }
    }

    public void LoseDisk(int node) => (_nodes[node].Disk, _nodes[node].Files) = (NewDisk(), new SimulatedFileSystem(node));

    public BrokerId Id(int node) => _ids[node];

    public void StopAll() => Stop([.. Enumerable.Range(0, _nodes.Length).Where(i => _nodes[i].System is not null)]);

    private DirectoryId NewDisk() => new(new Guid(++_disks, 0, 0, new byte[8]));

    private sealed class Node(int port, DirectoryId disk)
    {
        public int Port { get; } = port;

        public DirectoryId Disk { get; set; } = disk;

        public SimulatedFileSystem Files { get; set; } = new(port);

        public ActorSystem? System { get; set; }
    }
}

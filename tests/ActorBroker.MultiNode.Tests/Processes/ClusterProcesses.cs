using System.Globalization;
using ActorBroker.MultiNode.Tests.Network;
using Akka.Actor;
using Akka.Configuration;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Processes;

/// <param name="Voters">The first so many nodes are voters; the others get them as seeds.</param>
/// <param name="Proxied">Every link passes a proxy that can cut it; without, a dead process refuses connections as it does in the field.</param>
/// <param name="Racks">The first node's, the second's and so on; default: nodes are not told of racks.</param>
/// <param name="Settings">HOCON for every node, above the defaults and below the command line.</param>
internal sealed record ClusterShape(int Nodes = 3, int Voters = 3, bool Proxied = false, string Settings = "", IReadOnlyList<string>? Racks = null);

/// <summary>
/// A cluster of real processes on this machine with the client systems that talk to it. Whatever happens in a scenario,
/// its processes end with it; when it fails, every node's output is attached.
/// </summary>
internal sealed class ClusterProcesses : IAsyncDisposable
{
    private const int LinesShown = 60;
    private static int _clusters;

    private readonly ITestOutputHelper _log;
    private readonly string _folder;
    private readonly List<ActorSystem> _systems = [];
    private readonly DateTime _began = DateTime.UtcNow;
    private readonly int _number = Interlocked.Increment(ref _clusters);

    private ClusterProcesses(ClusterShape shape, ITestOutputHelper log)
    {
        (Shape, _log) = (shape, log);
        _folder = Directory.CreateTempSubdirectory("actorbroker-cluster-").FullName;
        Nodes = [.. Lay(shape).Select(setup => new NodeProcess(setup))];
        if (!shape.Proxied) return;
        foreach (var node in Nodes)
        {
            var name = Name(node.Id);
            Network.AddNode(name, () => node.ProcessId);
            Network.Serve(name, node.Setup.PublicPort, node.Setup.Port);
            Network.Serve(name, node.Setup.PublicReplicationPort, node.Setup.ReplicationPort);
        }
    }

    public ClusterShape Shape { get; }

    public IReadOnlyList<NodeProcess> Nodes { get; }

    public VirtualNetwork Network { get; } = new();

    public string Bootstrap => string.Join(',', Nodes.Select(node => node.Setup.Address));

    public NodeProcess this[int id] => Nodes.First(node => node.Id == id);

    public static string Name(int id) => string.Create(CultureInfo.InvariantCulture, $"node-{id}");

    /// <summary>Lays a cluster out, runs the scenario, ends everything; adds the nodes' output to a failure.</summary>
    /// <param name="start">Whether all nodes are ready before the scenario begins.</param>
    public static async Task RunAsync(ITestOutputHelper log, ClusterShape shape, Func<ClusterProcesses, Task> scenario, bool start = true)
    {
        await using var cluster = new ClusterProcesses(shape, log);
        try
        {
            if (start) await cluster.StartAllAsync();
            await scenario(cluster);
            if (Environment.GetEnvironmentVariable("ACTORBROKER_KEEP") is { Length: > 0 }) cluster.Keep();
        }
        catch (Exception)
        {
            cluster.Attach();
            throw;
        }
    }

    public void Say(string what) => _log.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} (+{(DateTime.UtcNow - _began).TotalSeconds:0.0} s) {what}"));

    public Task StartAllAsync() => StartAsync([.. Nodes.Select(node => node.Id)]);

    /// <summary>Starts these in this order, without waiting for one before the next; completes when all are ready.</summary>
    public async Task StartAsync(params int[] ids)
    {
        foreach (var id in ids) this[id].Start();
        await Task.WhenAll(ids.Select(id => this[id].ReadyAsync()));
    }

    /// <summary>All running nodes at the same moment.</summary>
    public async Task KillAllAsync()
    {
        var running = Nodes.Where(node => node.IsRunning).ToList();
        foreach (var node in running) node.SendKill();
        foreach (var node in running) await node.EndedAsync();
    }

    /// <summary>An ActorSystem of a client application, whose links are its own. Ends with the cluster.</summary>
    public ActorSystem NewClient(string name)
    {
        // Names are looked for in raw bytes: they are as unlike other text as can be.
        var system = string.Create(CultureInfo.InvariantCulture, $"{name}-of-{_number}");
        var ports = "port = 0";
        if (Shape.Proxied)
        {
            var (bound, advertised) = (Ports.Next(), Ports.Next());
            Network.AddSystem(system);
            Network.Serve(system, advertised, bound);
            ports = string.Create(CultureInfo.InvariantCulture, $"port = {bound}\npublic-port = {advertised}");
        }

        var created = ActorSystem.Create(system, ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = OFF
              stdout-loglevel = OFF
              actor.provider = remote
              # As README.md advises: a node that has just come back is found at once.
              remote.retry-gate-closed-for = 200ms
              remote.dot-netty.tcp {
                hostname = "127.0.0.1"
                {{ports}}
              }
            }
            """));
        _systems.Add(created);
        return created;
    }

    public async ValueTask DisposeAsync()
    {
        Network.Heal();
        foreach (var system in _systems) await system.Terminate();
        foreach (var node in Nodes.Where(node => node.IsRunning)) node.SendKill();
        foreach (var node in Nodes) await node.DisposeAsync();
        await Network.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The whole output goes to files, its end into the test's own.</summary>
    private void Attach()
    {
        Keep();
        foreach (var node in Nodes)
        {
            var lines = node.Output.Split('\n');
            _log.WriteLine($"===== node {node.Id}, the last {LinesShown} of {lines.Length} lines");
            foreach (var line in lines.TakeLast(LinesShown)) _log.WriteLine(line);
        }
    }

    private void Keep()
    {
        var kept = Directory.CreateTempSubdirectory("actorbroker-output-").FullName;
        foreach (var node in Nodes) File.WriteAllText(Path.Combine(kept, $"{Name(node.Id)}.log"), node.Output);
        Say($"all output of the nodes is in {kept}");
    }

    private IEnumerable<NodeSetup> Lay(ClusterShape shape)
    {
        var ports = Enumerable.Range(0, shape.Nodes)
            .Select(_ => (Remote: Ports.Next(), Replication: Ports.Next(), Public: shape.Proxied ? Ports.Next() : 0, PublicReplication: shape.Proxied ? Ports.Next() : 0))
            .ToList();
        int PublicPort(int index) => shape.Proxied ? ports[index].Public : ports[index].Remote;
        var voters = Enumerable.Range(0, shape.Voters).Select(index => (Id: index + 1, Address: $"127.0.0.1:{PublicPort(index)}")).ToList();
        for (var index = 0; index < shape.Nodes; index++)
        {
            var id = index + 1;
            var (remote, replication, _, publicReplication) = ports[index];
            var settings = Path.Combine(_folder, $"node-{id}.conf");
            File.WriteAllText(settings, shape.Settings + (shape.Proxied
                ? $"\nakka.remote.dot-netty.tcp.public-port = {PublicPort(index)}\nactorbroker.replication.advertised-port = {publicReplication}\n"
                : "\n"));
            // One node by itself is told of no others, as a newcomer starts it.
            string[] membership = shape.Nodes == 1 ? [] : index < shape.Voters
                ? ["--voters", string.Join(',', voters.Select(voter => $"{voter.Id}@{voter.Address}"))]
                : [.. voters.SelectMany(voter => (string[])["--seed", voter.Address])];
            yield return new NodeSetup(id, remote, replication, PublicPort(index), shape.Proxied ? publicReplication : replication, _folder,
            [
                "--config", settings, "--id", $"{id}", "--host", "127.0.0.1", "--port", $"{remote}",
                .. shape.Nodes == 1 ? Array.Empty<string>() : ["--replication-port", $"{replication}"], .. membership,
                .. shape.Racks is { } racks ? (string[])["--rack", racks[index]] : [], "--json",
            ]);
        }
    }
}

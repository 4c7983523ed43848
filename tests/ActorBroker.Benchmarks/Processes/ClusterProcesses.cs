using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ActorBroker.Benchmarks;

/// <summary>Three nodes of one cluster, each a process with a new data folder.</summary>
internal sealed class ClusterProcesses : IDisposable
{
    private const int Nodes = 3;

    private readonly List<ChildProcess> _processes = [];
    private readonly string _data = Directory.CreateTempSubdirectory("actorbroker-bench-").FullName;

    public string Bootstrap { get; private set; } = "";

    /// <summary>User and system, of all nodes.</summary>
    public TimeSpan ProcessorTime => TimeSpan.FromTicks(_processes.Sum(static process => process.ProcessorTime.Ticks));

    /// <summary>Bytes, by all nodes since they began.</summary>
    public long Allocated => _processes.Sum(static process => process.Allocated);

    public IReadOnlyList<ChildProcess> Processes => _processes;

    /// <summary>Returns once each has said that it is ready.</summary>
    public static async Task<ClusterProcesses> StartAsync()
    {
        var cluster = new ClusterProcesses();
        var ports = FreePorts();
        var voters = string.Join(",", ports.Select(static (port, index) => string.Create(CultureInfo.InvariantCulture, $"{index + 1}@127.0.0.1:{port}")));
        for (var i = 0; i < Nodes; i++)
        {
            cluster._processes.Add(ChildProcess.StartCounted(
                BrokerProcess.Program, "start", "--id", Text(i + 1), "--port", Text(ports[i]), "--kafka-port", "off", "--voters", voters, "--data", Path.Join(cluster._data, Text(i + 1)), "--json"));
        }

        foreach (var process in cluster._processes)
            while (!(await process.ReadLineAsync()).Contains("\"ready\"", StringComparison.Ordinal))
            {
            }

        cluster.Bootstrap = $"127.0.0.1:{Text(ports[0])}";
        return cluster;
    }

    public void Dispose()
    {
        foreach (var process in _processes) process.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private static int[] FreePorts()
    {
        var probes = Enumerable.Range(0, Nodes).Select(static _ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        foreach (var probe in probes) probe.Start();
        var ports = probes.Select(static probe => ((IPEndPoint)probe.LocalEndpoint).Port).ToArray();
        foreach (var probe in probes) probe.Dispose();
        return ports;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ActorBroker.Benchmarks;

/// <summary>The <c>actorbroker</c> program, as built beside this one, with a new data folder.</summary>
internal sealed class BrokerProcess : IDisposable
{
    private readonly string _data;

    private BrokerProcess(ChildProcess process, int port, string data)
    {
        Process = process;
        Port = port;
        _data = data;
    }

    /// <summary>Built beside this one, in the same configuration.</summary>
    public static string Program { get; } = Path.Join(
        AppContext.BaseDirectory.Replace(Path.Join("tests", "ActorBroker.Benchmarks"), Path.Join("src", "ActorBroker.Cli"), StringComparison.Ordinal),
        OperatingSystem.IsWindows() ? "ActorBroker.Cli.exe" : "ActorBroker.Cli");

    public ChildProcess Process { get; }

    public int Port { get; }

    public string Bootstrap => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    /// <summary>Returns at once; its first line of output says that it is ready.</summary>
    public static BrokerProcess Start()
    {
        var data = Directory.CreateTempSubdirectory("actorbroker-bench-").FullName;
        var port = FreePort();
        var process = ChildProcess.Start(Program, "start", "--port", port.ToString(CultureInfo.InvariantCulture), "--kafka-port", "0", "--data", data, "--json");
        return new BrokerProcess(process, port, data);
    }

    public static async Task<BrokerProcess> StartAndWaitAsync()
    {
        var broker = Start();
        await broker.Process.ReadLineAsync();
        return broker;
    }

    public void Dispose()
    {
        Process.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}

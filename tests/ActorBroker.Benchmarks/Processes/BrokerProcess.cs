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

    public ChildProcess Process { get; }

    public int Port { get; }

    public string Bootstrap => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    /// <summary>Returns at once; its first line of output says that it is ready.</summary>
    public static BrokerProcess Start()
    {
        var folder = AppContext.BaseDirectory.Replace(
            Path.Join("tests", "ActorBroker.Benchmarks"), Path.Join("src", "ActorBroker.Cli"), StringComparison.Ordinal);
        var program = Path.Join(folder, OperatingSystem.IsWindows() ? "ActorBroker.Cli.exe" : "ActorBroker.Cli");
        var data = Directory.CreateTempSubdirectory("actorbroker-bench-").FullName;
        var port = FreePort();
        var process = ChildProcess.Start(program, "start", "--port", port.ToString(CultureInfo.InvariantCulture), "--data", data, "--json");
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

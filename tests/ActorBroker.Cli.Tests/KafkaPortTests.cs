using System.Net.Sockets;
using System.Text.Json;
using ActorBroker.Cli.Hosting;

namespace ActorBroker.Cli.Tests;

/// <summary>Kafka clients have a port unless it is said otherwise, and the line of readiness says which; a node run in this process.</summary>
public class KafkaPortTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_line_of_readiness_says_where_Kafka_clients_connect_and_there_they_can()
    {
        var ready = await RunAsync(new StartSettings { KafkaPort = "0" }, async line =>
        {
            var address = line.GetProperty("kafka").GetString()!;
            Assert.StartsWith("127.0.0.1:", address, StringComparison.Ordinal);
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", int.Parse(address.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture));
        });
        Assert.Equal("ready", ready.GetProperty("event").GetString());
    }

    [Fact]
    public async Task What_is_advertised_is_what_is_said()
    {
        var ready = await RunAsync(new StartSettings { KafkaPort = "0", AdvertisedKafka = "broker.example:19092" });
        Assert.Equal("broker.example:19092", ready.GetProperty("kafka").GetString());
    }

    [Fact]
    public async Task Off_is_off() =>
        Assert.False((await RunAsync(new StartSettings { KafkaPort = "off" })).TryGetProperty("kafka", out _));

    [Fact]
    public void The_default_port_is_Kafkas() =>
        Assert.Equal("KAFKA://:9092", NodeConfig.Build(new StartSettings()).GetString("actorbroker.listeners"));

    private static async Task<JsonElement> RunAsync(StartSettings settings, Func<JsonElement, Task>? then = null)
    {
        var folder = Directory.CreateTempSubdirectory("actorbroker-test-").FullName;
        try
        {
            using var stop = new CancellationTokenSource();
            var output = new FirstLine();
            var running = NodeRunner.RunAsync(settings with { Port = 0, DataDirectory = folder }, json: true, output, stop.Token);
            var line = JsonDocument.Parse(await output.Line.WaitAsync(Deadline)).RootElement;
            if (then is not null) await then(line);
            await stop.CancelAsync();
            Assert.Equal(0, await running.WaitAsync(Deadline));
            return line;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class FirstLine : StringWriter
    {
        private readonly TaskCompletionSource<string> _line = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Line => _line.Task;

        public override void Flush() => _line.TrySetResult(ToString());
    }
}

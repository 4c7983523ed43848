using System.Net;
using System.Net.Sockets;
using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.Cli.Tests;

/// <summary>What a person can get wrong is answered with one clear sentence and an exit code, and harms nothing.</summary>
public class BadInputTests
{
    [Theory]
    [InlineData("frobnicate", "frobnicate")]
    [InlineData("topics create", "NAME")]
    [InlineData("start --port 70000", "--port must be from 0 to 65535")]
    [InlineData("start --id -1", "--id must not be negative")]
    [InlineData("start --id one", "one")]
    [InlineData("start --config /nonexistent/node.conf", "/nonexistent/node.conf can't be read")]
    [InlineData("consume t --from yesterday", "--from 'yesterday'")]
    [InlineData("consume t --format %q", "%q")]
    [InlineData("consume t --max 0", "--max must be at least 1")]
    [InlineData("produce t --acks 2", "2")]
    [InlineData("produce t --header noequals", "--header 'noequals'")]
    [InlineData("produce t --file /nonexistent/lines", "/nonexistent/lines can't be read")]
    [InlineData("topics list --bootstrap nowhere", "HOST:PORT")]
    [InlineData("topics elect-leaders --type unclean", "name the topics")]
    [InlineData("topics elect-leaders --type soon", "soon")]
    [InlineData("topics elect-leaders t:x", "TOPIC:P")]
    [InlineData("topics reassign t", "--replicas")]
    [InlineData("topics reassign t --replicas 1,x", "list of broker numbers")]
    [InlineData("topics reassign t --replicas 1,1", "broker 1 more than once")]
    [InlineData("topics reassign t --replicas 1 --cancel", "exclude each other")]
    [InlineData("cluster voters add", "N")]
    [InlineData("cluster voters add -1", "N must not be negative")]
    [InlineData("cluster unregister x", "x")]
    public async Task Wrong_usage_is_said_and_exits_with_2(string arguments, string part) =>
        Refused(await InProcess.RunAsync(arguments.Split(' ')), 2, part);

    [Theory]
    [InlineData("a = ${nowhere}", "HOCON")]
#if !AKKA_NUGET
    // The official parser takes the end of the file for the missing value and brace.
    [InlineData("a { b = ", "HOCON")]
#endif
    [InlineData("actorbroker.node.id = minus\nactorbroker.num.partitions = 0", "actorbroker.node.id = minus is not a whole number")]
    [InlineData("actorbroker.num.partitions = 0\nactorbroker.log.retention.ms = -7", "actorbroker.log.retention.ms = -7 must be at least -1")]
    public async Task A_configuration_file_that_can_not_be_used_is_said_and_exits_with_2(string hocon, string part)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "node.conf");
        await File.WriteAllTextAsync(file, hocon);
        Refused(await InProcess.RunAsync("start", "--config", file, "--port", "0", "--kafka-port", "off", "--data", Path.Combine(folder.Path, "data")), 2, part);
    }

    [Fact]
    public async Task A_port_in_use_is_said()
    {
        using var folder = new TemporaryFolder();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var result = await CliProcess.RunAsync("start", "--port", $"{port}", "--kafka-port", "off", "--data", folder.Path);
#if AKKA_NUGET
        // The official engine logs the failed bind, stack and all, before it tells its caller.
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"actorbroker: 127.0.0.1:{port} is in use", result.Error, StringComparison.Ordinal);
#else
        Refused(result, 1, $"127.0.0.1:{port} is in use");
#endif
    }

    [Fact]
    public async Task A_port_for_Kafka_clients_that_is_in_use_is_said_and_leaves_the_data_folder_free()
    {
        using var folder = new TemporaryFolder();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        for (var run = 0; run < 2; run++)
            Refused(await CliProcess.RunAsync("start", "--port", "0", "--kafka-port", $"{port}", "--data", folder.Path), 1, $"127.0.0.1:{port} is in use");
    }

    [Theory]
    [InlineData("--kafka-port", "65536", "--kafka-port 65536 must be from 0 to 65535, or off")]
    [InlineData("--kafka-port", "none", "must be from 0 to 65535, or off")]
    [InlineData("--advertised-kafka", "host", "actorbroker.advertised.listeners = KAFKA://host must be KAFKA://HOST:PORT")]
    public async Task A_place_for_Kafka_clients_that_makes_no_sense_exits_with_2(string option, string value, string part)
    {
        using var folder = new TemporaryFolder();
        Refused(await InProcess.RunAsync("start", "--port", "0", option, value, "--data", folder.Path), 2, part);
    }

    [Fact]
    public async Task A_data_folder_belongs_to_one_running_node_of_one_id_and_cluster()
    {
        await using var node = await NodeProcess.StartNewAsync("--id", "7");
        Refused(await CliProcess.RunAsync("start", "--id", "7", "--port", "0", "--kafka-port", "off", "--data", node.DataDirectory), 1, "in use");
        await node.StopAsync();
        Refused(await CliProcess.RunAsync("start", "--id", "8", "--port", "0", "--kafka-port", "off", "--data", node.DataDirectory), 1, "belongs to node 7");
        Refused(await CliProcess.RunAsync("start", "--id", "7", "--port", "0", "--kafka-port", "off", "--cluster-id", "AAAAAAAAAAAAAAAAAAAAAA", "--data", node.DataDirectory), 1, "belongs to cluster");
        await node.StartAsync("--id", "7");
    }

    [Fact]
    public async Task A_node_that_is_not_there_is_unreachable()
    {
        var address = $"127.0.0.1:{Ports.Next()}";
        var results = await Task.WhenAll(
            InProcess.RunAsync("topics", "list", "--bootstrap", address),
            CliProcess.RunAsync("line\n"u8.ToArray(), "produce", "t", "--bootstrap", address),
            CliProcess.RunAsync("consume", "t", "--bootstrap", address));
        foreach (var result in results) Refused(result, 3, address);
    }

    [Fact]
    public async Task Requests_that_can_not_be_are_refused_and_the_node_serves_on()
    {
        await using var node = await NodeProcess.StartNewAsync();
        await Refuse(1, "no topic 'missing'", "consume", "missing");
        await Refuse(1, "no topic 'missing'", "produce", "missing");
        await Refuse(1, "no topic 'missing'", "topics", "describe", "missing");
        await Refuse(1, "no topic 'missing'", "topics", "delete", "missing");
        await Refuse(1, "'a/b'", "topics", "create", "a/b");
        await Refuse(1, "replication factor 2", "topics", "create", "t", "--replication-factor", "2");
        await Refuse(1, "retention.msec", "topics", "create", "t", "--config", "retention.msec=1");
        Assert.Equal(0, (await InProcess.RunAsync("topics", "create", "t", "--config", "max.message.bytes=1000", "--bootstrap", node.Bootstrap)).ExitCode);
        await Refuse(1, "already exists", "topics", "create", "t");
        await Refuse(1, "has no partition 5", "consume", "t", "--partition", "5");
        await Refuse(1, "partitions can't be taken away", "topics", "alter", "t", "--partitions", "1");

        var oversized = await CliProcess.RunAsync([.. "small\n"u8, .. new byte[5000].Select(_ => (byte)'x'), (byte)'\n', .. "small too"u8], "produce", "t", "--json", "--batch-size", "1", "--bootstrap", node.Bootstrap);
        Refused(oversized, 1, "max.message.bytes");
        Assert.Contains("\"records\":2,", oversized.Output, StringComparison.Ordinal);
        Assert.Contains("\"failed\":1", oversized.Output, StringComparison.Ordinal);

        var consumed = await CliProcess.RunAsync("consume", "t", "--exit-at-end", "--bootstrap", node.Bootstrap);
        Assert.Equal(["small", "small too"], consumed.Lines);

        async Task Refuse(int exitCode, string part, string first, string second, string? third = null, string? fourth = null, string? fifth = null)
        {
            string[] arguments = [.. new[] { first, second, third, fourth, fifth }.OfType<string>(), "--bootstrap", node.Bootstrap];
            Refused(await InProcess.RunAsync(arguments), exitCode, part);
        }
    }

    [Fact]
    public async Task Garbage_on_the_port_costs_its_sender_the_connection_and_nobody_else()
    {
        await using var node = await NodeProcess.StartNewAsync();
        var random = new Random(4053);
        for (var i = 0; i < 20; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, node.Port);
            var garbage = new byte[random.Next(1, 4096)];
            random.NextBytes(garbage);
            await client.GetStream().WriteAsync(garbage);
        }

        Assert.Equal(0, (await InProcess.RunAsync("topics", "create", "t", "--bootstrap", node.Bootstrap)).ExitCode);
        Assert.Equal(0, await node.StopAsync());
    }

    private static void Refused(CliResult result, int exitCode, string part)
    {
        Assert.True(result.ExitCode == exitCode, $"exit code {result.ExitCode}, not {exitCode}\n{result.Output}\n{result.Error}");
        Assert.Contains(part, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("actorbroker-test-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}

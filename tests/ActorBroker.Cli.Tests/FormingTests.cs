using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.Cli.Tests;

/// <summary>Three processes as one cluster, as the person who starts them sees it.</summary>
public class FormingTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Any_two_of_three_form_the_cluster_and_who_was_missing_or_killed_joins()
    {
        await using var first = new NodeProcess();
        await using var second = new NodeProcess();
        await using var third = new NodeProcess();
        var voters = $"1@{first.Bootstrap},2@{second.Bootstrap},3@{third.Bootstrap}";
        // The very first time all voters are needed.
        var ready = await Task.WhenAll(Start(third, 3), Start(second, 2), Start(first, 1));
        var cluster = Assert.Single(ready.Select(line => line.GetProperty("cluster_id").GetString()).Distinct());

        Assert.Equal(0, (await InProcess.RunAsync("topics", "create", "t", "--replication-factor", "3", "--bootstrap", first.Bootstrap)).ExitCode);
        await third.KillAsync();
        Assert.Equal(cluster, (await Start(third, 3)).GetProperty("cluster_id").GetString());

        await Task.WhenAll(first.KillAsync(), second.KillAsync(), third.KillAsync());
        ready = await Task.WhenAll(Start(third, 3), Start(second, 2));
        Assert.All(ready, line => Assert.Equal(cluster, line.GetProperty("cluster_id").GetString()));
        var described = await InProcess.RunAsync("topics", "list", "--bootstrap", second.Bootstrap);
        Assert.Equal(["t"], described.Lines);

        Task<JsonElement> Start(NodeProcess node, int id) => node.StartAsync("--id", $"{id}", "--voters", voters);
    }

    [Fact]
    public async Task A_node_with_the_data_of_another_cluster_is_refused_in_words()
    {
        await using var ours = new NodeProcess();
        await using var theirs = new NodeProcess();
        var own = (await ours.StartAsync("--id", "1")).GetProperty("cluster_id").GetString();
        var other = (await theirs.StartAsync("--id", "2")).GetProperty("cluster_id").GetString();
        Assert.NotEqual(own, other);
        await theirs.StopAsync();

        var refused = await CliProcess.RunAsync("start", "--id", "2", "--port", $"{theirs.Port}", "--kafka-port", "off", "--data", theirs.DataDirectory, "--seed", ours.Bootstrap);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"belongs to cluster {own}, this node's data to cluster {other}", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await InProcess.RunAsync("topics", "list", "--bootstrap", ours.Bootstrap)).ExitCode);
    }

    [Fact]
    public async Task Dev_runs_a_cluster_and_leaves_no_process_behind_even_when_it_is_killed()
    {
        var folder = Directory.CreateTempSubdirectory("actorbroker-test-").FullName;
        var ports = Ports.NextInARow(3);
        using var dev = CliProcess.Start("dev", "--nodes", "3", "--data", folder, "--port-base", $"{ports}", "--kafka-port", "off", "--json");
        try
        {
            _ = dev.StandardError.ReadToEndAsync();
            var line = await dev.StandardOutput.ReadLineAsync().WaitAsync(Deadline);
            using var ready = JsonDocument.Parse(line!);
            Assert.Equal(3, ready.RootElement.GetProperty("nodes").GetInt32());
            var bootstrap = ready.RootElement.GetProperty("bootstrap").GetString()!;
            Assert.Equal(0, (await InProcess.RunAsync("topics", "create", "t", "--replication-factor", "3", "--bootstrap", bootstrap)).ExitCode);
            dev.Kill();
            await dev.WaitForExitAsync().WaitAsync(Deadline);
            for (var port = ports; port < ports + 3; port++) await UntilRefused(port);
        }
        finally
        {
            if (!dev.HasExited) dev.Kill();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Each file in hocon/ starts what it describes; only ports and folders are the test's.</summary>
    [Fact]
    public async Task Every_configuration_to_start_from_starts()
    {
        var files = Directory.GetFiles(Path.Combine(Repository(), "hocon"), "*.conf").Order().Select(file => Path.GetFileName(file)).ToArray();
        Assert.Equal(["single-node.conf", "three-nodes.conf"], files);

        await using var single = new NodeProcess();
        await single.StartAsync("--config", Path.Combine(Repository(), "hocon", "single-node.conf"));
        await single.KillAsync();

        await using var first = new NodeProcess();
        await using var second = new NodeProcess();
        await using var third = new NodeProcess();
        var config = Path.Combine(Repository(), "hocon", "three-nodes.conf");
        var voters = $"1@{first.Bootstrap},2@{second.Bootstrap},3@{third.Bootstrap}";
        await Task.WhenAll(new[] { first, second, third }.Select((node, i) => node.StartAsync("--config", config, "--id", $"{i + 1}", "--voters", voters)));
    }

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ActorBroker.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    private static async Task UntilRefused(int port)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (true)
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port, deadline.Token);
            }
            catch (SocketException)
            {
                return;
            }

            await Task.Delay(100, deadline.Token);
        }
    }
}

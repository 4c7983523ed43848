using System.Runtime.InteropServices;
using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.Cli.Tests;

/// <summary>A node's life as the person on call sees it: how it stops, what it calls itself, what its files hold.</summary>
public class NodeTests
{
    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    public async Task Signals_stop_a_node_cleanly(PosixSignal signal)
    {
        await using var node = await NodeProcess.StartNewAsync();
        node.Signal(signal);
        Assert.Equal(0, await node.EndedAsync());
        Assert.True(File.Exists(Path.Combine(node.DataDirectory, ".kafka_cleanshutdown")));
    }

    [Fact]
    public async Task Who_uses_an_alias_is_told_the_address_to_use()
    {
        await using var node = await NodeProcess.StartNewAsync("--advertised-host", "broker7.example");
        var result = await InProcess.RunAsync("topics", "list", "--bootstrap", node.Bootstrap);
        Assert.Equal(3, result.ExitCode);
        Assert.Contains($"broker7.example:{node.Port}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ready_is_one_line_of_json_with_address_folder_and_cluster()
    {
        await using var node = new NodeProcess();
        var ready = await node.StartAsync("--id", "3", "--cluster-id", "AAAAAAAAAAAAAAAAAAAAAA");
        Assert.Equal(3, ready.GetProperty("node").GetInt32());
        Assert.Equal($"akka.tcp://actorbroker@127.0.0.1:{node.Port}", ready.GetProperty("address").GetString());
        Assert.Equal(node.DataDirectory, ready.GetProperty("data").GetString());
        Assert.Equal("AAAAAAAAAAAAAAAAAAAAAA", ready.GetProperty("cluster_id").GetString());
    }

    [Fact]
    public async Task Log_dump_shows_batches_and_records_and_says_what_is_damaged()
    {
        await using var node = await NodeProcess.StartNewAsync();
        Assert.Equal(0, (await InProcess.RunAsync("topics", "create", "t", "--bootstrap", node.Bootstrap)).ExitCode);
        Assert.Equal(0, (await CliProcess.RunAsync("k=hello\n"u8.ToArray(), "produce", "t", "--key-separator", "=", "--bootstrap", node.Bootstrap)).ExitCode);
        await node.StopAsync();

        var folder = Path.Combine(node.DataDirectory, "t-0");
        var sound = await InProcess.RunAsync("log", "dump", folder, "--records");
        Assert.Equal(0, sound.ExitCode);
        Assert.Contains("baseOffset: 0 lastOffset: 0 count: 1", sound.Output, StringComparison.Ordinal);
        Assert.Contains("hello", sound.Output, StringComparison.Ordinal);

        var segment = Path.Combine(folder, "00000000000000000000.log");
        var bytes = await File.ReadAllBytesAsync(segment);
        bytes[^3] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
        var damaged = await InProcess.RunAsync("log", "dump", segment, "--json");
        Assert.Equal(1, damaged.ExitCode);
        Assert.Contains("\"fault\":\"the checksum does not match\"", damaged.Output, StringComparison.Ordinal);

        var missing = await InProcess.RunAsync("log", "dump", Path.Combine(folder, "nothing"));
        Assert.Equal(1, missing.ExitCode);
        Assert.Contains("There is no file or folder", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_found_at_a_start_is_said_and_what_is_whole_stays()
    {
        await using var node = await NodeProcess.StartNewAsync();
        Assert.Equal(0, (await InProcess.RunAsync("topics", "create", "t", "--bootstrap", node.Bootstrap)).ExitCode);
        foreach (var line in new[] { "first", "second" })
            Assert.Equal(0, (await CliProcess.RunAsync(System.Text.Encoding.UTF8.GetBytes(line), "produce", "t", "--bootstrap", node.Bootstrap)).ExitCode);
        await node.KillAsync();

        var segment = Path.Combine(node.DataDirectory, "t-0", "00000000000000000000.log");
        var bytes = await File.ReadAllBytesAsync(segment);
        bytes[^3] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
        await node.StartAsync();
        Assert.Contains("t-0 was repaired", node.Output, StringComparison.Ordinal);
        var consumed = await CliProcess.RunAsync("consume", "t", "--exit-at-end", "--bootstrap", node.Bootstrap);
        Assert.Equal(["first"], consumed.Lines);
    }
}

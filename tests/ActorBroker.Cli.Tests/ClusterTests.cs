using System.Text.Json;
using ActorBroker.Cli.Tests.Processes;

namespace ActorBroker.Cli.Tests;

/// <summary>How an operator sees a cluster and changes it: here one of a single node, where most of it must say that there is nothing to do.</summary>
public class ClusterTests
{
    [Fact]
    public async Task A_healthy_node_is_shown_with_controller_quorum_and_no_partition_in_trouble()
    {
        await using var node = await NodeProcess.StartNewAsync();
        Done(await InProcess.RunAsync("topics", "create", "t", "--partitions", "2", "--bootstrap", node.Bootstrap));

        var status = Json(Done(await InProcess.RunAsync("cluster", "status", "--json", "--bootstrap", node.Bootstrap)));
        Assert.Equal(1, status.GetProperty("controller").GetInt32());
        Assert.True(status.GetProperty("serving").GetBoolean());
        Assert.Equal(2, status.GetProperty("partitions").GetInt32());
        var broker = Assert.Single(status.GetProperty("brokers").EnumerateArray());
        Assert.Equal((1, node.Port, false), (broker.GetProperty("broker").GetInt32(), broker.GetProperty("port").GetInt32(), broker.GetProperty("fenced").GetBoolean()));
        Assert.True(broker.GetProperty("epoch").GetInt64() > 0);
        var voter = Assert.Single(status.GetProperty("quorum").EnumerateArray());
        Assert.Equal((1, true, 0), (voter.GetProperty("broker").GetInt32(), voter.GetProperty("voter").GetBoolean(), voter.GetProperty("lag").GetInt32()));
        foreach (var trouble in new[] { "offline", "under_min_isr", "under_replicated" })
            Assert.Equal(0, status.GetProperty(trouble).GetArrayLength());

        var text = Done(await InProcess.RunAsync("cluster", "status", "--bootstrap", node.Bootstrap)).Output;
        Assert.Contains("Controller: broker 1", text, StringComparison.Ordinal);
        Assert.Contains("Partitions: 2 in 1 topic(s)", text, StringComparison.Ordinal);

        var described = Json(Done(await InProcess.RunAsync("topics", "describe", "t", "--json", "--bootstrap", node.Bootstrap)));
        foreach (var partition in described.GetProperty("partitions").EnumerateArray())
        {
            Assert.Equal((1, 0, 0), (partition.GetProperty("leader").GetInt32(), partition.GetProperty("leader_epoch").GetInt32(), partition.GetProperty("partition_epoch").GetInt32()));
            Assert.Equal((1, 1, 0), (partition.GetProperty("replicas").GetArrayLength(), partition.GetProperty("isr").GetArrayLength(), partition.GetProperty("elr").GetArrayLength()));
        }
    }

    [Fact]
    public async Task Elections_and_moves_that_nobody_needs_or_nobody_can_do_are_said_so()
    {
        await using var node = await NodeProcess.StartNewAsync();
        Done(await InProcess.RunAsync("topics", "create", "t", "--partitions", "2", "--bootstrap", node.Bootstrap));

        Assert.Contains("No partition needs an election", Done(await InProcess.RunAsync("topics", "elect-leaders", "--bootstrap", node.Bootstrap)).Output, StringComparison.Ordinal);
        var elected = Done(await InProcess.RunAsync("topics", "elect-leaders", "t", "t:1", "--json", "--bootstrap", node.Bootstrap)).Lines;
        Assert.Equal(2, elected.Length);
        Assert.All(elected, line => Assert.Contains("ELECTION_NOT_NEEDED", line, StringComparison.Ordinal));
        Failed(await InProcess.RunAsync("topics", "elect-leaders", "t:7", "--bootstrap", node.Bootstrap), "no partition 7");

        var nobody = await InProcess.RunAsync("topics", "reassign", "t", "--replicas", "1,2", "--bootstrap", node.Bootstrap);
        Assert.Equal(1, nobody.ExitCode);
        Assert.Contains("t-0 FAILED", nobody.Output, StringComparison.Ordinal);
        Assert.Contains("broker 2", nobody.Output, StringComparison.Ordinal);
        var begun = Done(await InProcess.RunAsync("topics", "reassign", "t", "--replicas", "1", "--partition", "1", "--json", "--bootstrap", node.Bootstrap));
        Assert.Equal("{\"topic\":\"t\",\"partition\":1,\"begun\":true}", Assert.Single(begun.Lines));
        Assert.Contains("No partition is being moved", Done(await InProcess.RunAsync("topics", "reassign", "list", "--bootstrap", node.Bootstrap)).Output, StringComparison.Ordinal);
        Assert.Contains("No partition of t is being moved", Done(await InProcess.RunAsync("topics", "reassign", "t", "--cancel", "--bootstrap", node.Bootstrap)).Output, StringComparison.Ordinal);
        Failed(await InProcess.RunAsync("topics", "reassign", "nothing", "--replicas", "1", "--bootstrap", node.Bootstrap), "There is no topic 'nothing'");
    }

    [Fact]
    public async Task The_only_voter_and_a_running_broker_stay()
    {
        await using var node = await NodeProcess.StartNewAsync();
        Assert.Contains("a voter already", Done(await InProcess.RunAsync("cluster", "voters", "add", "1", "--bootstrap", node.Bootstrap)).Output, StringComparison.Ordinal);
        Failed(await InProcess.RunAsync("cluster", "voters", "remove", "1", "--bootstrap", node.Bootstrap), "Without broker 1");
        Failed(await InProcess.RunAsync("cluster", "voters", "remove", "5", "--bootstrap", node.Bootstrap), "not a voter");
        Failed(await InProcess.RunAsync("cluster", "voters", "add", "5", "--bootstrap", node.Bootstrap), "Nobody knows where broker 5 is");
        Failed(await InProcess.RunAsync("cluster", "unregister", "1", "--bootstrap", node.Bootstrap), "running");
        Failed(await InProcess.RunAsync("cluster", "unregister", "5", "--bootstrap", node.Bootstrap), "no broker 5");
        var again = Json(Done(await InProcess.RunAsync("cluster", "status", "--json", "--bootstrap", node.Bootstrap)));
        Assert.Equal(1, again.GetProperty("quorum").GetArrayLength());
    }

    [Fact]
    public async Task Without_any_node_the_exit_code_is_3()
    {
        var result = await InProcess.RunAsync("cluster", "status", "--bootstrap", $"127.0.0.1:{Ports.Next()}");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("no broker answered", result.Error, StringComparison.Ordinal);
    }

    private static JsonElement Json(CliResult result) => JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;

    private static CliResult Done(CliResult result)
    {
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}: {result.Error} {result.Output}");
        return result;
    }

    private static void Failed(CliResult result, string part)
    {
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(part, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}

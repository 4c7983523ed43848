using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Network;
using ActorBroker.MultiNode.Tests.Processes;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>
/// Answers are lost again and again, so that much is sent twice: by connections that are reset while produces are out, and by
/// leaders that are killed. What is reported delivered is there exactly once, what is given up at most once, all in order.
/// Beside the default producer: one that gives up early, and one without idempotence, which shows that copies do arise.
/// </summary>
public class IdempotenceTests(ITestOutputHelper output)
{
    private const string Impatient = "impatient";
    private const string Plain = "plain";

    [Fact]
    public Task Answers_are_lost() => LoseAnswersAsync(rounds: 1);

    [Fact]
    [Trait("Category", "Long")]
    public Task Answers_are_lost_for_minutes() => LoseAnswersAsync(rounds: 40);

    private Task LoseAnswersAsync(int rounds) => ClusterProcesses.RunAsync(output, new ClusterShape(Proxied: true), async cluster =>
    {
        await using var load = await Workload.StartAsync(
            cluster,
            writers: [new WriterShape(Impatient, DeliveryTimeout: TimeSpan.FromSeconds(2)), new WriterShape(Plain, Idempotent: false)]);
        var client = load.System.Name;
        for (var round = 0; round < rounds; round++)
        {
            for (var reset = 0; reset < 6; reset++)
            {
                var node = ClusterProcesses.Name(cluster.Nodes[reset % cluster.Nodes.Count].Id);
                cluster.Network.Cut([client], [node], LinkState.Refused);
                await Task.Delay(TimeSpan.FromMilliseconds(150));
                cluster.Network.Heal();
                await Task.Delay(TimeSpan.FromMilliseconds(600));
            }

            await load.KillAsync(cluster, await load.View.LeaderAsync(Workload.Topic, round % 6));
        }

        await load.FinishAsync(trouble => trouble.Contains($"{Impatient}:", StringComparison.Ordinal));
        Assert.All(load.History.Metrics.Values, metrics => Assert.True(metrics.BatchesRetried > 0, "answers were lost"));
    });
}

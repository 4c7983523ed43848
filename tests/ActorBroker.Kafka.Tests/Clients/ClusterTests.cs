using ActorBroker.Kafka.Tests.Nodes;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>
/// Kafka's clients against three nodes: a producer and a group of each go on while a broker is killed and comes back, and a member is killed
/// soon after another was started. All that was acknowledged is read, each key in order.
/// </summary>
public class ClusterTests(GoingOn clients) : IClassFixture<GoingOn>
{
    [SkippableFact]
    public Task Kcat() => clients.OutcomeOfAsync(PipeClient.Kcat);

    [SkippableFact]
    public Task Confluent_kafka() => clients.OutcomeOfAsync(PipeClient.Confluent);

    [SkippableFact]
    public Task Kafka_python() => clients.OutcomeOfAsync(PipeClient.KafkaPython);

    [SkippableFact]
    public Task KafkaJs() => clients.OutcomeOfAsync(PipeClient.KafkaJs);

    [SkippableFact]
    public Task Kafkas_Java_tools() => clients.OutcomeOfAsync(PipeClient.Java);

    [SkippableFact]
    public async Task A_topics_life_on_three_nodes()
    {
        await ClientTool.Confluent.FindAsync();
        await clients.Cluster.StartAsync();
        (await ClientTool.Confluent.RunAsync(ClientTool.Script("confluent.py"), clients.Cluster.Bootstrap, "none,lz4", "3")).Succeeded();
    }
}

using ActorBroker.Kafka.Tests.Nodes;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>Kafka's clients against three nodes with replicated topics, and while one of them is killed and comes back.</summary>
public class ClusterTests
{
    [SkippableFact]
    public async Task A_client_works_with_three_nodes_and_goes_on_while_one_is_killed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "finds a node's process in /proc");
        await ClientTool.Confluent.RunAsync("-c", "0"); // Skips before a cluster is started.
        await using var cluster = await KafkaCluster.StartAsync();
        (await ClientTool.Confluent.RunAsync(ClientTool.Script("confluent.py"), cluster.Bootstrap, "none,lz4", "3")).Succeeded();
        var started = Path.Combine(cluster.Folder, "started");
        var client = ClientTool.Confluent.RunAsync(ClientTool.Script("confluent_failover.py"), cluster.Bootstrap, "10", started);
        while (!File.Exists(started) && !client.IsCompleted) await Task.Delay(50);
        if (!client.IsCompleted) cluster.Kill(2);
        (await client).Succeeded();
    }
}

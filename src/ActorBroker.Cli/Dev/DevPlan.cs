using System.Globalization;
using ActorBroker.Cli.Commands;

namespace ActorBroker.Cli.Dev;

/// <summary>Which nodes a local cluster has, and how each is started.</summary>
/// <param name="PortBase">Of the first node; the others follow.</param>
/// <param name="KafkaBase">The same for Kafka clients; null: there is no port for them.</param>
/// <param name="DataDirectory">Each node has a folder of its own in it.</param>
internal sealed record DevPlan(int Nodes, int PortBase, int? KafkaBase, string DataDirectory)
{
    public const int MostNodes = 9;

    /// <summary>Room for the nodes, and for their replication ports.</summary>
    public const int HighestBase = 65535 - ReplicationOffset - MostNodes;

    private const int ReplicationOffset = 100;

    /// <summary>For clients.</summary>
    public string Bootstrap => string.Join(',', Enumerable.Range(1, Nodes).Select(id => $"127.0.0.1:{Port(id)}"));

    /// <summary>For Kafka clients; null: there are none.</summary>
    public string? KafkaBootstrap => KafkaBase is { } port ? string.Join(',', Enumerable.Range(0, Nodes).Select(i => $"127.0.0.1:{port + i}")) : null;

    /// <summary>An even number of voters would bear no more failures: the last node is none then.</summary>
    private string Voters => string.Join(',', Enumerable.Range(1, Nodes % 2 == 0 ? Nodes - 1 : Nodes).Select(id => $"{id}@127.0.0.1:{Port(id)}"));

    public int Port(int id) => PortBase + id - 1;

    public string[] Arguments(int id) =>
    [
        "start", "--json", "--stop-with-input",
        "--id", Text(id),
        "--host", "127.0.0.1",
        "--port", Text(Port(id)),
        "--replication-port", Text(Port(id) + ReplicationOffset),
        "--kafka-port", KafkaBase is { } kafka ? Text(kafka + id - 1) : KafkaPortOption.Off,
        "--data", Path.Combine(DataDirectory, $"node-{id}"),
        "--voters", Voters,
    ];

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

using System.CommandLine;
using System.Globalization;
using ActorBroker.Cli.Dev;
using ActorBroker.Messaging;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker dev</c>: a whole cluster on this machine, one process a node, until Ctrl-C or SIGTERM.</summary>
internal static class DevCommand
{
    private const int DefaultKafkaPort = 9092;

    public static Command Create()
    {
        var nodes = new Option<int>("--nodes") { Description = "How many nodes (default 3).", HelpName = "N", DefaultValueFactory = _ => 3 };
        var data = new Option<string?>("--data") { Description = "Folder of the nodes' data folders (default: actorbroker/dev in your application data folder).", HelpName = "DIR" };
        var portBase = new Option<int>("--port-base") { Description = "Port of the first node; the others follow (default 4053).", HelpName = "PORT", DefaultValueFactory = _ => BrokerAddress.DefaultPort };
        var kafkaPort = KafkaPortOption.Create("Port of the first node for Kafka clients; the others follow (default 9092; off: none).", ushort.MaxValue - DevPlan.MostNodes);
        nodes.Within(1, DevPlan.MostNodes, $"must be from 1 to {DevPlan.MostNodes}");
        portBase.Within(1, DevPlan.HighestBase, $"must be from 1 to {DevPlan.HighestBase}");

        var command = new Command("dev", "Runs a local cluster for development, one process a node.") { nodes, data, portBase, kafkaPort, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => DevCluster.RunAsync(
            new DevPlan(parsed.GetValue(nodes), parsed.GetValue(portBase), KafkaBase(parsed.GetValue(kafkaPort)), parsed.GetValue(data) ?? DefaultData()),
            new DevOutput(parsed.GetValue(CommonOptions.Json), parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error),
            cancellation));
        return command;
    }

    /// <summary>Each node must be found where its neighbours' ports say: 0 would be any.</summary>
    private static int? KafkaBase(string? option) => option switch
    {
        null => DefaultKafkaPort,
        KafkaPortOption.Off => null,
        "0" => throw CliException.Usage("--kafka-port 0 can't be the first of several: choose a port, or off"),
        var port => int.Parse(port, CultureInfo.InvariantCulture),
    };

    private static string DefaultData() => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "actorbroker", "dev");
}

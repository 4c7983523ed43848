using System.CommandLine;
using ActorBroker.Cli.Hosting;

namespace ActorBroker.Cli.Commands;

/// <summary><c>actorbroker start</c>: runs a node until Ctrl-C or SIGTERM.</summary>
internal static class StartCommand
{
    public static Command Create()
    {
        var config = new Option<string?>("--config") { Description = "HOCON file with the node's settings (see hocon/ in the repository).", HelpName = "FILE" };
        var id = new Option<int?>("--id") { Description = "This node's number (default 1).", HelpName = "N" };
        var host = new Option<string?>("--host") { Description = "Address to bind (default 127.0.0.1).", HelpName = "H" };
        var port = new Option<int?>("--port") { Description = "Port for actor clients (default 4053; 0: any free one).", HelpName = "PORT" };
        var advertised = new Option<string?>("--advertised-host") { Description = "Host that this node tells others to use (default: --host).", HelpName = "H" };
        var data = new Option<string?>("--data") { Description = "Data folder (default: actorbroker/node-ID in your application data folder).", HelpName = "DIR" };
        var cluster = new Option<string?>("--cluster-id") { Description = "Refuse to run in any cluster but this one.", HelpName = "ID" };
        var voters = new Option<string?>("--voters") { Description = "The nodes that vote on metadata and form the cluster, an odd number: 1@HOST:PORT,2@HOST:PORT,3@HOST:PORT (default: this node alone).", HelpName = "LIST" };
        var seed = new Option<string[]>("--seed") { Description = "A node to ask for the way into its cluster, for a node that is no voter; may be repeated.", HelpName = "H:P", AllowMultipleArgumentsPerToken = true };
        var replicationPort = new Option<int?>("--replication-port") { Description = "Port for other brokers to fetch from (default: any free one).", HelpName = "PORT" };
        var kafkaPort = KafkaPortOption.Create("Port for Kafka clients (default 9092; 0: any free one; off: none).");
        var advertisedKafka = new Option<string?>("--advertised-kafka") { Description = "Address that Kafka clients are told to use (default: --advertised-host and the port).", HelpName = "HOST:PORT" };
        var rack = new Option<string?>("--rack") { Description = "Where this node stands; replicas are spread over racks.", HelpName = "NAME" };
        var withInput = new Option<bool>("--stop-with-input") { Description = "Stop cleanly when standard input ends: for a parent process.", Hidden = true };
        replicationPort.Within(0, 65535, "must be from 0 to 65535");
        id.Within(0, int.MaxValue, "must not be negative");
        port.Within(0, 65535, "must be from 0 to 65535");

        var command = new Command("start", "Starts a broker node.")
        {
            config, id, host, port, advertised, data, cluster, voters, seed, replicationPort, kafkaPort, advertisedKafka, rack, withInput, CommonOptions.Json,
        };
        command.SetAction((parsed, cancellation) => NodeRunner.RunAsync(
            new StartSettings
            {
                ConfigFile = parsed.GetValue(config),
                NodeId = parsed.GetValue(id),
                Host = parsed.GetValue(host),
                Port = parsed.GetValue(port),
                AdvertisedHost = parsed.GetValue(advertised),
                DataDirectory = parsed.GetValue(data),
                ClusterId = parsed.GetValue(cluster),
                Voters = parsed.GetValue(voters),
                Seeds = parsed.GetValue(seed) is { Length: > 0 } seeds ? string.Join(',', seeds) : null,
                ReplicationPort = parsed.GetValue(replicationPort),
                KafkaPort = parsed.GetValue(kafkaPort),
                AdvertisedKafka = parsed.GetValue(advertisedKafka),
                Rack = parsed.GetValue(rack),
                StopsWithInput = parsed.GetValue(withInput),
            },
            parsed.GetValue(CommonOptions.Json),
            parsed.InvocationConfiguration.Output,
            cancellation));
        return command;
    }
}

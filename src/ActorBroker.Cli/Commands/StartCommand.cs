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
        id.Within(0, int.MaxValue, "must not be negative");
        port.Within(0, 65535, "must be from 0 to 65535");

        var command = new Command("start", "Starts a broker node.") { config, id, host, port, advertised, data, cluster, CommonOptions.Json };
        command.SetAction((parsed, cancellation) => NodeRunner.RunAsync(
            new StartSettings(
                parsed.GetValue(config), parsed.GetValue(id), parsed.GetValue(host), parsed.GetValue(port),
                parsed.GetValue(advertised), parsed.GetValue(data), parsed.GetValue(cluster)),
            parsed.GetValue(CommonOptions.Json),
            parsed.InvocationConfiguration.Output,
            cancellation));
        return command;
    }
}

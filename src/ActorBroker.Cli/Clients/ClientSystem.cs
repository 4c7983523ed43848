using System.Net;
using System.Net.Sockets;
using ActorBroker.Client;
using ActorBroker.Messaging;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Cli.Clients;

/// <summary>The ActorSystem that a command talks to the cluster from; lives as long as the command.</summary>
internal sealed class ClientSystem : IAsyncDisposable
{
    // What the program sends goes in larger frames than an application's default allows, so that neither large records
    // nor large batches need the user's attention.
    private const string Hocon = """
        akka {
          loglevel = ERROR
          stdout-loglevel = OFF
          log-dead-letters = off
          actor.provider = remote
          remote {
            log-remote-lifecycle-events = off
            # A node that restarts is back within a second; the default of 5 s would make every command wait for it.
            retry-gate-closed-for = 200ms
            dot-netty.tcp {
              port = 0
              maximum-frame-size = 2097152b
              send-buffer-size = 1048576b
              receive-buffer-size = 1048576b
            }
          }
          coordinated-shutdown.exit-clr = off
          coordinated-shutdown.run-by-clr-shutdown-hook = off
        }
        """;

    private ClientSystem(ActorSystem system, string bootstrap)
    {
        System = system;
        Bootstrap = bootstrap;
    }

    public ActorSystem System { get; }

    public string Bootstrap { get; }

    public static ClientSystem Create(string bootstrap)
    {
        IReadOnlyList<BrokerAddress> addresses;
        try
        {
            addresses = BrokerAddress.ParseList(bootstrap);
        }
        catch (FormatException e)
        {
            throw CliException.Usage($"--bootstrap: {e.Message}");
        }

        var config = ConfigurationFactory.ParseString($"akka.remote.dot-netty.tcp.hostname = \"{OwnAddress(addresses[0])}\"")
            .WithFallback(ConfigurationFactory.ParseString(Hocon));
        return new ClientSystem(ActorSystem.Create("actorbroker-cli", config), bootstrap);
    }

    public ClientSettings Settings() => ClientSettings.Create(System).WithBootstrap([.. Bootstrap.Split(',', StringSplitOptions.TrimEntries)]).WithClientId("actorbroker-cli");

    public async ValueTask DisposeAsync() => await System.Terminate();

    /// <summary>
    /// Brokers answer to the address that a client calls its own, so it must be one of this machine's, and one that the
    /// broker can tell from other machines': the one that packets to it leave by.
    /// </summary>
    private static string OwnAddress(BrokerAddress broker)
    {
        try
        {
            using var probe = new Socket(SocketType.Dgram, ProtocolType.Udp);
            probe.Connect(broker.Host.Trim('[', ']'), broker.Port);
            var own = ((IPEndPoint)probe.LocalEndPoint!).Address;
            return (own.IsIPv4MappedToIPv6 ? own.MapToIPv4() : own).ToString();
        }
        catch (SocketException e)
        {
            throw CliException.Unreachable($"{broker} can't be reached: {e.Message}");
        }
    }
}

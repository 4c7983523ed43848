using System.Net;
using System.Net.Sockets;
using ActorBroker.Messaging;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Client.Tests.Messaging;

/// <summary>A client that reached a node by an alias learns the name that it must use.</summary>
public class NodeProbeTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_node_names_the_address_that_it_listens_to()
    {
        using var system = ActorSystem.Create("broker7", ConfigurationFactory.ParseString("""
            akka.loglevel = OFF
            akka.stdout-loglevel = OFF
            akka.actor.provider = remote
            akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
            akka.remote.dot-netty.tcp.port = 0
            akka.remote.dot-netty.tcp.public-hostname = "broker7.example"
            """));
        var own = ((ExtendedActorSystem)system).Provider.DefaultAddress;
        using var deadline = new CancellationTokenSource(Deadline);
        Assert.Equal(own, await NodeProbe.AskAddressAsync("127.0.0.1", own.Port!.Value, deadline.Token));
        await system.Terminate();
    }

    [Fact]
    public async Task What_is_no_node_has_no_address()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using var deadline = new CancellationTokenSource(Deadline);
        var asking = NodeProbe.AskAddressAsync("127.0.0.1", port, deadline.Token);
        using (var client = await listener.AcceptTcpClientAsync(deadline.Token))
            await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), deadline.Token);
        Assert.Null(await asking);
        listener.Stop();
        Assert.Null(await NodeProbe.AskAddressAsync("127.0.0.1", port, deadline.Token));
    }

    [Fact]
    public void Random_bytes_name_nobody()
    {
        var random = new Random(4053);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(64)];
            random.NextBytes(bytes);
            _ = NodeProbe.ReadOrigin(bytes); // no exception
        }

        Assert.Null(NodeProbe.ReadOrigin([]));
    }
}

using System.Net;
using System.Net.Sockets;
using ActorBroker.Messaging;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>ActorSystems for tests: the client's, and a broker's that can be killed and started again at its address.</summary>
internal sealed class ActorRig : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private const string Quiet = """
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.log-dead-letters = off
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        """;

    private readonly bool _remote;
    private ActorSystem? _broker;

    private ActorRig(bool remote, string hocon)
    {
        _remote = remote;
        Client = ActorSystem.Create("app", ConfigurationFactory.ParseString(hocon + "\n" + Quiet + (remote ? Remoting(0) : "")));
    }

    public ActorSystem Client { get; }

    public FakeLog Log { get; } = new();

    public string Bootstrap => _remote ? $"127.0.0.1:{Log.Port}" : "local";

    /// <summary>Client and broker in one system, without remoting.</summary>
    public static ActorRig InProcess(string hocon = "")
    {
        var rig = new ActorRig(remote: false, hocon);
        Start(rig.Client, rig.Log);
        return rig;
    }

    /// <summary>Client and broker in two systems that talk over TCP.</summary>
    public static ActorRig OverTcp(string hocon = "")
    {
        var rig = new ActorRig(remote: true, hocon);
        rig.Log.Port = Ports.Next();
        rig.StartBroker();
        return rig;
    }

    public void StartBroker() => _broker = StartBroker(Log, id: 1);

    public async Task StopBrokerAsync() => await _broker!.Terminate();

    public ProducerSettings Producer(string hocon = "") => ProducerSettings.Create(ConfigurationFactory.ParseString(hocon)).WithBootstrap(Bootstrap);

    public ConsumerSettings Consumer(string hocon = "") => TestClusters.Consumer(hocon).WithBootstrap(Bootstrap);

    public async ValueTask DisposeAsync()
    {
        await Client.Terminate();
        if (_broker is not null)
            await _broker.Terminate();
    }

    private static void Start(ActorSystem system, FakeLog log)
    {
        ApiMessages.Register(system);
        system.ActorOf(Props.Create(() => new FakeBroker(log, 1)), "actorbroker");
    }

    internal static ActorSystem StartBroker(FakeLog log, int id)
    {
        var system = ActorSystem.Create("actorbroker", ConfigurationFactory.ParseString(Quiet + Remoting(log.Nodes[id])));
        ApiMessages.Register(system);
        system.ActorOf(Props.Create(() => new FakeBroker(log, id)), "actorbroker");
        return system;
    }

    private static string Remoting(int port) => $"""

        akka.actor.provider = remote
        akka.remote.retry-gate-closed-for = 200ms
        akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
        akka.remote.dot-netty.tcp.port = {port}
        """;
}

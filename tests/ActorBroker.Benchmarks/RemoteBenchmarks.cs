using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>Messages between two systems over loopback TCP, on the engine this was built with.</summary>
internal static class RemoteBenchmarks
{
    private const int Small = 500_000;
    private const int RoundTrips = 100_000;
    private const int LargeRoundTrips = 5_000;

    private static readonly Config Settings = ConfigurationFactory.ParseString("""
        akka.loglevel = WARNING
        akka.actor.provider = remote
        akka.remote.dot-netty.tcp {
          hostname = "127.0.0.1"
          port = 0
          maximum-frame-size = 2000000b
          send-buffer-size = 1000000b
          receive-buffer-size = 1000000b
        }
        """);

    public static async Task RunAsync(int rounds)
    {
        using var near = ActorSystem.Create("near", Settings);
        using var far = ActorSystem.Create("far", Settings);
        var address = ((ExtendedActorSystem)far).Provider.DefaultAddress;
        far.ActorOf(Props.Create(() => new EchoActor()), "echo");
        var flow = far.ActorOf(Props.Create(() => new WindowedSink()), "sink");
        var echo = await near.ActorSelection($"{address}/user/echo").ResolveOne(TimeSpan.FromSeconds(10));
        var sink = await near.ActorSelection($"{address}/user/sink").ResolveOne(TimeSpan.FromSeconds(10));
        var small = new byte[100];
        var large = new byte[64 * 1024];

        await Comparison.RunAsync("Remote messages of 100 B", "messages/s", rounds,
            ("one-way, at most 5,000 unacknowledged", () => OneWayAsync(near, sink, small)),
            ("echo, 1 in flight (round trips/s)", () => EchoAsync(near, echo, small, RoundTrips / 10, 1)),
            ("echo, 100 in flight (round trips/s)", () => EchoAsync(near, echo, small, RoundTrips, 100)));
        await Comparison.RunAsync("Remote messages of 64 KiB, both directions", "MB/s", rounds,
            ("echo, 8 in flight", async () => await EchoAsync(near, echo, large, LargeRoundTrips, 8) * large.Length * 2 / 1e6),
            ("echo, 64 in flight", async () => await EchoAsync(near, echo, large, LargeRoundTrips, 64) * large.Length * 2 / 1e6));
        await near.Terminate();
        await far.Terminate();
    }

    private static async Task<double> OneWayAsync(ActorSystem system, IActorRef sink, byte[] payload)
    {
        var done = new TaskCompletionSource();
        var started = Stopwatch.GetTimestamp();
        var sender = system.ActorOf(Props.Create(() => new WindowedSender(sink, payload, Small, done)));
        await done.Task;
        var rate = Small / Stopwatch.GetElapsedTime(started).TotalSeconds;
        system.Stop(sender);
        return rate;
    }

    private static async Task<double> EchoAsync(ActorSystem system, IActorRef echo, byte[] payload, int roundTrips, int inFlight)
    {
        var done = new TaskCompletionSource();
        var started = Stopwatch.GetTimestamp();
        var client = system.ActorOf(Props.Create(() => new PingActor(echo, roundTrips, inFlight, done, payload)));
        await done.Task;
        var rate = roundTrips / Stopwatch.GetElapsedTime(started).TotalSeconds;
        system.Stop(client);
        return rate;
    }
}

/// <summary>Acknowledges every so many messages, so that its sender can bound what is under way.</summary>
internal sealed class WindowedSink : UntypedActor
{
    public const int Step = 1_000;
    private int _received;

    protected override void OnReceive(object message)
    {
        if (++_received % Step == 0) Sender.Tell(Step, Self);
    }
}

internal sealed class WindowedSender(IActorRef sink, byte[] payload, int messages, TaskCompletionSource done) : UntypedActor
{
    private const int Window = 5_000;
    private int _sent;
    private int _acknowledged;

    protected override void PreStart() => Send();

    protected override void OnReceive(object message)
    {
        _acknowledged += (int)message;
        if (_acknowledged == messages) done.SetResult();
        else Send();
    }

    private void Send()
    {
        for (; _sent < messages && _sent - _acknowledged < Window; _sent++) sink.Tell(payload, Self);
    }
}

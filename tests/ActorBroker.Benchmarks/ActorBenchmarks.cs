using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>Local Tell and Ask on the engine this was built with.</summary>
internal static class ActorBenchmarks
{
    private const int Messages = 2_000_000;
    private const int Asks = 200_000;

    public static async Task RunAsync(int rounds)
    {
        using var system = ActorSystem.Create("bench", ConfigurationFactory.ParseString("akka.loglevel = WARNING"));
        var sink = system.ActorOf(Props.Create(() => new CountingActor()));
        var echo = system.ActorOf(Props.Create(() => new EchoActor()));
        await Comparison.RunAsync("Local messages", "messages/s", rounds,
            ("Tell, one sender to one actor", () => TellAsync(sink)),
            ("ping-pong, 1 in flight", () => PingPongAsync(system, echo, inFlight: 1)),
            ("ping-pong, 64 in flight", () => PingPongAsync(system, echo, inFlight: 64)),
            ("Ask, one after the other", () => AskAsync(echo)));
        await system.Terminate();
    }

    private static async Task<double> TellAsync(IActorRef sink)
    {
        var done = new TaskCompletionSource();
        var started = Stopwatch.GetTimestamp();
        sink.Tell(new CountingActor.Expect(Messages, done));
        var message = new object();
        for (var i = 0; i < Messages; i++) sink.Tell(message, ActorRefs.NoSender);
        await done.Task;
        return Messages / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<double> PingPongAsync(ActorSystem system, IActorRef echo, int inFlight)
    {
        var done = new TaskCompletionSource();
        var started = Stopwatch.GetTimestamp();
        var client = system.ActorOf(Props.Create(() => new PingActor(echo, Messages / 2, inFlight, done)));
        await done.Task;
        var rate = Messages / Stopwatch.GetElapsedTime(started).TotalSeconds;
        system.Stop(client);
        return rate;
    }

    private static async Task<double> AskAsync(IActorRef echo)
    {
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < Asks; i++) await echo.Ask<string>("ping", TimeSpan.FromSeconds(10));
        return Asks / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}

internal sealed class EchoActor : UntypedActor
{
    protected override void OnReceive(object message) => Sender.Tell(message, Self);
}

internal sealed class CountingActor : UntypedActor
{
    private long _left;
    private TaskCompletionSource? _done;

    public sealed record Expect(long Messages, TaskCompletionSource Done);

    protected override void OnReceive(object message)
    {
        if (message is Expect expect)
        {
            _left = expect.Messages;
            _done = expect.Done;
        }
        else if (--_left == 0)
        {
            _done!.SetResult();
        }
    }
}

/// <summary>Keeps so many messages in flight to a peer that echoes, until enough have come back.</summary>
internal sealed class PingActor(ICanTell peer, int roundTrips, int inFlight, TaskCompletionSource done, object? payload = null) : UntypedActor
{
    private readonly object _payload = payload ?? "ping";
    private int _sent;
    private int _received;

    protected override void PreStart()
    {
        for (; _sent < inFlight; _sent++) peer.Tell(_payload, Self);
    }

    protected override void OnReceive(object message)
    {
        if (++_received == roundTrips) done.SetResult();
        else if (_sent++ < roundTrips) peer.Tell(_payload, Self);
    }
}

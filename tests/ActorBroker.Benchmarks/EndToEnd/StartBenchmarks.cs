using System.Diagnostics;
using System.Globalization;
using ActorBroker.Client;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>A node's start on an empty data folder, from exec to the first answer about metadata, and its memory once idle.</summary>
internal static class StartBenchmarks
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    public static async Task RunAsync(int rounds)
    {
        var starts = new List<double>();
        var lines = new List<double>();
        var resident = 0L;
        for (var round = 0; round <= rounds; round++)
        {
            // A client of its own, running and polling before the broker starts, as an application would.
            using var system = ActorSystem.Create("bench", ConfigurationFactory.ParseString("""
                akka.loglevel = OFF
                akka.stdout-loglevel = OFF
                akka.actor.provider = remote
                akka.remote.retry-gate-closed-for = 10ms
                akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
                akka.remote.dot-netty.tcp.port = 0
                """));
            var started = Stopwatch.GetTimestamp();
            using var broker = BrokerProcess.Start();
            var settings = ClientSettings.Create(system).WithBootstrap(broker.Bootstrap) with { RetryBackoff = Poll, RetryBackoffMax = Poll };
            var admin = AdminClient.Create(system, settings);
            var line = broker.Process.ReadLineAsync().ContinueWith(_ => Stopwatch.GetElapsedTime(started), TaskScheduler.Default);
            await admin.DescribeClusterAsync();
            var answered = Stopwatch.GetElapsedTime(started);
            if (round > 0)
            {
                starts.Add(answered.TotalSeconds);
                lines.Add((await line).TotalSeconds);
            }

            if (round == rounds)
            {
                await Task.Delay(Idle);
                resident = broker.Process.ResidentMemory;
            }

            await admin.DisposeAsync();
            await system.Terminate();
        }

        Console.WriteLine($"Start on an empty data folder ({rounds} rounds)");
        Print("exec to the first metadata answer", starts);
        Print("exec to the line that says ready", lines);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  resident {Idle.TotalSeconds:0} s after that: {resident / 1e6:0} MB"));
    }

    private static void Print(string what, List<double> seconds)
    {
        seconds.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {what,-36} median {seconds[seconds.Count / 2]:0.000} s  min {seconds[0]:0.000} s  max {seconds[^1]:0.000} s"));
    }
}

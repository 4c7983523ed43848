using System.Diagnostics;
using System.Globalization;
using ActorBroker.Client;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>A broker in a process of its own, the bare peer in another, and this process as their client with an application's default settings.</summary>
internal sealed class EndToEndEnvironment : IAsyncDisposable
{
    private static readonly Config Settings = ConfigurationFactory.ParseString("""
        akka.loglevel = WARNING
        akka.actor.provider = remote
        akka.remote.dot-netty.tcp {
          hostname = "127.0.0.1"
          port = 0
        }
        """);

    private readonly BrokerProcess _broker;
    private readonly ChildProcess _peer;
    private readonly AdminClient _admin;
    private int _topics;

    private EndToEndEnvironment(BrokerProcess broker, ChildProcess peer, int peerPort)
    {
        _broker = broker;
        _peer = peer;
        PeerPort = peerPort;
        System = ActorSystem.Create("bench", Settings);
        _admin = AdminClient.Create(System, ClientSettings.Create(System).WithBootstrap(broker.Bootstrap));
    }

    public ActorSystem System { get; }

    public int PeerPort { get; }

    public string Bootstrap => _broker.Bootstrap;

    public static async Task<EndToEndEnvironment> StartAsync()
    {
        var broker = await BrokerProcess.StartAndWaitAsync();
        var folder = Directory.CreateTempSubdirectory("actorbroker-bench-").FullName;
        var peer = ChildProcess.StartSelf(BarePeer.Argument, folder);
        var port = int.Parse(await peer.ReadLineAsync(), CultureInfo.InvariantCulture);
        return new EndToEndEnvironment(broker, peer, port) { PeerFolder = folder };
    }

    private string PeerFolder { get; init; } = "";

    public async Task<string> CreateTopicAsync(int partitions)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"bench-{++_topics}");
        var results = await _admin.CreateTopicsAsync([new NewTopic(name, partitions, 1)]);
        return results[0].Succeeded ? name : throw new InvalidOperationException(results[0].Message);
    }

    public async Task DeleteTopicAsync(string name) => await _admin.DeleteTopicsAsync([name]);

    public Task<Sample> MeasureBareAsync(long records, long bytes, Action work) => MeasureAsync(_peer, records, bytes, () =>
    {
        work();
        return Task.CompletedTask;
    });

    public Task<Sample> MeasureBrokerAsync(long records, long bytes, Func<Task> work) => MeasureAsync(_broker.Process, records, bytes, work);

    public async ValueTask DisposeAsync()
    {
        await _admin.DisposeAsync();
        await System.Terminate();
        _broker.Dispose();
        _peer.Dispose();
        Directory.Delete(PeerFolder, recursive: true);
    }

    /// <summary>MB/s, with what this process and the other one took for it.</summary>
    private static async Task<Sample> MeasureAsync(ChildProcess other, long records, long bytes, Func<Task> work)
    {
        var processor = other.ProcessorTime + OwnProcessorTime();
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var started = Stopwatch.GetTimestamp();
        await work();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new Sample(
            bytes / seconds / 1e6,
            (other.ProcessorTime + OwnProcessorTime() - processor).TotalSeconds,
            (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / records);
    }

    private static TimeSpan OwnProcessorTime() => Environment.CpuUsage.TotalTime;
}

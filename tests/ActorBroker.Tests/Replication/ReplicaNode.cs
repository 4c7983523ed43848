using ActorBroker.Api;
using ActorBroker.Cleaning;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Replication;
using ActorBroker.Replication.Wire;
using ActorBroker.Tests.Api;
using Akka.Actor;

namespace ActorBroker.Tests.Replication;

/// <summary>One node's replicas without controller or clients: its own ActorSystem, disk and inter-broker listener, real TCP between them.</summary>
internal sealed class ReplicaNode
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly IActorRef _controller;
    private readonly ReplicationOptions _options;
    private readonly ClusterId _cluster;
    private int _ids;

    public ReplicaNode(int id, ClusterId cluster, IActorRef controller, TimeSpan lagTime)
    {
        Id = new BrokerId(id);
        (_cluster, _controller) = (cluster, controller);
        Files = new SimulatedFileSystem(id, TimeProvider.System);
        var hour = TimeSpan.FromHours(1);
        _options = new ReplicationOptions(hour, hour, hour, Workers: 2, lagTime, ProducerExpiration: TimeSpan.FromDays(1), ProducerExpirationInterval: hour, Port: 0, AdvertisedPort: 0, new FollowerOptions(
            Wait: TimeSpan.FromMilliseconds(100), MinBytes: 1, PartitionMaxBytes: 1 << 20, ResponseMaxBytes: 10 << 20,
            Backoff: TimeSpan.FromMilliseconds(200), SocketTimeout: TimeSpan.FromSeconds(10), ReceiveBuffer: -1), new CleanerOptions(hour, 1 << 20, 1 << 16, long.MaxValue));
    }

    public BrokerId Id { get; }

    public SimulatedFileSystem Files { get; }

    public ActorSystem System { get; private set; } = null!;

    public LogDirectory Directory { get; private set; } = null!;

    public PartitionDirectory Partitions { get; private set; } = null!;

    public ReplicationServer Server { get; private set; } = null!;

    public IActorRef Manager { get; private set; } = null!;

    public bool IsRunning { get; private set; }

    public void Start()
    {
        System = ActorSystem.Create($"node-{Id}", DataPath.Config);
        JournalLogs.For(System).Configure(new JournalStorage(Files, "/data/journal", TimeProvider.System, LogOptions.Default));
        Directory = LogDirectory.Open(
            Files, "/data", new LogDirectoryIdentity(_cluster, Id, new DirectoryId(new Guid(Id.Value, 2, 3, new byte[8]))), TimeProvider.System, reserveBytes: 0);
        Partitions = new PartitionDirectory();
        Server = ReplicationServer.Start(System, "127.0.0.1", new ReplicationServerSetup(Id, () => _cluster, Partitions, _options, TimeProvider.System));
        Manager = System.ActorOf(ReplicaManagerActor.Props(new ReplicaManagerSetup(
            Id, Directory, Partitions, TopicDefaults.Standard, _options, () => new Guid(Id.Value, (short)++_ids, 0, new byte[8]), () => 0.5, TimeProvider.System, _controller)));
        IsRunning = true;
    }

    /// <summary>Like a killed process: nothing is flushed, closed or said.</summary>
    public async Task KillAsync()
    {
        IsRunning = false;
        Server.Dispose();
        await System.Terminate();
        Directory.Dispose();
    }

    public async Task<bool> StopCleanlyAsync()
    {
        IsRunning = false;
        var completed = await Manager.Ask<ReplicaManagerProtocol.ShutdownCompleted>(ReplicaManagerProtocol.Shutdown.Instance, Patience);
        Server.Dispose();
        await System.Terminate();
        return completed.IsClean;
    }

    public PartitionHandle? Find(TopicImage topic, int partition = 0) => Partitions.Find(topic.Id, partition);

    /// <summary>One batch of these values; null when it was not answered in time.</summary>
    public Task<PartitionProtocol.AppendReply?> ProduceAsync(TopicImage topic, Acks acks, params string[] values) =>
        ProduceAsync(topic, acks, DataPath.Batch(0, values));

    /// <summary>One batch of an idempotent producer at epoch 0, of these records from this sequence on.</summary>
    public Task<PartitionProtocol.AppendReply?> ProduceAsync(TopicImage topic, Acks acks, int sequence, params string[] values) =>
        ProduceAsync(topic, acks, DataPath.Batch(7, 0, sequence, values));

    private async Task<PartitionProtocol.AppendReply?> ProduceAsync(TopicImage topic, Acks acks, Memory<byte> batch)
    {
        if (Find(topic) is not { } handle) return null;
        var answer = new TaskCompletionSource<PartitionProtocol.AppendReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        var client = System.ActorOf(Props.Create(() => new Answered(answer)));
        handle.Actor.Tell(new PartitionProtocol.Append(new RequestKey(client, 1, 0), acks, LeaderEpoch.None, batch));
        return await Task.WhenAny(answer.Task, Task.Delay(Patience)) == answer.Task ? await answer.Task : null;
    }

    private sealed class Answered : ReceiveActor
    {
        public Answered(TaskCompletionSource<PartitionProtocol.AppendReply> answer) => Receive<PartitionProtocol.AppendReply>(reply =>
        {
            answer.TrySetResult(reply);
            Context.Stop(Self);
        });
    }
}

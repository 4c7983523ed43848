using System.Collections.Immutable;
using System.Text;
using ActorBroker.Api;
using ActorBroker.Cleaning;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;

namespace ActorBroker.Tests.Api;

/// <summary>
/// The data path of one node without its controller: endpoint, replica manager, journal and logs on a simulated disk. The
/// test plays the controller and the client, and may stop the node, crash it, and start it again on what the disk kept.
/// </summary>
internal sealed class DataPath
{
    public const string Folder = "/data";

    public static readonly SessionLimits Limits = new(
        MaxSessions: 100, MaxPendingPerSession: 1000, MaxBytesPerSession: 64 << 20, MaxBytesTotal: 256 << 20, TimeSpan.FromMinutes(5));

    private readonly TestKitBase _kit;
    private readonly SessionLimits _limits;
    private int _incarnation;
    private int _correlation;
    private MetadataImage _image = MetadataImage.Empty with { ClusterId = new ClusterId("test") };

    public DataPath(TestKitBase kit, SessionLimits? limits = null)
    {
        _kit = kit;
        _limits = limits ?? Limits;
        Files = new SimulatedFileSystem(1, Time);
        Controller = kit.CreateTestProbe("controller");
        Client = kit.CreateTestProbe("client");
        JournalLogs.For(kit.Sys).Configure(new JournalStorage(Files, $"{Folder}/journal", Time, LogOptions.Default));
        Start();
    }

    public static Config Config { get; } = ConfigurationFactory.ParseString("""
        akka.loglevel = WARNING
        actorbroker.api-dispatcher {
          type = ForkJoinDispatcher
          throughput = 16
          dedicated-thread-pool.thread-count = 2
        }
        """).WithFallback(JournalLogs.DefaultConfig());

    public ManualTime Time { get; } = new();

    public SimulatedFileSystem Files { get; }

    public TestProbe Controller { get; }

    public TestProbe Client { get; }

    public LogDirectory Directory { get; private set; } = null!;

    public PartitionDirectory Partitions { get; private set; } = null!;

    public MetadataCache Cache { get; private set; } = null!;

    public IActorRef Endpoint { get; private set; } = null!;

    public IActorRef Manager { get; private set; } = null!;

    public static BrokerId Self => new(1);

    /// <summary>Starts the node on what the disk holds.</summary>
    /// <param name="image">What the controller says now; what it last said when null.</param>
    public void Start(MetadataImage? image = null)
    {
        _image = image ?? _image;
        var n = ++_incarnation;
        Directory = LogDirectory.Open(
            Files, Folder, new LogDirectoryIdentity(new ClusterId("test"), Self, new DirectoryId(new Guid(1, 2, 3, new byte[8]))), Time, reserveBytes: 0);
        Partitions = new PartitionDirectory();
        Cache = new MetadataCache();
        var hour = TimeSpan.FromHours(1);
        var options = new ReplicationOptions(hour, hour, hour, Workers: 2, LagTime: hour, ProducerExpiration: TimeSpan.FromDays(1), ProducerExpirationInterval: hour, Port: 0, AdvertisedPort: 0, new FollowerOptions(
            TimeSpan.FromMilliseconds(500), 1, 1 << 20, 10 << 20, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), -1), new CleanerOptions(hour, 1 << 20, 1 << 16, long.MaxValue));
        var ids = 0;
        Manager = _kit.Sys.ActorOf(
            ReplicaManagerActor.Props(new ReplicaManagerSetup(
                Self, Directory, Partitions, TopicDefaults.Standard, options, () => new Guid(++ids, 0, 0, new byte[8]), () => 0, Time, Controller)),
            $"replicas-{n}");
        var locator = new PartitionLocator(Self, Cache, Partitions, AllowAll.Instance);
        var dispatcher = new RequestDispatcher([new ProduceHandler(locator, Time), new FetchHandler(locator), new ListOffsetsHandler(locator), new OffsetForLeaderEpochHandler(locator)]);
        Endpoint = _kit.Sys.ActorOf(BrokerEndpointActor.Props(dispatcher, _limits), $"actorbroker-{n}");
        if (_image.Version > 0) Publish(_image);
    }

    public bool StopCleanly()
    {
        Manager.Tell(ReplicaManagerProtocol.Shutdown.Instance, Controller);
        var completed = Controller.FishForMessage<ReplicaManagerProtocol.ShutdownCompleted>(_ => true, TimeSpan.FromSeconds(20));
        StopActors();
        return completed.IsClean;
    }

    /// <summary>The process dies; with a mode, the machine too.</summary>
    public void Crash(CrashMode? power = null)
    {
        StopActors();
        Directory.Dispose();
        if (power is { } mode) Files.Crash(mode);
    }

    public TopicImage CreateTopic(string name, int partitions = 1, params (string Key, string Value)[] configs)
    {
        var topic = Topic(name, partitions, (int)_image.Version + 1) with
        {
            Overrides = configs.ToImmutableSortedDictionary(config => config.Key, config => config.Value, StringComparer.Ordinal),
        };
        Publish(_image.With(topic) with { Version = _image.Version + 1 });
        return topic;
    }

    /// <summary>Led here, with no settings of its own.</summary>
    public static TopicImage Topic(string name, int partitions = 1, int id = 1)
    {
        var replicas = ImmutableArray.Create(Self);
        return new TopicImage(
            new TopicId(new Guid(id, 7, 7, new byte[8])),
            name,
            [.. Enumerable.Range(0, partitions).Select(index => new PartitionImage(index, replicas, replicas, [], Self, new LeaderEpoch(0), 0))],
            ImmutableSortedDictionary<string, string>.Empty);
    }

    public void Change(TopicImage topic) => Publish(_image.With(topic) with { Version = _image.Version + 1 });

    public void DeleteTopic(TopicImage topic) => Publish(_image.Without(topic) with { Version = _image.Version + 1 });

    /// <summary>What the controller does with every new image; returns once this node has caught up.</summary>
    public void Publish(MetadataImage image)
    {
        Announce(image);
        Controller.FishForMessage<ReplicasReconciled>(done => done.Version == image.Version, TimeSpan.FromSeconds(20));
    }

    public void Announce(MetadataImage image)
    {
        _image = image;
        Assert.True(Cache.TryPublish(image));
        Manager.Tell(new MetadataChanged(image), Controller);
    }

    public MetadataImage Image => _image;

    public static Memory<byte> Batch(long timestampMs, params string[] values)
    {
        using var builder = new RecordBatchBuilder(1 << 24);
        foreach (var value in values) Assert.True(builder.TryAppend(timestampMs, null, Encoding.UTF8.GetBytes(value)));
        return builder.Build().ToArray();
    }

    public Memory<byte> Batch(params string[] values) => Batch(Time.NowMs, values);

    /// <summary>Of an idempotent producer: its records from this sequence on.</summary>
    public static Memory<byte> Batch(long producer, short epoch, int sequence, params string[] values)
    {
        using var builder = new RecordBatchBuilder(1 << 24);
        builder.ProducerId = new ProducerId(producer);
        builder.ProducerEpoch = new ProducerEpoch(epoch);
        builder.BaseSequence = sequence;
        foreach (var value in values) Assert.True(builder.TryAppend(0, null, Encoding.UTF8.GetBytes(value)));
        return builder.Build().ToArray();
    }

    public static ProduceRequest Produce(string topic, int partition, ReadOnlyMemory<byte>? batch, short acks = -1, int timeoutMs = 30_000) => new()
    {
        Acks = acks,
        TimeoutMs = timeoutMs,
        TopicData = [new() { Name = topic, PartitionData = [new() { Index = partition, Records = batch }] }],
    };

    public static FetchRequest Fetch(
        string topic, long offset, int maxWaitMs = 0, int minBytes = 1, int partition = 0, int maxBytes = 1 << 20, int epoch = -1) => new()
        {
            MaxWaitMs = maxWaitMs,
            MinBytes = minBytes,
            MaxBytes = maxBytes,
            Topics = [new() { Topic = topic, Partitions = [new() { Partition = partition, FetchOffset = offset, PartitionMaxBytes = 1 << 20, CurrentLeaderEpoch = epoch }] }],
        };

    public static ListOffsetsRequest ListOffsets(string topic, long timestamp, int epoch = -1) => new()
    {
        Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = 0, Timestamp = timestamp, CurrentLeaderEpoch = epoch }] }],
    };

    public int Send(IRequest request, TestProbe? client = null, int maxResponseBytes = 1 << 24)
    {
        var id = ++_correlation;
        Endpoint.Tell(new ApiRequest(id, "test", maxResponseBytes, request), client ?? Client);
        return id;
    }

    public T Ask<T>(IRequest request, TestProbe? client = null, int maxResponseBytes = 1 << 24)
        where T : IResponse
    {
        var id = Send(request, client, maxResponseBytes);
        var response = (client ?? Client).ExpectMsg<ApiResponse>(TimeSpan.FromSeconds(20));
        Assert.Equal(id, response.CorrelationId);
        return Assert.IsType<T>(response.Body);
    }

    public ProduceResponse.PartitionProduceResponse AskProduce(string topic, ReadOnlyMemory<byte>? batch, short acks = -1, int partition = 0) =>
        Only(Ask<ProduceResponse>(Produce(topic, partition, batch, acks)));

    public static ProduceResponse.PartitionProduceResponse Only(ProduceResponse response) =>
        Assert.Single(Assert.Single(response.Responses).PartitionResponses);

    public FetchResponse.PartitionData AskFetch(string topic, long offset) => Only(Ask<FetchResponse>(Fetch(topic, offset)));

    public static FetchResponse.PartitionData Only(FetchResponse response) => Assert.Single(Assert.Single(response.Responses).Partitions);

    public ListOffsetsResponse.ListOffsetsPartitionResponse AskOffset(string topic, long timestamp, int epoch = -1) =>
        Assert.Single(Assert.Single(Ask<ListOffsetsResponse>(ListOffsets(topic, timestamp, epoch)).Topics).Partitions);

    public static List<(long Offset, string Value)> Records(FetchResponse.PartitionData data)
    {
        var records = new List<(long, string)>();
        for (var rest = data.Records.GetValueOrDefault(); !rest.IsEmpty;)
        {
            Assert.Equal(BatchFault.None, RecordBatchValidator.CheckChecksum(rest.Span, out var header));
            using var batch = new RecordEnumerator(rest.Span[..(int)header.SizeInBytes]);
            while (batch.MoveNext()) records.Add((batch.Current.Offset.Value, Encoding.UTF8.GetString(batch.Current.Value)));
            rest = rest[(int)header.SizeInBytes..];
        }

        return records;
    }

    /// <summary>All committed records from an offset on.</summary>
    public List<(long Offset, string Value)> ReadAll(string topic, long from = 0)
    {
        var all = new List<(long Offset, string Value)>();
        while (true)
        {
            var data = AskFetch(topic, from);
            Assert.Equal(ErrorCode.None, data.ErrorCode);
            var records = Records(data);
            if (records.Count == 0) return all;
            all.AddRange(records.Where(record => record.Offset >= from));
            from = records[^1].Offset + 1;
        }
    }

    private void StopActors()
    {
        foreach (var actor in new[] { Endpoint, Manager })
        {
            Controller.Watch(actor);
            _kit.Sys.Stop(actor);
            Controller.FishForMessage<Terminated>(terminated => terminated.ActorRef.Equals(actor), TimeSpan.FromSeconds(20));
        }
    }
}

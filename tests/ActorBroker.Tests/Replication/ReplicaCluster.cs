using System.Collections.Immutable;
using System.Text;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using Akka.Actor;

namespace ActorBroker.Tests.Replication;

/// <summary>
/// Several <see cref="ReplicaNode"/>s; the test plays the controller. ISR proposals are decided here by partition epoch, and
/// everybody hears of it, unless the test keeps somebody in the dark.
/// </summary>
internal sealed class ReplicaCluster : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, ReplicaNode> _nodes = [];
    private readonly ActorSystem _system = ActorSystem.Create("controller");
    private readonly HashSet<int> _inTheDark = [];
    private readonly IActorRef _controller;
    private MetadataImage _image;
    private long _brokerEpoch = 100;

    public ReplicaCluster(int nodes, TimeSpan? lagTime = null, string cluster = "test")
    {
        _image = MetadataImage.Empty with { ClusterId = new ClusterId(cluster), Version = 1 };
        _controller = _system.ActorOf(Props.Create(() => new Decider(this)));
        for (var id = 1; id <= nodes; id++)
        {
            _nodes.Add(id, new ReplicaNode(id, new ClusterId(cluster), _controller, lagTime ?? TimeSpan.FromSeconds(30)));
            Start(id);
        }
    }

    public ReplicaNode this[int id] => _nodes[id];

    /// <summary>Proposals that were accepted, as (leader epoch, ISR).</summary>
    public List<string> Accepted { get; } = [];

    /// <summary>Starts or restarts a node, registers it anew, and tells it everything.</summary>
    public void Start(int id)
    {
        var node = _nodes[id];
        node.Start();
        lock (_lock)
        {
            var broker = new BrokerImage(
                node.Id, ++_brokerEpoch, new Guid(id, 0, 0, new byte[8]), new DirectoryId(new Guid(id, 2, 3, new byte[8])), null, [node.Server.Endpoint("127.0.0.1")], Fenced: false);
            node.Manager.Tell(new ReplicaManagerProtocol.Registered(_brokerEpoch));
            Publish(_image with { Brokers = _image.Brokers.SetItem(node.Id, broker) });
        }
    }

    public TopicImage CreateTopic(string name, int leader, int[] replicas, int partitions = 1, params (string Key, string Value)[] configs)
    {
        var ids = Ids(replicas);
        var topic = new TopicImage(
            new TopicId(new Guid((int)_image.Version, 9, 9, new byte[8])),
            name,
            [.. Enumerable.Range(0, partitions).Select(index => new PartitionImage(index, ids, ids, [], new BrokerId(leader), new LeaderEpoch(0), 0))],
            configs.ToImmutableSortedDictionary(config => config.Key, config => config.Value, StringComparer.Ordinal));
        lock (_lock) Publish(_image.With(topic));
        foreach (var id in replicas) Until($"{name} opens on {id}", () => _nodes[id].Find(topic, partitions - 1) is not null);
        return topic;
    }

    /// <summary>What the controller does: a new leader, or the same one, under a new epoch.</summary>
    public void Elect(TopicImage topic, int? leader, params int[] isr) => Change(topic, partition => partition with
    {
        Leader = leader is { } id ? new BrokerId(id) : null,
        LeaderEpoch = partition.LeaderEpoch.Next(),
        Isr = Ids(isr),
    });

    public void SetIsr(TopicImage topic, params int[] isr) => Change(topic, partition => partition with { Isr = Ids(isr) });

    public void SetReplicas(TopicImage topic, int[] replicas, int[] isr) => Change(topic, partition => partition with { Replicas = Ids(replicas), Isr = Ids(isr) });

    /// <summary>These nodes hear of nothing until they are named no more.</summary>
    public void KeepInTheDark(params int[] ids)
    {
        lock (_lock)
        {
            _inTheDark.Clear();
            _inTheDark.UnionWith(ids);
            Publish(_image);
        }
    }

    public PartitionImage Standing(TopicImage topic)
    {
        lock (_lock) return _image.FindTopic(topic.Id)!.Partitions[0];
    }

    /// <summary>All replicas end at the same offset, know it as committed, and hold the same bytes (as long as no log is compacted: each replica does that on its own).</summary>
    public void UntilEqual(TopicImage topic, params int[] ids) => Until($"{string.Join(", ", ids)} hold the same", () =>
    {
        var handles = ids.Select(id => _nodes[id].Find(topic)).ToList();
        if (handles.Any(handle => handle is null)) return false;
        var ends = handles.Select(handle => handle!.View).ToList();
        if (ends.Any(view => view.LogEnd != ends[0].LogEnd || view.HighWatermark != view.LogEnd)) return false;
        var logs = handles.Select(handle => Content(handle!.Log)).ToList();
        return logs.All(log => log.AsSpan().SequenceEqual(logs[0]));
    });

    public static byte[] Content(PartitionLog log)
    {
        var bytes = new List<byte>();
        for (var at = log.LogStartOffset; ;)
        {
            using var read = log.Read(at, 1 << 20, Offset.Max, minOneBatch: true);
            if (read.Batches.IsEmpty) return [.. bytes];
            bytes.AddRange(read.Batches.Span);
            at = read.NextOffset;
        }
    }

    public List<string> Values(TopicImage topic, int id)
    {
        var values = new List<string>();
        for (var rest = Content(_nodes[id].Find(topic)!.Log).AsMemory(); !rest.IsEmpty;)
        {
            Assert.Equal(BatchFault.None, RecordBatchValidator.CheckChecksum(rest.Span, out var header));
            using var records = new RecordEnumerator(rest.Span[..(int)header.SizeInBytes]);
            while (records.MoveNext()) values.Add(Encoding.UTF8.GetString(records.Current.Value));
            rest = rest[(int)header.SizeInBytes..];
        }

        return values;
    }

    /// <summary>Polls: what is awaited happens behind sockets.</summary>
    public static void Until(string what, Func<bool> holds) =>
        Assert.True(SpinWait.SpinUntil(() => Holds(holds), ReplicaNode.Patience), $"not within {ReplicaNode.Patience}: {what}");

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
            if (node.IsRunning) await node.KillAsync();
        await _system.Terminate();
    }

    private static bool Holds(Func<bool> holds)
    {
        Thread.Sleep(5);
        try
        {
            return holds();
        }
        catch (Exception passing) when (passing is IOException or ObjectDisposedException)
        {
            return false; // a log that is just being cut or closed
        }
    }

    /// <summary>Whose process is gone is fenced by the same decision: else a leader that has not missed it yet would propose it again.</summary>
    private void Change(TopicImage topic, Func<PartitionImage, PartitionImage> change)
    {
        lock (_lock)
        {
            foreach (var node in _nodes.Values)
                if (!node.IsRunning) _image = _image with { Brokers = _image.Brokers.SetItem(node.Id, _image.Brokers[node.Id] with { Fenced = true }) };
            var now = _image.FindTopic(topic.Id)!;
            var next = now.Partitions.Select(partition => change(partition) with { PartitionEpoch = partition.PartitionEpoch + 1 });
            Publish(_image.With(now with { Partitions = [.. next] }));
        }
    }

    private ControllerProtocol.IsrOutcome Decide(ControllerProtocol.IsrProposal proposal)
    {
        lock (_lock)
        {
            if (_image.FindTopic(proposal.Topic) is not { } topic) return new(proposal.Topic, proposal.Index, ErrorCode.UnknownTopicId, null);
            var now = topic.Partitions[proposal.Index];
            if (proposal.LeaderEpoch != now.LeaderEpoch || proposal.PartitionEpoch != now.PartitionEpoch)
                return new(proposal.Topic, proposal.Index, ErrorCode.InvalidUpdateVersion, now);
            now = now with { Isr = [.. proposal.Isr.Select(member => member.Id)], PartitionEpoch = now.PartitionEpoch + 1 };
            Accepted.Add($"{now.LeaderEpoch}: {string.Join(",", now.Isr)}");
            Publish(_image.With(topic.With(now)));
            return new(proposal.Topic, proposal.Index, ErrorCode.None, now);
        }
    }

    private void Publish(MetadataImage image)
    {
        _image = image with { Version = image.Version + 1 };
        foreach (var (id, node) in _nodes)
            if (node.IsRunning && !_inTheDark.Contains(id)) node.Manager.Tell(new MetadataChanged(_image), _controller);
    }

    private static ImmutableArray<BrokerId> Ids(int[] ids) => [.. ids.Select(id => new BrokerId(id))];

    private sealed class Decider : ReceiveActor
    {
        public Decider(ReplicaCluster cluster)
        {
            Receive<ControllerProtocol.AlterPartitions>(alter =>
                Sender.Tell(new ControllerProtocol.PartitionsAltered([.. alter.Partitions.Select(cluster.Decide)])));
            Receive<ReplicasReconciled>(_ => { });
        }
    }
}

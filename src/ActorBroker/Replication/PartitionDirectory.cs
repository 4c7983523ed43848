using System.Collections.Concurrent;
using ActorBroker.Log;
using ActorBroker.Metadata;
using Akka.Actor;

namespace ActorBroker.Replication;

/// <summary>
/// A partition that is served here: its actor for writes, its log for reads, and its actor's latest view of itself.
/// One incarnation of the actor, one handle.
/// </summary>
internal sealed class PartitionHandle(TopicId topicId, TopicPartition partition, PartitionLog log, TopicSettings settings)
{
    private volatile PartitionView? _view;
    private volatile TopicSettings _settings = settings;

    public TopicId TopicId => topicId;

    public TopicPartition Partition => partition;

    public PartitionLog Log => log;

    /// <summary>Set by the actor before anybody else sees the handle.</summary>
    public IActorRef Actor { get; private set; } = ActorRefs.Nobody;

    internal bool IsBound => _view is not null;

    /// <summary>All below is committed, as far as known here; from any thread and at any time.</summary>
    public Offset CommittedOffset => _view?.HighWatermark ?? log.LogStartOffset;

    /// <summary>Set by the actor before anybody else sees the handle.</summary>
    public PartitionView View => _view ?? throw new InvalidOperationException($"{partition} is not served yet.");

    public TopicSettings Settings => _settings;

    internal void Bind(IActorRef actor) => Actor = actor;

    /// <summary>The actor's alone.</summary>
    internal void Publish(PartitionView view) => _view = view;

    internal void Publish(TopicSettings settings) => _settings = settings;
}

/// <summary>The partitions this node serves. The replica manager writes, everybody reads, from any thread.</summary>
internal sealed class PartitionDirectory
{
    private readonly ConcurrentDictionary<(TopicId Topic, int Partition), PartitionHandle> _handles = new();
    private volatile bool _isSelfFenced;

    /// <summary>This node has lost the controller for too long to know what it leads: clients are to look elsewhere.</summary>
    public bool IsSelfFenced
    {
        get => _isSelfFenced;
        internal set => _isSelfFenced = value;
    }

    public int Count => _handles.Count;

    public PartitionHandle? Find(TopicId topic, int partition) => _handles.GetValueOrDefault((topic, partition));

    public IEnumerable<PartitionHandle> All => _handles.Values;

    internal void Add(PartitionHandle handle) => _handles[(handle.TopicId, handle.Partition.Partition)] = handle;

    /// <summary>Leaves another incarnation's handle alone.</summary>
    internal void Remove(PartitionHandle handle) =>
        _handles.TryRemove(KeyValuePair.Create((handle.TopicId, handle.Partition.Partition), handle));
}

using System.Collections.Concurrent;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Groups;

/// <summary>Which coordinator of this node a group belongs to. The manager writes, sessions read, from any thread.</summary>
internal sealed class CoordinatorDirectory(BrokerId self, MetadataCache metadata)
{
    private readonly ConcurrentDictionary<int, IActorRef> _coordinators = new();

    /// <summary>Coordinators of the partitions that this node leads.</summary>
    public IReadOnlyList<IActorRef> Leading => [.. _coordinators.Where(entry => Leader(entry.Key) == self).Select(entry => entry.Value)];

    /// <summary>Null with the reason where another node is to be asked, or this one later.</summary>
    public IActorRef? Find(string group, out ErrorCode error)
    {
        error = ErrorCode.NotCoordinator;
        if (metadata.Current.FindTopic(GroupPartitioner.Topic) is not { } topic) return null;
        var partition = GroupPartitioner.PartitionOf(group, topic.Partitions.Length);
        if (topic.Partitions[partition].Leader != self) return null;
        error = ErrorCode.None;
        if (_coordinators.TryGetValue(partition, out var coordinator)) return coordinator;
        error = ErrorCode.CoordinatorLoadInProgress;
        return null;
    }

    internal void Set(int partition, IActorRef coordinator) => _coordinators[partition] = coordinator;

    internal void Remove(int partition) => _coordinators.TryRemove(partition, out _);

    private BrokerId? Leader(int partition) =>
        metadata.Current.FindTopic(GroupPartitioner.Topic) is { } topic && partition < topic.Partitions.Length ? topic.Partitions[partition].Leader : null;
}

using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Control;

/// <summary>
/// What the controller has decided, as stored in its log. Extend only: a property is added with a default that means
/// what its absence meant, and a reader ships one release before the writer.
/// </summary>
internal interface IControlEvent;

/// <summary>First event of every cluster.</summary>
/// <param name="FeatureLevel">Gates what may be written from here on; see <see cref="FeatureLevels"/>.</param>
internal sealed record ClusterFormed(string ClusterId, int FeatureLevel) : IControlEvent;

/// <summary>A broker process is known under a new epoch: this event's own sequence number.</summary>
/// <param name="CleanShutdown">The broker's previous run ended in order, so its logs hold all that it had acknowledged.</param>
/// <param name="BootId">Of the machine; null where it has none. A new one without a clean shutdown means that the page cache was lost.</param>
internal sealed record BrokerRegistered(
    int BrokerId,
    Guid Incarnation,
    Guid Directory,
    string? Rack,
    ImmutableArray<BrokerEndpoint> Endpoints,
    bool CleanShutdown,
    string? BootId) : IControlEvent;

/// <summary>The broker may lead and be in ISRs (false), or not (true).</summary>
internal sealed record BrokerFencingChanged(int BrokerId, long BrokerEpoch, bool Fenced) : IControlEvent;

/// <summary>The broker has asked to stop: it leads nothing from here on, until it registers again.</summary>
internal sealed record BrokerStopping(int BrokerId, long BrokerEpoch) : IControlEvent;

/// <summary>The broker is gone for good.</summary>
internal sealed record BrokerRemoved(int BrokerId, long BrokerEpoch) : IControlEvent;

internal sealed record TopicCreated(
    Guid TopicId,
    string Name,
    ImmutableArray<PartitionAssignment> Partitions,
    ImmutableSortedDictionary<string, string> Configs) : IControlEvent;

/// <summary>Partitions added at the end of an existing topic.</summary>
internal sealed record PartitionsAdded(Guid TopicId, int FirstIndex, ImmutableArray<PartitionAssignment> Partitions) : IControlEvent;

/// <summary>A new partition: the first replica leads, at leader epoch and partition epoch 0.</summary>
internal sealed record PartitionAssignment(ImmutableArray<int> Replicas, ImmutableArray<int> Isr, int Leader);

/// <summary>A partition's whole standing after a change; <see cref="PartitionEpoch"/> is one above the standing it replaces.</summary>
/// <param name="Leader">-1: offline.</param>
/// <param name="LastKnownLeader">-1: none. Events of the first release have neither this nor what follows.</param>
internal sealed record PartitionChanged(
    Guid TopicId,
    int Index,
    ImmutableArray<int> Replicas,
    ImmutableArray<int> Isr,
    ImmutableArray<int> EligibleLeaders,
    int Leader,
    int LeaderEpoch,
    int PartitionEpoch,
    int LastKnownLeader = -1,
    ImmutableArray<int> AddingReplicas = default,
    ImmutableArray<int> RemovingReplicas = default) : IControlEvent
{
    public ImmutableArray<int> AddingReplicas { get; init; } = AddingReplicas.IsDefault ? [] : AddingReplicas;

    public ImmutableArray<int> RemovingReplicas { get; init; } = RemovingReplicas.IsDefault ? [] : RemovingReplicas;
}

/// <summary>Keys set on a topic; a null value removes the key, so that the broker's default holds again.</summary>
internal sealed record TopicConfigChanged(Guid TopicId, ImmutableSortedDictionary<string, string?> Changes) : IControlEvent;

internal sealed record TopicDeleted(Guid TopicId) : IControlEvent;

/// <summary>A broker got producer ids to give out: <paramref name="Count"/> from <paramref name="First"/> on, to nobody else and never again.</summary>
internal sealed record ProducerIdsAllocated(long First, int Count) : IControlEvent;

/// <summary>
/// Formats and features that a cluster may use; raised by hand once every node can read them. Level 1 is all that the first
/// release knows: whatever is added before it belongs there.
/// </summary>
internal static class FeatureLevels
{
    public const int Latest = 1;
}

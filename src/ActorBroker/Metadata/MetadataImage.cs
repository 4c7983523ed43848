using System.Collections.Immutable;
using System.Text.Json.Serialization;
using ActorBroker.Log;

namespace ActorBroker.Metadata;

/// <summary>
/// What the whole cluster agrees on, as of one entry of the controller's log: brokers, topics, partitions and their
/// configuration. Immutable; a new decision makes a new image that shares what did not change.
/// </summary>
public sealed record MetadataImage
{
    public static readonly MetadataImage Empty = new();

    /// <summary>Null until the cluster is formed.</summary>
    public ClusterId? ClusterId { get; init; }

    /// <summary>Sequence number of the newest controller event in this image. Grows with every event, not always by one: a quorum's own entries take numbers too.</summary>
    public long Version { get; init; }

    /// <summary>What may be written and sent in this cluster; see <c>FeatureLevels</c>. 0 until the cluster is formed.</summary>
    public int FeatureLevel { get; init; }

    /// <summary>All below have been allotted to brokers, which give them to producers.</summary>
    public long NextProducerId { get; init; }

    public ImmutableSortedDictionary<BrokerId, BrokerImage> Brokers { get; init; } = ImmutableSortedDictionary<BrokerId, BrokerImage>.Empty;

    public ImmutableDictionary<TopicId, TopicImage> TopicsById { get; init; } = ImmutableDictionary<TopicId, TopicImage>.Empty;

    /// <summary>Ordinal by name, so that listings come out sorted.</summary>
    public ImmutableSortedDictionary<string, TopicImage> TopicsByName { get; init; } =
        ImmutableSortedDictionary.Create<string, TopicImage>(StringComparer.Ordinal);

    public TopicImage? FindTopic(string name) => TopicsByName.GetValueOrDefault(name);

    public TopicImage? FindTopic(TopicId id) => TopicsById.GetValueOrDefault(id);

    internal MetadataImage With(BrokerImage broker) => this with { Brokers = Brokers.SetItem(broker.Id, broker) };

    internal MetadataImage With(TopicImage topic) => this with
    {
        TopicsById = TopicsById.SetItem(topic.Id, topic),
        TopicsByName = TopicsByName.SetItem(topic.Name, topic),
    };

    internal MetadataImage Without(TopicImage topic) => this with
    {
        TopicsById = TopicsById.Remove(topic.Id),
        TopicsByName = TopicsByName.Remove(topic.Name),
    };
}

/// <summary>An address at which a broker serves one listener, as it advertises it.</summary>
/// <param name="Listener">Name of the listener, for example <c>AKKA</c>, <c>REPLICATION</c> or <c>KAFKA</c>.</param>
/// <param name="Protocol"><c>AKKA</c> for Akka.Remote, otherwise Kafka's security protocol name.</param>
public sealed record BrokerEndpoint(string Listener, string Host, int Port, string Protocol);

/// <summary>A registered broker. <paramref name="Epoch"/> is the controller log position of its registration (KIP-631), so a later incarnation always has a higher one.</summary>
/// <param name="Incarnation">Chosen anew by each start of the broker process.</param>
/// <param name="Directory">Identity of the data folder it registered with (KIP-858).</param>
public sealed record BrokerImage(
    BrokerId Id,
    long Epoch,
    Guid Incarnation,
    DirectoryId Directory,
    string? Rack,
    ImmutableArray<BrokerEndpoint> Endpoints,
    bool Fenced)
{
    /// <summary>It is giving up its leaders before it stops: it may not lead or join an ISR (KIP-841).</summary>
    public bool InControlledShutdown { get; init; }

    /// <summary>Of the machine's run in which it registered; null where the machine has none.</summary>
    public string? BootId { get; init; }

    /// <summary>May lead partitions and be in their ISRs.</summary>
    [JsonIgnore]
    public bool IsActive => !Fenced && !InControlledShutdown;

    public BrokerEndpoint? Endpoint(string listener)
    {
        foreach (var endpoint in Endpoints)
            if (string.Equals(endpoint.Listener, listener, StringComparison.Ordinal))
                return endpoint;
        return null;
    }
}

/// <summary>A topic with its partitions, in index order, and the configuration keys that were set on it (Kafka's names).</summary>
public sealed record TopicImage(
    TopicId Id,
    string Name,
    ImmutableArray<PartitionImage> Partitions,
    ImmutableSortedDictionary<string, string> Overrides)
{
    /// <summary>Internal topics keep broker state, and clients may not write to them (Kafka's <c>__</c> topics).</summary>
    [JsonIgnore]
    public bool IsInternal => IsInternalName(Name);

    /// <summary>Of its first partition, before the reassignment that may be under way.</summary>
    [JsonIgnore]
    public int ReplicationFactor => Partitions[0].Replicas.Length - Partitions[0].AddingReplicas.Length;

    internal static bool IsInternalName(string name) => name is "__consumer_offsets" or "__transaction_state";

    internal TopicImage With(PartitionImage partition) => this with { Partitions = Partitions.SetItem(partition.Index, partition) };
}

/// <summary>
/// Who holds a partition. <paramref name="LeaderEpoch"/> grows with every new leader, <paramref name="PartitionEpoch"/>
/// with every change at all (KIP-497: proposals compare on it).
/// </summary>
/// <param name="Replicas">In preference order: the first is the preferred leader.</param>
/// <param name="Leader">Null while the partition is offline.</param>
/// <param name="Isr">In the order of <paramref name="Replicas"/>. Empty exactly while nobody leads.</param>
/// <param name="EligibleLeaders">Eligible leader replicas (KIP-966): left the ISR when it fell below <c>min.insync.replicas</c>, and hold all committed records.</param>
public sealed record PartitionImage(
    int Index,
    ImmutableArray<BrokerId> Replicas,
    ImmutableArray<BrokerId> Isr,
    ImmutableArray<BrokerId> EligibleLeaders,
    BrokerId? Leader,
    LeaderEpoch LeaderEpoch,
    int PartitionEpoch)
{
    /// <summary>Who led last, while nobody leads. With <see cref="EligibleLeaders"/> empty too it is the only replica that may lead again without <c>unclean.leader.election.enable</c> (KIP-966).</summary>
    public BrokerId? LastKnownLeader { get; init; }

    /// <summary>Members of <see cref="Replicas"/> that a reassignment adds; empty when none is under way (KIP-455).</summary>
    public ImmutableArray<BrokerId> AddingReplicas { get; init; } = [];

    /// <summary>Members of <see cref="Replicas"/> that go once the reassignment is complete.</summary>
    public ImmutableArray<BrokerId> RemovingReplicas { get; init; } = [];

    [JsonIgnore]
    public bool IsReassigning => !AddingReplicas.IsEmpty || !RemovingReplicas.IsEmpty;
}

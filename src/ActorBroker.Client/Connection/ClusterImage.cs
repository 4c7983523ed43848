using System.Collections.Immutable;
using System.Runtime.InteropServices;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Where a broker's ActorSystem listens. The default value is a broker in the client's own ActorSystem.</summary>
internal readonly record struct NodeAddress(string? System, string? Host, int Port)
{
    public static NodeAddress Local => default;

    public bool IsLocal => Host is null;

    public override string ToString() => IsLocal ? "local" : $"{System}@{Host}:{Port}";
}

/// <summary>One partition as the cluster last described it; a leader of <see cref="BrokerId.None"/> means none now.</summary>
internal readonly record struct PartitionView(int Index, BrokerId Leader, LeaderEpoch LeaderEpoch, ErrorCode Error)
{
    public bool HasLeader => Leader != BrokerId.None;
}

/// <summary>A topic; <see cref="Partitions"/> is indexed by partition number and empty when <see cref="Error"/> is set.</summary>
internal sealed record TopicView(string Name, TopicId Id, ErrorCode Error, ImmutableArray<PartitionView> Partitions);

/// <summary>What a client knows of the cluster: the last metadata answer, immutable.</summary>
internal sealed class ClusterImage(
    string? clusterId, BrokerId controllerId, ImmutableDictionary<BrokerId, NodeAddress> brokers, ImmutableDictionary<string, TopicView> topics)
{
    public static ClusterImage Empty { get; } = new(
        null, BrokerId.None, ImmutableDictionary<BrokerId, NodeAddress>.Empty, ImmutableDictionary.Create<string, TopicView>(StringComparer.Ordinal));

    public string? ClusterId { get; } = clusterId;

    public BrokerId ControllerId { get; } = controllerId;

    public ImmutableDictionary<BrokerId, NodeAddress> Brokers { get; } = brokers;

    public ImmutableDictionary<string, TopicView> Topics { get; } = topics;

    public bool TryGetPartition(TopicPartition partition, out PartitionView view)
    {
        view = default;
        if (!Topics.TryGetValue(partition.Topic, out var topic) || (uint)partition.Partition >= (uint)topic.Partitions.Length)
            return false;
        view = topic.Partitions[partition.Partition];
        return true;
    }

    /// <summary>The partition's leader, if there is one and its address is known.</summary>
    public BrokerId LeaderOf(TopicPartition partition) =>
        TryGetPartition(partition, out var view) && Brokers.ContainsKey(view.Leader) ? view.Leader : BrokerId.None;

    /// <summary>Whether something asked for lacks a leader or can't be described yet, so that asking again helps.</summary>
    public bool IsIncomplete(IReadOnlyCollection<string> wanted)
    {
        foreach (var name in wanted)
        {
            if (!Topics.TryGetValue(name, out var topic) || topic.Error != ErrorCode.None)
                return true;
            foreach (var partition in topic.Partitions)
            {
                if (!Brokers.ContainsKey(partition.Leader))
                    return true;
            }
        }

        return false;
    }

    /// <param name="response">An answer to a Metadata request.</param>
    /// <param name="addressOf">Turns an advertised host and port into an address.</param>
    public static ClusterImage From(MetadataResponse response, Func<string, int, NodeAddress> addressOf)
    {
        var brokers = ImmutableDictionary.CreateBuilder<BrokerId, NodeAddress>();
        foreach (var broker in response.Brokers)
            brokers[new BrokerId(broker.NodeId)] = addressOf(broker.Host, broker.Port);
        var topics = ImmutableDictionary.CreateBuilder<string, TopicView>(StringComparer.Ordinal);
        foreach (var topic in response.Topics)
        {
            if (topic.Name is { } name)
                topics[name] = View(name, topic);
        }

        return new ClusterImage(response.ClusterId, new BrokerId(response.ControllerId), brokers.ToImmutable(), topics.ToImmutable());
    }

    private static TopicView View(string name, MetadataResponse.MetadataResponseTopic topic)
    {
        var partitions = new PartitionView[topic.Partitions.Count];
        foreach (var partition in topic.Partitions)
        {
            if ((uint)partition.PartitionIndex >= (uint)partitions.Length)
                continue;
            partitions[partition.PartitionIndex] = new PartitionView(
                partition.PartitionIndex, new BrokerId(partition.LeaderId), new LeaderEpoch(partition.LeaderEpoch), partition.ErrorCode);
        }

        return new TopicView(name, new TopicId(topic.TopicId), topic.ErrorCode, ImmutableCollectionsMarshal.AsImmutableArray(partitions));
    }
}

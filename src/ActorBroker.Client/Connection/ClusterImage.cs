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
internal sealed record TopicView(string Name, TopicId Id, ErrorCode Error, ImmutableArray<PartitionView> Partitions)
{
    /// <summary>The cluster keeps its own state in it.</summary>
    public bool IsInternal { get; init; }
}

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

    /// <summary>Of the partition's leader; none if the partition is not known.</summary>
    public LeaderEpoch EpochOf(TopicPartition partition) => TryGetPartition(partition, out var view) ? view.LeaderEpoch : LeaderEpoch.None;

    /// <summary>
    /// What is known after an answer. A broker that is cut off from the others answers with what it knew long ago: so a
    /// partition's leader is never replaced by one of an older epoch, and its address is not forgotten with it.
    /// </summary>
    /// <param name="response">An answer to a Metadata request.</param>
    /// <param name="addressOf">Turns an advertised host and port into an address.</param>
    public ClusterImage After(MetadataResponse response, Func<string, int, NodeAddress> addressOf)
    {
        var alive = ImmutableDictionary.CreateBuilder<BrokerId, NodeAddress>();
        foreach (var broker in response.Brokers)
            alive[new BrokerId(broker.NodeId)] = addressOf(broker.Host, broker.Port);
        var described = ImmutableDictionary.CreateBuilder<string, TopicView>(StringComparer.Ordinal);
        foreach (var topic in response.Topics)
        {
            if (topic.Name is { } name)
                described[name] = NewestOf(View(name, topic), alive);
        }

        return new ClusterImage(response.ClusterId, new BrokerId(response.ControllerId), alive.ToImmutable(), described.ToImmutable());
    }

    /// <summary>An answer about all topics does not name those that are not there.</summary>
    public ClusterImage WithMissing(IEnumerable<string> wanted)
    {
        var known = Topics;
        foreach (var name in wanted)
        {
            if (!known.ContainsKey(name))
                known = known.Add(name, new TopicView(name, default, ErrorCode.UnknownTopicOrPartition, []));
        }

        return known == Topics ? this : new ClusterImage(ClusterId, ControllerId, Brokers, known);
    }

    private TopicView NewestOf(TopicView view, ImmutableDictionary<BrokerId, NodeAddress>.Builder alive)
    {
        if (view.Error != ErrorCode.None || !Topics.TryGetValue(view.Name, out var known) || known.Id != view.Id)
            return view;
        var partitions = view.Partitions;
        for (var i = 0; i < Math.Min(partitions.Length, known.Partitions.Length); i++)
        {
            var kept = known.Partitions[i];
            if (kept.LeaderEpoch <= partitions[i].LeaderEpoch)
                continue;
            partitions = partitions.SetItem(i, kept);
            if (Brokers.TryGetValue(kept.Leader, out var address))
                alive.TryAdd(kept.Leader, address);
        }

        return partitions == view.Partitions ? view : view with { Partitions = partitions };
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

        return new TopicView(name, new TopicId(topic.TopicId), topic.ErrorCode, ImmutableCollectionsMarshal.AsImmutableArray(partitions))
        {
            IsInternal = topic.IsInternal,
        };
    }
}

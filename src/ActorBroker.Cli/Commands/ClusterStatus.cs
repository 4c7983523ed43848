using System.Globalization;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Cli.Commands;

/// <summary>A partition that is not as it should be.</summary>
internal sealed record TroubledPartition(TopicPartition Id, PartitionDescription Standing);

/// <summary>How a cluster stands, as one of its brokers and its controller tell.</summary>
/// <param name="Quorum">Null while there is no controller; then <paramref name="QuorumFault"/> says why.</param>
/// <param name="UnderReplicated">Replicas are missing in the ISR, those that a reassignment adds not counted.</param>
/// <param name="UnderMinIsr">Too few are in sync for writes with acks=all.</param>
/// <param name="Offline">Nobody leads: neither reads nor writes.</param>
internal sealed record ClusterStatus(
    ClusterDescription Cluster,
    QuorumDescription? Quorum,
    string? QuorumFault,
    int Topics,
    int Partitions,
    IReadOnlyList<TroubledPartition> UnderReplicated,
    IReadOnlyList<TroubledPartition> UnderMinIsr,
    IReadOnlyList<TroubledPartition> Offline,
    IReadOnlyList<ReassignmentDescription> Reassignments)
{
    /// <summary>Every partition can be read, and somebody can decide. It may still lack replicas.</summary>
    public bool IsServing => Quorum is not null && Offline.Count == 0;

    public static async Task<ClusterStatus> GatherAsync(AdminClient admin, CancellationToken cancellation)
    {
        var cluster = await admin.DescribeClusterAsync(includeFenced: true, cancellation);
        QuorumDescription? quorum = null;
        string? fault = null;
        try
        {
            quorum = await admin.DescribeQuorumAsync(cancellation);
        }
        catch (AdminException e)
        {
            fault = e.Message;
        }

        var topics = await admin.ListTopicsAsync(cancellation);
        var moves = await admin.ListReassignmentsAsync(cancellation);
        var adding = moves.ToDictionary(move => move.Partition, move => move.Adding.Count);
        var all = topics.SelectMany(topic => topic.Partitions.Select(partition => new TroubledPartition(new TopicPartition(topic.Name, partition.Index), partition))).ToList();
        var under = all.Where(partition => partition.Standing.InSync.Count < partition.Standing.Replicas.Count - adding.GetValueOrDefault(partition.Id)).ToList();
        var minima = await MinimaAsync(admin, [.. under.Select(partition => partition.Id.Topic).Distinct(StringComparer.Ordinal)], cancellation);
        return new ClusterStatus(
            cluster,
            quorum,
            fault,
            topics.Count,
            all.Count,
            under,
            [.. under.Where(partition => partition.Standing.InSync.Count < minima.GetValueOrDefault(partition.Id.Topic, 1))],
            [.. all.Where(partition => partition.Standing.Leader == BrokerId.None)],
            moves);
    }

    /// <summary>Each topic's min.insync.replicas.</summary>
    private static async Task<Dictionary<string, int>> MinimaAsync(AdminClient admin, IReadOnlyList<string> topics, CancellationToken cancellation)
    {
        if (topics.Count == 0) return [];
        var configs = await admin.DescribeConfigsAsync([.. topics.Select(ConfigResource.Topic)], ["min.insync.replicas"], cancellation: cancellation);
        return configs.Where(config => config.Error == ErrorCode.None && config.Entries.Count == 1)
            .ToDictionary(config => config.Resource.Name, config => int.Parse(config.Entries[0].Value!, CultureInfo.InvariantCulture), StringComparer.Ordinal);
    }
}

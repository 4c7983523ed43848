using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Api.Admin;

/// <summary>A partition's standing in the terms that several answers share.</summary>
internal static class PartitionStanding
{
    public static ErrorCode Error(PartitionImage partition) => partition.Leader is null ? ErrorCode.LeaderNotAvailable : ErrorCode.None;

    /// <summary>-1 while it is offline.</summary>
    public static int Leader(PartitionImage partition) => partition.Leader?.Value ?? -1;

    public static int[] Ids(ImmutableArray<BrokerId> brokers)
    {
        var ids = new int[brokers.Length];
        for (var i = 0; i < ids.Length; i++) ids[i] = brokers[i].Value;
        return ids;
    }

    /// <summary>The replicas on brokers that are fenced or gone.</summary>
    public static List<int> Offline(PartitionImage partition, MetadataImage image)
    {
        var offline = new List<int>();
        foreach (var id in partition.Replicas)
            if (!image.Brokers.TryGetValue(id, out var broker) || broker.Fenced)
                offline.Add(id.Value);
        return offline;
    }
}

using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Builds and reads the requests about committed offsets, for consumers and the admin alike.</summary>
internal static class OffsetRequests
{
    public static OffsetCommitRequest Commit(
        string group, string member, int generation, string? instance, IReadOnlyDictionary<TopicPartition, CommittedOffset> offsets) => new()
        {
            GroupId = group,
            MemberId = member,
            GenerationIdOrMemberEpoch = generation,
            GroupInstanceId = instance,
            Topics = [.. offsets.GroupBy(offset => offset.Key.Topic, StringComparer.Ordinal).Select(topic => new OffsetCommitRequest.OffsetCommitRequestTopic
            {
                Name = topic.Key,
                Partitions = [.. topic.Select(offset => new OffsetCommitRequest.OffsetCommitRequestPartition
                {
                    PartitionIndex = offset.Key.Partition,
                    CommittedOffset = offset.Value.Offset.Value,
                    CommittedLeaderEpoch = offset.Value.LeaderEpoch.Value,
                    CommittedMetadata = offset.Value.Metadata,
                })],
            })],
        };

    /// <param name="group">The group.</param>
    /// <param name="partitions">Null for all that have one. An answer may tell of some only: ask again for the others.</param>
    /// <param name="after">Of all, only those behind this one, by topic and partition.</param>
    public static OffsetFetchRequest Fetch(string group, IEnumerable<TopicPartition>? partitions, TopicPartition? after = null) => new()
    {
        Groups =
        [
            new OffsetFetchRequest.OffsetFetchRequestGroup
            {
                GroupId = group,
                AfterTopic = after?.Topic,
                AfterPartition = after?.Partition ?? -1,
                Topics = partitions is null ? null : [.. partitions.GroupBy(partition => partition.Topic, StringComparer.Ordinal).Select(topic => new OffsetFetchRequest.OffsetFetchRequestTopics
                {
                    Name = topic.Key, PartitionIndexes = [.. topic.Select(partition => partition.Partition)],
                })],
            },
        ],
        TakesParts = true,
        RequireStable = true,
    };

    /// <summary>An answer about one group; the error is of the whole.</summary>
    public static ErrorCode Read(OffsetFetchResponse response, Action<TopicPartition, ErrorCode, CommittedOffset> each)
    {
        if (response.Groups.Count != 1)
            return ErrorCode.UnknownServerError;
        var group = response.Groups[0];
        if (group.ErrorCode != ErrorCode.None)
            return group.ErrorCode;
        foreach (var topic in group.Topics)
        {
            foreach (var partition in topic.Partitions)
            {
                each(new TopicPartition(topic.Name, partition.PartitionIndex), partition.ErrorCode, new CommittedOffset(new Offset(partition.CommittedOffset))
                {
                    LeaderEpoch = new LeaderEpoch(partition.CommittedLeaderEpoch),
                    Metadata = partition.Metadata ?? "",
                });
            }
        }

        return ErrorCode.None;
    }
}

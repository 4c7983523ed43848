using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.DescribeTopicPartitionsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>
/// Topics by name with their partitions, a page at a time, with what only operators ask for: eligible leader replicas
/// (KIP-966) and partition epochs. A page holds what was asked for, and never more than its asker's transport takes.
/// </summary>
internal sealed class DescribeTopicPartitionsHandler(MetadataCache cache, IAuthorizer authorizer) : IRequestHandler
{
    private const int MaxPartitions = 2000;

    /// <summary>More than a topic without its partitions, or a partition without its replicas, takes.</summary>
    private const int FixedBytes = 64;

    public ApiKey ApiKey => ApiKey.DescribeTopicPartitions;

    public void Handle(ApiCall call)
    {
        var request = (DescribeTopicPartitionsRequest)call.Request;
        if (request.ResponsePartitionLimit <= 0)
            call.Fail(ErrorCode.InvalidRequest, "A page has at least one partition.");
        else if (request.Cursor is { PartitionIndex: < 0 })
            call.Fail(ErrorCode.InvalidRequest, "The partition to go on with is negative.");
        else
            call.Reply(Describe(call.Context, request));
    }

    private DescribeTopicPartitionsResponse Describe(RequestContext context, DescribeTopicPartitionsRequest request)
    {
        var image = cache.Current;
        var page = new Page(Math.Min(request.ResponsePartitionLimit, MaxPartitions), context.MaxResponseBytes / 2);
        var topics = new List<DescribeTopicPartitionsResponseTopic>();
        foreach (var name in Names(request, image))
        {
            var from = 0;
            if (request.Cursor is { } cursor)
            {
                var order = string.CompareOrdinal(name, cursor.TopicName);
                if (order < 0) continue;
                if (order == 0) from = cursor.PartitionIndex;
            }

            var mayDescribe = authorizer.Allows(context, AclOperation.Describe, ResourceType.Topic, name);
            if (request.Topics.Count == 0 && !mayDescribe) continue;
            if (!page.HasRoomForTopic) return new() { Topics = topics, NextCursor = new() { TopicName = name, PartitionIndex = from } };
            page.AddTopic(name);
            if (!mayDescribe || image.FindTopic(name) is not { } topic)
            {
                topics.Add(Missing(name, mayDescribe));
                continue;
            }

            var partitions = new List<DescribeTopicPartitionsResponsePartition>();
            topics.Add(new()
            {
                Name = topic.Name,
                TopicId = topic.Id.Value,
                IsInternal = topic.IsInternal,
                Partitions = partitions,
                TopicAuthorizedOperations = authorizer.OnTopic(context, topic.Name),
            });
            for (var index = from; index < topic.Partitions.Length; index++)
            {
                if (!page.HasRoomForPartition) return new() { Topics = topics, NextCursor = new() { TopicName = name, PartitionIndex = index } };
                page.AddPartition(topic.Partitions[index]);
                partitions.Add(Partition(topic.Partitions[index], image));
            }
        }

        return new() { Topics = topics };
    }

    private static IEnumerable<string> Names(DescribeTopicPartitionsRequest request, MetadataImage image) => request.Topics.Count == 0
        ? image.TopicsByName.Keys
        : request.Topics.Select(topic => topic.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    private static DescribeTopicPartitionsResponseTopic Missing(string name, bool mayDescribe) => new()
    {
        ErrorCode = !mayDescribe ? ErrorCode.TopicAuthorizationFailed
            : TopicName.IsValid(name) ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException,
        Name = name.Length > TopicName.MaxLength ? name[..TopicName.MaxLength] : name,
    };

    private static DescribeTopicPartitionsResponsePartition Partition(PartitionImage partition, MetadataImage image) => new()
    {
        ErrorCode = PartitionStanding.Error(partition),
        PartitionIndex = partition.Index,
        LeaderId = PartitionStanding.Leader(partition),
        LeaderEpoch = partition.LeaderEpoch.Value,
        ReplicaNodes = PartitionStanding.Ids(partition.Replicas),
        IsrNodes = PartitionStanding.Ids(partition.Isr),
        EligibleLeaderReplicas = PartitionStanding.Ids(partition.EligibleLeaders),
        LastKnownElr = partition.LastKnownLeader is { } last ? [last.Value] : [],
        OfflineReplicas = PartitionStanding.Offline(partition, image),
        PartitionEpoch = partition.PartitionEpoch,
    };

    /// <summary>What a page may still take. Its first topic and its first partition always fit, so that every page leads on.</summary>
    private sealed class Page(int maxPartitions, long maxBytes)
    {
        private int _topics;
        private int _partitions;
        private long _bytes;

        public bool HasRoomForTopic => _topics == 0 || HasRoom;

        public bool HasRoomForPartition => _partitions == 0 || HasRoom;

        private bool HasRoom => _partitions < maxPartitions && _bytes < maxBytes;

        public void AddTopic(string name)
        {
            _topics++;
            _bytes += FixedBytes + (3L * name.Length);
        }

        public void AddPartition(PartitionImage partition)
        {
            _partitions++;
            _bytes += FixedBytes + (4L * ((2 * partition.Replicas.Length) + partition.Isr.Length + partition.EligibleLeaders.Length));
        }
    }
}

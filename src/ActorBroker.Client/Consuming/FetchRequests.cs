using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Builds the consumer's requests.</summary>
internal static class FetchRequests
{
    private const long LatestTimestamp = -1;
    private const long EarliestTimestamp = -2;

    public static FetchRequest Fetch(List<PartitionReader> readers, ClusterImage image, ConsumerSettings settings, int maxBytes, TimeSpan maxWait)
    {
        var topics = new List<FetchRequest.FetchTopic>();
        foreach (var (topic, partitions) in ByTopic(readers, reader => new FetchRequest.FetchPartition
        {
            Partition = reader.Partition.Partition,
            CurrentLeaderEpoch = EpochOf(reader, image),
            FetchOffset = reader.Position.Value,
            PartitionMaxBytes = Math.Min(settings.MaxPartitionFetchBytes, maxBytes),
        }))
        {
            topics.Add(new FetchRequest.FetchTopic
            {
                Topic = topic,
                TopicId = image.Topics.TryGetValue(topic, out var view) ? view.Id.Value : default,
                Partitions = partitions,
            });
        }

        return new FetchRequest
        {
            MaxWaitMs = (int)maxWait.TotalMilliseconds,
            MinBytes = settings.FetchMinBytes,
            MaxBytes = maxBytes,
            SessionEpoch = -1,
            Topics = topics,
        };
    }

    public static ListOffsetsRequest ListOffsets(List<PartitionReader> readers, ClusterImage image)
    {
        var topics = new List<ListOffsetsRequest.ListOffsetsTopic>();
        foreach (var (topic, partitions) in ByTopic(readers, reader => new ListOffsetsRequest.ListOffsetsPartition
        {
            PartitionIndex = reader.Partition.Partition,
            CurrentLeaderEpoch = EpochOf(reader, image),
            Timestamp = TimestampOf(reader.Start!),
        }))
        {
            topics.Add(new ListOffsetsRequest.ListOffsetsTopic { Name = topic, Partitions = partitions });
        }

        return new ListOffsetsRequest { ReplicaId = -1, Topics = topics };
    }

    public static OffsetForLeaderEpochRequest EpochEnds(List<PartitionReader> readers)
    {
        var topics = new List<OffsetForLeaderEpochRequest.OffsetForLeaderTopic>();
        foreach (var (topic, partitions) in ByTopic(readers, reader => new OffsetForLeaderEpochRequest.OffsetForLeaderPartition
        {
            Partition = reader.Partition.Partition,
            CurrentLeaderEpoch = reader.LeaderEpoch.Value,
            LeaderEpoch = reader.PositionEpoch.Value,
        }))
        {
            topics.Add(new OffsetForLeaderEpochRequest.OffsetForLeaderTopic { Topic = topic, Partitions = partitions });
        }

        return new OffsetForLeaderEpochRequest { ReplicaId = -1, Topics = topics };
    }

    private static Dictionary<string, List<T>> ByTopic<T>(List<PartitionReader> readers, Func<PartitionReader, T> item)
    {
        var byTopic = new Dictionary<string, List<T>>(StringComparer.Ordinal);
        foreach (var reader in readers)
        {
            if (!byTopic.TryGetValue(reader.Partition.Topic, out var items))
                byTopic.Add(reader.Partition.Topic, items = []);
            items.Add(item(reader));
        }

        return byTopic;
    }

    private static int EpochOf(PartitionReader reader, ClusterImage image) =>
        image.TryGetPartition(reader.Partition, out var view) ? view.LeaderEpoch.Value : LeaderEpoch.None.Value;

    public static long TimestampOf(StartPosition start) => start switch
    {
        StartPosition.FromBeginning => EarliestTimestamp,
        StartPosition.FromTimestamp(var timestamp) => Math.Max(0, timestamp.ToUnixTimeMilliseconds()),
        _ => LatestTimestamp,
    };
}

using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Batches as a Produce request.</summary>
internal static class ProduceRequests
{
    public static ProduceRequest From(IReadOnlyList<ProducerBatch> batches, ProducerSettings settings)
    {
        var byTopic = new Dictionary<string, List<ProduceRequest.PartitionProduceData>>(StringComparer.Ordinal);
        var topics = new List<ProduceRequest.TopicProduceData>();
        foreach (var batch in batches)
        {
            var (topic, partition) = batch.Queue.Partition;
            if (!byTopic.TryGetValue(topic, out var partitions))
            {
                byTopic.Add(topic, partitions = []);
                topics.Add(new ProduceRequest.TopicProduceData { Name = topic, PartitionData = partitions });
            }

            partitions.Add(new ProduceRequest.PartitionProduceData { Index = partition, Records = batch.Bytes });
        }

        return new ProduceRequest
        {
            Acks = (short)settings.Acks,
            TimeoutMs = (int)settings.Client.RequestTimeout.TotalMilliseconds,
            TopicData = topics,
        };
    }
}

using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Replication;

/// <summary>What the metadata says about one broker: its replicas and what each is to be.</summary>
internal static class LocalReplicas
{
    public static Dictionary<ReplicaKey, WantedReplica> In(MetadataImage image, BrokerId self, TopicDefaults defaults, BrokerStandings brokers)
    {
        var wanted = new Dictionary<ReplicaKey, WantedReplica>();
        foreach (var topic in image.TopicsByName.Values)
        {
            TopicSettings? settings = null;
            foreach (var partition in topic.Partitions)
            {
                if (!partition.Replicas.Contains(self)) continue;
                settings ??= defaults.Settings(topic);
                var assignment = new PartitionAssignment(
                    self, partition.Leader, partition.LeaderEpoch, partition.Replicas, partition.Isr, partition.EligibleLeaders, partition.PartitionEpoch, brokers);
                wanted.Add(new ReplicaKey(topic.Id, new TopicPartition(topic.Name, partition.Index)), new WantedReplica(assignment, settings));
            }
        }

        return wanted;
    }
}

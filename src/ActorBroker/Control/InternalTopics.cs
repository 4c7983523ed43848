using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Control;

/// <summary>
/// Internal topics get replicas as brokers join (requirement B3): nobody is there to reassign what the cluster keeps for
/// itself, and one that began with one node must not hang on it for ever. A partition with fewer replicas than are wanted, and
/// than there are active brokers, is reassigned to more; none is ever taken away, and topics of users are left as they were made.
/// </summary>
internal static class InternalTopics
{
    /// <summary>As many as there are brokers, at most.</summary>
    public const int DefaultReplicationFactor = 3;

    /// <param name="factor">Replicas wanted.</param>
    public static void Raise(Draft draft, int factor)
    {
        var active = draft.Image.Brokers.Values.Where(broker => broker.IsActive).ToImmutableArray();
        foreach (var topic in draft.Image.TopicsByName.Values)
        {
            if (topic.IsInternal && topic.Partitions.Any(partition => Lacks(partition, factor, active)))
                new Plan(draft, topic, Math.Min(factor, active.Length), active).Run(partition => Lacks(partition, factor, active));
        }
    }

    private static bool Lacks(PartitionImage partition, int factor, ImmutableArray<BrokerImage> active) =>
        // One that takes replicas away somebody asked for.
        partition.RemovingReplicas.IsEmpty && Kept(partition, active).Length < Math.Min(factor, active.Length);

    /// <summary>All but those that were being added and have gone, unless they hold something already.</summary>
    private static ImmutableArray<BrokerId> Kept(PartitionImage partition, ImmutableArray<BrokerImage> active) => partition.Replicas.RemoveAll(id =>
        partition.AddingReplicas.Contains(id) && !active.Any(broker => broker.Id == id)
        && !partition.Isr.Contains(id) && !partition.EligibleLeaders.Contains(id) && partition.LastKnownLeader != id);

    /// <summary>One topic's: who has how much of it counts, so that replicas and leaders spread over all brokers.</summary>
    private sealed class Plan(Draft draft, TopicImage topic, int factor, ImmutableArray<BrokerImage> active)
    {
        private readonly Dictionary<BrokerId, int> _replicas = [];
        private readonly Dictionary<BrokerId, int> _firsts = [];

        public void Run(Func<PartitionImage, bool> lacks)
        {
            foreach (var partition in topic.Partitions)
                if (!lacks(partition)) Count(partition.Replicas);
            foreach (var partition in topic.Partitions)
            {
                if (!lacks(partition)) continue;
                var replicas = Target(partition);
                Count(replicas);
                var begun = ReassignmentDecisions.Move(draft, topic.Id, partition, new TopicPartition(topic.Name, partition.Index), replicas);
                Invariant.Check(begun.Error == ErrorCode.None, "who leads, or could, is kept");
            }
        }

        private ImmutableArray<BrokerId> Target(PartitionImage partition)
        {
            var replicas = Kept(partition, active);
            var racks = replicas.Select(RackOf).ToHashSet(StringComparer.Ordinal);
            while (replicas.Length < factor)
            {
                var next = active
                    .Where(broker => !replicas.Contains(broker.Id))
                    .OrderBy(broker => racks.Contains(broker.Rack))
                    .ThenBy(broker => _replicas.GetValueOrDefault(broker.Id))
                    .ThenBy(broker => broker.Id)
                    .First();
                racks.Add(next.Rack);
                replicas = replicas.Add(next.Id);
            }

            // The first is to lead, once it is in sync.
            var first = replicas.OrderBy(id => _firsts.GetValueOrDefault(id)).First();
            return [first, .. replicas.Remove(first)];
        }

        private string? RackOf(BrokerId id) => draft.Image.Brokers.GetValueOrDefault(id)?.Rack;

        private void Count(ImmutableArray<BrokerId> replicas)
        {
            foreach (var id in replicas) _replicas[id] = _replicas.GetValueOrDefault(id) + 1;
            _firsts[replicas[0]] = _firsts.GetValueOrDefault(replicas[0]) + 1;
        }
    }
}

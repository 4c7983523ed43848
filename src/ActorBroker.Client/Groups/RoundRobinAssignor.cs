using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>All partitions of all topics, one to each member in turn; a member that does not read the topic is passed over.</summary>
internal static class RoundRobinAssignor
{
    public static GroupAssignment Assign(IReadOnlyList<GroupMember> members, IReadOnlyDictionary<string, int> partitions)
    {
        var assignment = new GroupAssignment(members);
        var ring = GroupMember.InOrder(members);
        var subscriptions = ring.ConvertAll(member => member.Topics.ToHashSet(StringComparer.Ordinal));
        var topics = new SortedSet<string>(subscriptions.SelectMany(topics => topics), StringComparer.Ordinal);
        var at = 0;
        foreach (var topic in topics)
        {
            for (var partition = 0; partition < partitions.GetValueOrDefault(topic); partition++)
            {
                while (!subscriptions[at].Contains(topic))
                    at = (at + 1) % ring.Count;
                assignment[ring[at].Id].Add(new TopicPartition(topic, partition));
                at = (at + 1) % ring.Count;
            }
        }

        return assignment;
    }
}

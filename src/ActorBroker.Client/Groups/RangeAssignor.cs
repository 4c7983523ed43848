using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// Topic by topic, each member gets a run of neighbouring partitions; the first members get one more where they don't divide.
/// Topics with as many partitions and the same members are cut alike, so records with equal keys meet in one member.
/// </summary>
internal static class RangeAssignor
{
    public static GroupAssignment Assign(IReadOnlyList<GroupMember> members, IReadOnlyDictionary<string, int> partitions)
    {
        var assignment = new GroupAssignment(members);
        var byTopic = new SortedDictionary<string, List<GroupMember>>(StringComparer.Ordinal);
        foreach (var member in GroupMember.InOrder(members))
        {
            foreach (var topic in member.Topics.Distinct(StringComparer.Ordinal))
            {
                if (!byTopic.TryGetValue(topic, out var readers))
                    byTopic.Add(topic, readers = []);
                readers.Add(member);
            }
        }

        foreach (var (topic, readers) in byTopic)
        {
            var count = partitions.GetValueOrDefault(topic);
            var next = 0;
            for (var i = 0; i < readers.Count; i++)
            {
                var share = count / readers.Count + (i < count % readers.Count ? 1 : 0);
                for (var end = next + share; next < end; next++)
                    assignment[readers[i].Id].Add(new TopicPartition(topic, next));
            }
        }

        return assignment;
    }
}

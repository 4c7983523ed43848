using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// Balanced, and of all balanced assignments one that moves few partitions: the fewest possible where all members read the
/// same topics.
/// <code>
/// keep     what a member owns and still reads; of two that claim the same, the one of the later generation; if neither
///          is later, nobody (KIP-429)
/// fill     what is nobody's, to whoever has least
/// balance  from whoever has most to whoever has least, as long as that narrows the gap; through others where the two
///          share no topic
/// </code>
/// Balanced: no member has two partitions more than another one that could take over one of its, directly or through others.
/// </summary>
internal static class StickyAssignor
{
    public static GroupAssignment Assign(IReadOnlyList<GroupMember> members, IReadOnlyDictionary<string, int> partitions)
    {
        var plan = new StickyPlan(GroupMember.InOrder(members), partitions);
        plan.Keep();
        plan.Fill();
        plan.Balance();
        var assignment = new GroupAssignment(members);
        plan.WriteTo(assignment);
        return assignment;
    }
}

/// <summary>
/// The same in two rounds (KIP-429): a partition that another member still owns is given to nobody for now. Its owner finds
/// it missing, gives it up and joins again; that next round hands it out. Meanwhile everybody reads on what is not moving.
/// </summary>
internal static class CooperativeStickyAssignor
{
    public static GroupAssignment Assign(IReadOnlyList<GroupMember> members, IReadOnlyDictionary<string, int> partitions)
    {
        var owners = new Dictionary<TopicPartition, HashSet<string>>();
        foreach (var member in members)
        {
            foreach (var partition in member.Owned)
            {
                if (!owners.TryGetValue(partition, out var claims))
                    owners.Add(partition, claims = new HashSet<string>(StringComparer.Ordinal));
                claims.Add(member.Id);
            }
        }

        var assignment = StickyAssignor.Assign(members, partitions);
        foreach (var (member, assigned) in assignment.ByMember)
            assigned.RemoveAll(partition => owners.TryGetValue(partition, out var claims) && !claims.Contains(member));
        return assignment;
    }
}

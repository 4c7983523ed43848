using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>How a group's partitions are shared out: <c>partition.assignment.strategy</c>.</summary>
public enum AssignmentStrategy
{
    /// <summary>Runs of neighbouring partitions, topic by topic: equal keys of equally cut topics meet in one member.</summary>
    Range,

    /// <summary>All partitions in turn.</summary>
    RoundRobin,

    /// <summary>Balanced with few moves; all members stop while partitions move.</summary>
    Sticky,

    /// <summary>Balanced with few moves; what doesn't move is read on (KIP-429), if all strategies listed can do that.</summary>
    CooperativeSticky,
}

/// <summary>The strategies by Kafka's names, as members agree on them through the coordinator.</summary>
internal static class Assignors
{
    public static string NameOf(AssignmentStrategy strategy) => strategy switch
    {
        AssignmentStrategy.Range => "range",
        AssignmentStrategy.RoundRobin => "roundrobin",
        AssignmentStrategy.Sticky => "sticky",
        _ => "cooperative-sticky",
    };

    public static bool TryParse(string name, out AssignmentStrategy strategy)
    {
        foreach (var candidate in Enum.GetValues<AssignmentStrategy>())
        {
            if (string.Equals(NameOf(candidate), name, StringComparison.OrdinalIgnoreCase))
            {
                strategy = candidate;
                return true;
            }
        }

        strategy = default;
        return false;
    }

    /// <summary>
    /// Whether members read on what they keep: only where every strategy listed can work so, since a strategy that can't
    /// gives away at once what others have not given up yet.
    /// </summary>
    public static bool IsCooperative(IReadOnlyList<AssignmentStrategy> strategies) =>
        strategies.All(strategy => strategy == AssignmentStrategy.CooperativeSticky);

    /// <param name="strategy">The one agreed on.</param>
    /// <param name="members">All of the group.</param>
    /// <param name="partitions">How many each topic has.</param>
    public static GroupAssignment Assign(
        AssignmentStrategy strategy, IReadOnlyList<GroupMember> members, IReadOnlyDictionary<string, int> partitions) => strategy switch
        {
            AssignmentStrategy.Range => RangeAssignor.Assign(members, partitions),
            AssignmentStrategy.RoundRobin => RoundRobinAssignor.Assign(members, partitions),
            AssignmentStrategy.Sticky => StickyAssignor.Assign(members, partitions),
            _ => CooperativeStickyAssignor.Assign(members, partitions),
        };
}

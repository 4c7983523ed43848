using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>A member of a group as its leader sees it when it assigns partitions.</summary>
/// <param name="Id">Given by the coordinator.</param>
/// <param name="InstanceId">Of a static member (KIP-345), else null.</param>
/// <param name="Topics">What it subscribes to.</param>
internal sealed record GroupMember(string Id, string? InstanceId, IReadOnlyList<string> Topics)
{
    /// <summary>What it reads now and has not given up.</summary>
    public IReadOnlyList<TopicPartition> Owned { get; init; } = [];

    /// <summary>The generation that gave it what it owns; -1 is none.</summary>
    public int Generation { get; init; } = -1;

    /// <summary>Kafka's order: static members by instance, then the others by id; so restarts don't shuffle static ones.</summary>
    public static List<GroupMember> InOrder(IEnumerable<GroupMember> members)
    {
        var sorted = new List<GroupMember>(members);
        sorted.Sort(static (a, b) => (a.InstanceId, b.InstanceId) switch
        {
            (not null, not null) => string.CompareOrdinal(a.InstanceId, b.InstanceId),
            (not null, null) => -1,
            (null, not null) => 1,
            _ => string.CompareOrdinal(a.Id, b.Id),
        });
        return sorted;
    }
}

/// <summary>Who gets what; every member has an entry, if an empty one.</summary>
internal sealed class GroupAssignment
{
    private readonly Dictionary<string, List<TopicPartition>> _byMember = new(StringComparer.Ordinal);

    public GroupAssignment(IReadOnlyList<GroupMember> members)
    {
        foreach (var member in members)
            _byMember[member.Id] = [];
    }

    public IReadOnlyDictionary<string, List<TopicPartition>> ByMember => _byMember;

    public List<TopicPartition> this[string member] => _byMember[member];
}

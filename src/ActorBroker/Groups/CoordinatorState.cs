using ActorBroker.Log;

namespace ActorBroker.Groups;

/// <summary>
/// All that is durable about the groups of one partition of <c>__consumer_offsets</c>: what its committed records say.
/// Changed by <see cref="Apply"/> alone, while loading and live alike. Which members are just joining is not here: that
/// dies with the coordinator, and the members join again.
/// </summary>
internal sealed class CoordinatorState
{
    private readonly Dictionary<string, StoredGroup> _groups = new(StringComparer.Ordinal);

    public IEnumerable<StoredGroup> Groups => _groups.Values;

    public StoredGroup? Find(string group) => _groups.GetValueOrDefault(group);

    public void Apply(GroupEvent change)
    {
        switch (change)
        {
            case OffsetCommitted committed:
                Get(committed.Group).Set(committed.Partition, committed.Offset);
                break;
            case GroupStored stored:
                Get(stored.Group).Metadata = stored.Metadata;
                break;
            case OffsetForgotten forgotten when Find(forgotten.Group) is { } group:
                group.Remove(forgotten.Partition);
                DropIfEmpty(group);
                break;
            case GroupForgotten when Find(change.Group) is { } group:
                group.Metadata = null;
                DropIfEmpty(group);
                break;
        }
    }

    private StoredGroup Get(string id)
    {
        if (_groups.TryGetValue(id, out var group)) return group;
        group = new StoredGroup(id);
        _groups.Add(id, group);
        return group;
    }

    private void DropIfEmpty(StoredGroup group)
    {
        if (group.Metadata is null && group.Offsets.Count == 0) _groups.Remove(group.Id);
    }
}

/// <summary>One group's share.</summary>
internal sealed class StoredGroup(string id)
{
    private readonly Dictionary<TopicPartition, CommittedOffset> _offsets = [];

    public string Id => id;

    /// <summary>Null for a group that has only ever committed offsets.</summary>
    public GroupMetadata? Metadata { get; internal set; }

    public IReadOnlyDictionary<TopicPartition, CommittedOffset> Offsets => _offsets;

    internal void Set(TopicPartition partition, CommittedOffset offset) => _offsets[partition] = offset;

    internal void Remove(TopicPartition partition) => _offsets.Remove(partition);
}

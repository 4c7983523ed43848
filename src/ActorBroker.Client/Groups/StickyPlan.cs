using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>An assignment on its way to balance: <see cref="StickyAssignor"/> says how.</summary>
internal sealed class StickyPlan
{
    private readonly List<Share> _shares;
    private readonly Dictionary<string, List<Share>> _readers = new(StringComparer.Ordinal);
    private readonly IReadOnlyDictionary<string, int> _partitions;
    private readonly Dictionary<TopicPartition, Share> _keeper = [];

    /// <param name="members">In the order in which ties go to them.</param>
    /// <param name="partitions">How many each topic has; a topic without an entry has none.</param>
    public StickyPlan(List<GroupMember> members, IReadOnlyDictionary<string, int> partitions)
    {
        _partitions = partitions;
        _shares = members.ConvertAll(member => new Share(member));
        foreach (var share in _shares)
        {
            foreach (var topic in share.Topics)
            {
                if (!_readers.TryGetValue(topic, out var readers))
                    _readers.Add(topic, readers = []);
                readers.Add(share);
            }
        }
    }

    public void Keep()
    {
        var contested = new HashSet<TopicPartition>();
        foreach (var share in _shares)
        {
            foreach (var partition in share.Member.Owned)
            {
                if (!share.Topics.Contains(partition.Topic) || (uint)partition.Partition >= (uint)_partitions.GetValueOrDefault(partition.Topic))
                    continue;
                var rival = _keeper.GetValueOrDefault(partition);
                if (rival is null || rival.Member.Generation < share.Member.Generation)
                {
                    _keeper[partition] = share;
                    contested.Remove(partition);
                }
                else if (rival != share && rival.Member.Generation == share.Member.Generation)
                {
                    contested.Add(partition);
                }
            }
        }

        foreach (var partition in contested)
            _keeper.Remove(partition);
        foreach (var (partition, keeper) in _keeper)
            keeper.Add(partition);
    }

    /// <summary>Those with the fewest possible readers first: the others can make up for what they get.</summary>
    public void Fill()
    {
        var free = new List<TopicPartition>();
        foreach (var topic in _readers.OrderBy(topic => topic.Value.Count).ThenBy(topic => topic.Key, StringComparer.Ordinal))
        {
            for (var index = 0; index < _partitions.GetValueOrDefault(topic.Key); index++)
            {
                var partition = new TopicPartition(topic.Key, index);
                if (!_keeper.ContainsKey(partition))
                    free.Add(partition);
            }
        }

        foreach (var partition in free)
            LeastOf(_readers[partition.Topic])!.Add(partition);
    }

    public void Balance()
    {
        while (TryBalanceOnce())
        {
        }
    }

    public void WriteTo(GroupAssignment assignment)
    {
        foreach (var share in _shares)
        {
            var assigned = assignment[share.Member.Id];
            assigned.AddRange(share.Partitions.OrderBy(p => p.Topic, StringComparer.Ordinal).ThenBy(p => p.Partition));
        }
    }

    /// <summary>One partition fewer for a member that has too many, one more for another; false when nobody has too many.</summary>
    private bool TryBalanceOnce()
    {
        var most = _shares.Count == 0 ? 0 : _shares.Max(share => share.Count);
        var least = _shares.Count == 0 ? 0 : _shares.Min(share => share.Count);
        for (var level = most; level >= least + 2; level--)
        {
            foreach (var source in _shares)
            {
                if (source.Count == level && TryRelieve(source))
                    return true;
            }
        }

        return false;
    }

    /// <summary>Breadth first: the shortest chain of moves from this member to one with at least two fewer, if there is one.</summary>
    private bool TryRelieve(Share source)
    {
        var cameBy = new Dictionary<Share, (Share From, string Topic)>();
        var frontier = new List<Share> { source };
        while (frontier.Count > 0)
        {
            var reached = new List<Share>();
            foreach (var share in frontier)
            {
                foreach (var topic in share.OwnedTopics)
                {
                    foreach (var reader in _readers[topic])
                    {
                        if (reader != source && cameBy.TryAdd(reader, (share, topic)))
                            reached.Add(reader);
                    }
                }
            }

            if (LeastOf(reached) is { } target && target.Count <= source.Count - 2)
            {
                Shift(source, target, cameBy);
                return true;
            }

            frontier = reached;
        }

        return false;
    }

    private void Shift(Share source, Share target, Dictionary<Share, (Share From, string Topic)> cameBy)
    {
        for (var to = target; to != source;)
        {
            var (from, topic) = cameBy[to];
            var partition = ChooseToMove(from, to, topic);
            from.Remove(partition);
            to.Add(partition);
            to = from;
        }
    }

    /// <summary>Best one that its new reader had before, or one that its present reader never had: that moves nothing.</summary>
    private TopicPartition ChooseToMove(Share from, Share to, string topic)
    {
        TopicPartition? chosen = null;
        foreach (var partition in from.OwnedOf(topic))
        {
            var keeper = _keeper.GetValueOrDefault(partition);
            if (keeper == to)
                return partition;
            if (keeper != from || chosen is null)
                chosen = partition;
        }

        return chosen!.Value;
    }

    private static Share? LeastOf(List<Share> shares)
    {
        Share? least = null;
        foreach (var share in shares)
        {
            if (least is null || share.Count < least.Count)
                least = share;
        }

        return least;
    }

    private sealed class Share(GroupMember member)
    {
        private readonly SortedDictionary<string, List<TopicPartition>> _owned = new(StringComparer.Ordinal);

        public GroupMember Member => member;

        public HashSet<string> Topics { get; } = member.Topics.ToHashSet(StringComparer.Ordinal);

        public int Count { get; private set; }

        public IEnumerable<string> OwnedTopics => _owned.Keys;

        public IEnumerable<TopicPartition> Partitions => _owned.Values.SelectMany(partitions => partitions);

        public List<TopicPartition> OwnedOf(string topic) => _owned[topic];

        public void Add(TopicPartition partition)
        {
            if (!_owned.TryGetValue(partition.Topic, out var partitions))
                _owned.Add(partition.Topic, partitions = []);
            partitions.Add(partition);
            Count++;
        }

        public void Remove(TopicPartition partition)
        {
            var partitions = _owned[partition.Topic];
            partitions.Remove(partition);
            if (partitions.Count == 0)
                _owned.Remove(partition.Topic);
            Count--;
        }
    }
}

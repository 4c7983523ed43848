using ActorBroker.Protocol;

namespace ActorBroker.Groups;

/// <summary>
/// Who is in a group, and which protocols they share. Members keep the order in which they came, so that whatever is
/// chosen among them is chosen alike everywhere. Invariants: the leader is a member while there is any; a static
/// member's name leads to exactly one member.
/// </summary>
internal sealed class GroupMembers
{
    private readonly OrderedDictionary<string, GroupMember> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _byInstance = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Alarm> _pending = new(StringComparer.Ordinal);

    public IReadOnlyList<GroupMember> All => _members.Values;

    public int Count => _members.Count;

    /// <summary>Null while there are no members.</summary>
    public string? Leader { get; set; }

    /// <summary>Ids that were given out and have not come back yet.</summary>
    public int PendingCount => _pending.Count;

    public int Joining
    {
        get
        {
            var count = 0;
            foreach (var member in All)
                if (member.Join is not null) count++;
            return count;
        }
    }

    /// <summary>How long a rebalance waits: as long as the slowest of them may take.</summary>
    public int RebalanceTimeoutMs
    {
        get
        {
            var longest = 0;
            foreach (var member in All) longest = Math.Max(longest, member.RebalanceTimeoutMs);
            return longest;
        }
    }

    public GroupMember? Find(string id) => _members.GetValueOrDefault(id);

    public GroupMember? FindStatic(string instanceId) => _byInstance.TryGetValue(instanceId, out var id) ? _members[id] : null;

    public void Add(GroupMember member)
    {
        Invariant.Check(member.InstanceId is null || !_byInstance.ContainsKey(member.InstanceId), $"static member {member.InstanceId} is there twice");
        _members.Add(member.Id, member);
        if (member.InstanceId is not null) _byInstance.Add(member.InstanceId, member.Id);
        Leader ??= member.Id;
    }

    /// <summary>The next in the order of joining leads in a leader's place.</summary>
    public void Remove(GroupMember member)
    {
        _members.Remove(member.Id);
        if (member.InstanceId is not null) _byInstance.Remove(member.InstanceId);
        AlarmQueue.Clear(member.Session);
        if (Leader == member.Id) Leader = _members.Count == 0 ? null : _members.GetAt(0).Key;
    }

    /// <summary>A static member has come back under a new id, which takes over its place, leadership included.</summary>
    public void Replace(GroupMember former, GroupMember successor)
    {
        var led = Leader == former.Id;
        Remove(former);
        Add(successor);
        if (led) Leader = successor.Id;
    }

    public bool IsPending(string id) => _pending.ContainsKey(id);

    public void AddPending(string id, Alarm alarm) => _pending.Add(id, alarm);

    public bool RemovePending(string id)
    {
        if (!_pending.Remove(id, out var alarm)) return false;
        AlarmQueue.Clear(alarm);
        return true;
    }

    /// <summary>False where every member that has joined is gone, and so nobody could assign.</summary>
    public bool TryElectJoinedLeader()
    {
        if (Leader is null) return false;
        if (_members[Leader].Join is not null) return true;
        foreach (var member in All)
        {
            if (member.Join is null) continue;
            Leader = member.Id;
            return true;
        }

        return false;
    }

    /// <summary>Whether all members know at least one of these.</summary>
    public bool ShareOneOf(IReadOnlyList<JoinGroupRequest.JoinGroupRequestProtocol> protocols)
    {
        foreach (var protocol in protocols)
            if (AllKnow(protocol.Name)) return true;
        return false;
    }

    /// <summary>
    /// Each member votes for its favourite among the protocols that all know; most votes win, and of equals the one that was
    /// voted for first.
    /// </summary>
    public string SelectProtocol()
    {
        var votes = new OrderedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var member in All)
        {
            foreach (var protocol in member.Protocols)
            {
                if (!AllKnow(protocol.Name)) continue;
                votes[protocol.Name] = votes.GetValueOrDefault(protocol.Name) + 1;
                break;
            }
        }

        Invariant.Check(votes.Count > 0, "members without a protocol that all know");
        var (best, most) = ("", 0);
        foreach (var (name, count) in votes)
            if (count > most) (best, most) = (name, count);
        return best;
    }

    private bool AllKnow(string protocol)
    {
        foreach (var member in All)
            if (!member.Knows(protocol)) return false;
        return true;
    }
}

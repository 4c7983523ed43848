using System.Collections.Immutable;
using ActorBroker.Journal.Quorum;

namespace ActorBroker.Tests.Journal;

/// <summary>What the writers of a schedule called committed: the one history, against which every disk is checked.</summary>
internal sealed class CommittedHistory(int seed, ScheduledVoter[] nodes)
{
    private readonly List<QuorumEntry> _entries = [];
    private ImmutableArray<Member> _countedAtCommit = [];

    public int Count => _entries.Count;

    public long End => _entries.Count == 0 ? 0 : _entries[^1].Id.Sequence;

    /// <summary>Disks that took the seat of a lost one.</summary>
    public int Admissions { get; private set; }

    /// <summary>Sets of voters of another size than the one before.</summary>
    public int Changes { get; private set; }

    /// <summary>The writer says so: then the history up to there stands on a majority of disks, and for ever.</summary>
    public void OnCommitted(EntryId id, ImmutableArray<Member> members)
    {
        var holder = Array.Find(nodes, v => v.Find(id) is not null);
        if (holder is null)
        {
            // Deleted everywhere by another writer's word.
            Require(Find(id.Sequence)?.Id == id, $"committed {id} stands nowhere");
            return;
        }

        Require(holder.Base == EntryId.Zero || Find(holder.Base.Sequence)?.Id == holder.Base, $"a log begins at {holder.Base}, which is not committed");
        foreach (var entry in holder.Disk)
        {
            if (entry.Id.Sequence > id.Sequence) break;
            if (_entries.Count > 0 && entry.Id.Sequence <= _entries[^1].Id.Sequence)
                Require(ReferenceEquals(Find(entry.Id.Sequence), entry), $"committed entry {Find(entry.Id.Sequence)?.Id} became {entry.Id}");
            else
                AddCommitted(entry);
        }

        if (_entries[^1].Id == id) _countedAtCommit = members;
        foreach (var voter in nodes)
            CheckDisk(voter);
    }

    private void AddCommitted(QuorumEntry entry)
    {
        Require(_entries.Count == 0 || entry.Previous == _entries[^1].Id, $"{entry.Id} is committed, but not behind {_entries.LastOrDefault()?.Id}");
        if (entry.SetsMembers && _entries.FindLast(e => e.SetsMembers) is { } before)
        {
            if (before.Members.Length != entry.Members.Length) Changes++;
            else if (before.Members.Any(m => m.IsVacant) && !entry.Members.Any(m => m.IsVacant)) Admissions++;
        }

        _entries.Add(entry);
    }

    public QuorumEntry? Find(long sequence)
    {
        var (low, high) = (0, _entries.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var at = _entries[middle].Id.Sequence;
            if (at == sequence) return _entries[middle];
            if (at < sequence) low = middle + 1;
            else high = middle - 1;
        }

        return null;
    }

    /// <summary>After a change of this disk, or of what is committed.</summary>
    public void CheckDisk(ScheduledVoter changed)
    {
        if (_entries.Count == 0) return;
        var last = _entries[^1];
        var holders = _countedAtCommit.Count(m => nodes[m.Broker.Value] is var voter && voter.Core.Self != m || voter.Holds(last)); // a lost disk did
        Require(holders > _countedAtCommit.Length / 2, $"committed {last.Id} stands on {holders} disks only");
        // An old disk may still hold what was never committed, but not under an id that was.
        var next = 0;
        foreach (var entry in changed.Disk)
        {
            while (next < _entries.Count && _entries[next].Id.Sequence < entry.Id.Sequence)
                next++;
            if (next == _entries.Count) break;
            Require(_entries[next].Id != entry.Id || ReferenceEquals(_entries[next], entry), $"two entries {entry.Id}");
        }
    }

    public void Require(bool holds, string otherwise)
    {
        if (!holds) throw new ScheduleViolatedException($"seed {seed}: {otherwise}");
    }
}

using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// What a log's entries are, without their content: where each epoch begins, where the log ends, who counts.
/// Invariants: epochs rise with the sequence; sequences are dense.
/// </summary>
internal sealed class LogIndexState
{
    private readonly List<(LeaderEpoch Epoch, long Start)> _epochs = [];
    private readonly List<(long Sequence, ImmutableArray<Member> Members)> _members = [];

    public long End { get; private set; }

    public EntryId Last => _epochs.Count == 0 ? EntryId.Zero : new EntryId(_epochs[^1].Epoch, End);

    /// <summary>Default while the log is blank.</summary>
    public ImmutableArray<Member> Members => _members.Count == 0 ? default : _members[^1].Members;

    public LogIndexState Copy()
    {
        var copy = new LogIndexState { End = End };
        copy._epochs.AddRange(_epochs);
        copy._members.AddRange(_members);
        return copy;
    }

    public bool Contains(EntryId id) =>
        id == EntryId.Zero || (id.Sequence > 0 && id.Sequence <= End && EpochAt(id.Sequence) == id.Epoch);

    /// <summary>The highest id of this log that a log holding <paramref name="id"/> may share with it.</summary>
    public EntryId Floor(EntryId id)
    {
        for (var i = _epochs.Count - 1; i >= 0; i--)
        {
            var (epoch, start) = _epochs[i];
            if (epoch > id.Epoch) continue;
            var end = i + 1 < _epochs.Count ? _epochs[i + 1].Start : End;
            var sequence = Math.Min(end, id.Sequence);
            if (sequence > start) return new EntryId(epoch, sequence);
        }

        return EntryId.Zero;
    }

    public LeaderEpoch EpochAt(long sequence)
    {
        for (var i = _epochs.Count - 1; i >= 0; i--)
        {
            if (_epochs[i].Start < sequence) return _epochs[i].Epoch;
        }

        return LeaderEpoch.None;
    }

    /// <summary>The log begins here: what stood before was deleted after it had been committed.</summary>
    public void ApplyBase(EntryId last, ImmutableArray<Member> members)
    {
        Invariant.Check(End == 0, "a log that has entries begins somewhere else");
        _epochs.Add((last.Epoch, 0));
        if (!members.IsDefault) _members.Add((0, members));
        End = last.Sequence;
    }

    public void Apply(QuorumEntry entry)
    {
        Invariant.Check(entry.Previous == Last, "an entry does not follow the log's last");
        Invariant.Check(entry.Id.Epoch >= Last.Epoch && entry.Id.Sequence > End, "an entry goes back");
        if (_epochs.Count == 0 || _epochs[^1].Epoch != entry.Id.Epoch) _epochs.Add((entry.Id.Epoch, End));
        End = entry.Id.Sequence;
        if (entry.SetsMembers) _members.Add((entry.Id.Sequence, entry.Members));
    }

    /// <summary>End i64, then counted i32: epochs (i32, start i64), members (sequence i64, count of bytes i32, bytes).</summary>
    public void Write(BinaryWriter to)
    {
        to.Write(End);
        to.Write(_epochs.Count);
        foreach (var (epoch, start) in _epochs)
        {
            to.Write(epoch.Value);
            to.Write(start);
        }

        to.Write(_members.Count);
        foreach (var (sequence, members) in _members)
        {
            var bytes = MembersCodec.Encode(members);
            to.Write(sequence);
            to.Write(bytes.Length);
            to.Write(bytes);
        }
    }

    /// <exception cref="IOException">It ends too early.</exception>
    public static LogIndexState Read(BinaryReader from)
    {
        var index = new LogIndexState { End = from.ReadInt64() };
        for (var left = from.ReadInt32(); left > 0; left--)
            index._epochs.Add((new LeaderEpoch(from.ReadInt32()), from.ReadInt64()));
        for (var left = from.ReadInt32(); left > 0; left--)
            index._members.Add((from.ReadInt64(), MembersCodec.Decode(from.ReadBytes(Math.Clamp(from.ReadInt32(), 0, MembersCodec.MaxSize)))));
        return index;
    }

    /// <summary>Nothing behind this sequence number stays.</summary>
    public void ApplyCut(long end)
    {
        Invariant.Check(end <= End, "a cut behind the end");
        End = end;
        _epochs.RemoveAll(e => e.Start >= end);
        _members.RemoveAll(m => m.Sequence > end);
    }
}

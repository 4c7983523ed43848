using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// What a log's entries are, without their content: where it begins, where each epoch begins, where it ends, who counts.
/// Invariants: epochs rise with the sequence; sequences are dense; everything up to the base is committed.
/// </summary>
internal sealed class LogIndexState
{
    private readonly List<(LeaderEpoch Epoch, long Start)> _epochs = [];
    private readonly List<(long Sequence, ImmutableArray<Member> Members)> _members = [];

    /// <summary>The entry behind which this log begins.</summary>
    public EntryId Base { get; private set; } = EntryId.Zero;

    public long End { get; private set; }

    public EntryId Last => _epochs.Count == 0 ? EntryId.Zero : new EntryId(_epochs[^1].Epoch, End);

    /// <summary>Default while the log is blank.</summary>
    public ImmutableArray<Member> Members => _members.Count == 0 ? default : _members[^1].Members;

    /// <summary>End of the entry that says so.</summary>
    public long MembersSince => _members.Count == 0 ? 0 : _members[^1].Sequence;

    public LogIndexState Copy()
    {
        var copy = new LogIndexState { Base = Base, End = End };
        copy._epochs.AddRange(_epochs);
        copy._members.AddRange(_members);
        return copy;
    }

    /// <summary>Never of what lies below the base: this log does not say any more what that was.</summary>
    public bool Contains(EntryId id) => id.Sequence <= Base.Sequence ? id == Base : id.Sequence <= End && EpochAt(id.Sequence) == id.Epoch;

    /// <summary>The highest id of this log that a log holding <paramref name="id"/> may share with it; null where that lies below the base.</summary>
    public EntryId? Floor(EntryId id)
    {
        if (id.Sequence < Base.Sequence) return null;
        for (var i = _epochs.Count - 1; i >= 0; i--)
        {
            var (epoch, start) = _epochs[i];
            if (epoch > id.Epoch) continue;
            var end = i + 1 < _epochs.Count ? _epochs[i + 1].Start : End;
            var sequence = Math.Min(end, id.Sequence);
            if (sequence > start) return new EntryId(epoch, sequence);
        }

        return Base == EntryId.Zero ? EntryId.Zero : null;
    }

    public LeaderEpoch EpochAt(long sequence)
    {
        for (var i = _epochs.Count - 1; i >= 0; i--)
        {
            if (_epochs[i].Start < sequence) return _epochs[i].Epoch;
        }

        return LeaderEpoch.None;
    }

    public ImmutableArray<Member> MembersAt(long sequence)
    {
        var at = _members.FindLastIndex(m => m.Sequence <= sequence);
        return at < 0 ? default : _members[at].Members;
    }

    /// <summary>The log begins here: what stood before was deleted after it had been committed.</summary>
    public void ApplyBase(EntryId last, ImmutableArray<Member> members)
    {
        Invariant.Check(End == 0, "a log that has entries begins somewhere else");
        Begin(last, members);
        End = last.Sequence;
    }

    /// <summary>What stands up to here is deleted, where an entry ends that is committed.</summary>
    public void ApplyTrim(EntryId last)
    {
        Invariant.Check(Contains(last), "a log is trimmed to an entry that it does not hold");
        if (last == Base) return;
        var members = MembersAt(last.Sequence);
        _members.RemoveAll(m => m.Sequence <= last.Sequence);
        var later = _epochs.FindAll(e => e.Start >= last.Sequence);
        _epochs.Clear();
        Begin(last, members);
        _epochs.AddRange(later);
    }

    public void Apply(QuorumEntry entry)
    {
        Invariant.Check(entry.Previous == Last, "an entry does not follow the log's last");
        Invariant.Check(entry.Id.Epoch >= Last.Epoch && entry.Id.Sequence > End, "an entry goes back");
        if (_epochs.Count == 0 || _epochs[^1].Epoch != entry.Id.Epoch) _epochs.Add((entry.Id.Epoch, End));
        End = entry.Id.Sequence;
        if (entry.SetsMembers) _members.Add((entry.Id.Sequence, entry.Members));
    }

    /// <summary>Nothing behind this sequence number stays.</summary>
    public void ApplyCut(long end)
    {
        Invariant.Check(end <= End, "a cut behind the end");
        Invariant.Check(end >= Base.Sequence, "a cut of what is committed");
        End = end;
        _epochs.RemoveAll(e => e.Start >= end);
        _members.RemoveAll(m => m.Sequence > end);
    }

    /// <summary>
    /// Base's sequence i64, end i64, then counted i32: epochs (i32, start i64; the first is the base's where there is one),
    /// members (sequence i64, count of bytes i32, bytes).
    /// </summary>
    public void Write(BinaryWriter to)
    {
        to.Write(Base.Sequence);
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
        var start = from.ReadInt64();
        var index = new LogIndexState { End = from.ReadInt64() };
        for (var left = from.ReadInt32(); left > 0; left--)
            index._epochs.Add((new LeaderEpoch(from.ReadInt32()), from.ReadInt64()));
        for (var left = from.ReadInt32(); left > 0; left--)
            index._members.Add((from.ReadInt64(), MembersCodec.Decode(from.ReadBytes(Math.Clamp(from.ReadInt32(), 0, MembersCodec.MaxSize)))));
        if (start > 0) index.Base = new EntryId(index.EpochAt(start), start);
        return index;
    }

    private void Begin(EntryId last, ImmutableArray<Member> members)
    {
        Base = last;
        _epochs.Add((last.Epoch, 0));
        if (!members.IsDefault) _members.Insert(0, (last.Sequence, members));
    }
}

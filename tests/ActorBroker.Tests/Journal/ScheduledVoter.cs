using System.Collections.Immutable;
using ActorBroker.Journal.Quorum;
using ActorBroker.Log;

namespace ActorBroker.Tests.Journal;

/// <summary>A voter's core and its disk.</summary>
internal sealed class ScheduledVoter(Member self)
{
    private LeaderEpoch _promised = LeaderEpoch.None;
    private long _logStart;

    public List<QuorumEntry> Disk { get; } = [];

    public EntryId Base { get; private set; } = EntryId.Zero;

    public ImmutableArray<Member> BaseMembers { get; private set; }

    public VoterCore Core { get; private set; } = new(self, LeaderEpoch.None, new LogIndexState());

    public void Perform(in VoterEffect effect)
    {
        switch (effect.Kind)
        {
            case VoterEffectKind.Promise:
                _promised = effect.Epoch;
                break;
            case VoterEffectKind.Cut:
                var end = effect.End;
                Disk.RemoveAll(e => e.Id.Sequence > end);
                break;
            case VoterEffectKind.Append:
                Disk.AddRange(effect.Entries);
                break;
            case VoterEffectKind.Trim:
                _logStart = effect.End;
                if (Disk.FindLastIndex(e => e.Id.Sequence <= _logStart) is var last and >= 0)
                {
                    (Base, BaseMembers) = (Disk[last].Id, Core.Log.MembersAt(Disk[last].Id.Sequence));
                    Disk.RemoveRange(0, last + 1);
                }

                Core.OnTrimmed(Base);
                break;
            case VoterEffectKind.Rebase:
                Disk.Clear();
                (Base, BaseMembers, _logStart) = (effect.Base, effect.Members, effect.Base.Sequence);
                break;
        }
    }

    public bool Holds(QuorumEntry entry) => Base.Sequence >= entry.Id.Sequence || ReferenceEquals(Find(entry.Id), entry);

    public QuorumEntry? Find(EntryId id)
    {
        for (var i = Disk.Count - 1; i >= 0 && Disk[i].Id.Sequence >= id.Sequence; i--)
            if (Disk[i].Id == id) return Disk[i];
        return null;
    }

    public void Restart()
    {
        var index = new LogIndexState();
        if (Base != EntryId.Zero) index.ApplyBase(Base, BaseMembers);
        foreach (var entry in Disk)
            index.Apply(entry);
        Core = new VoterCore(self, _promised, index, _logStart);
    }
}

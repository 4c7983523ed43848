using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

internal enum VoterEffectKind
{
    /// <summary>Store the promise of <see cref="VoterEffect.Epoch"/>, durably before anything that follows.</summary>
    Promise,

    /// <summary>Cut the log to end at <see cref="VoterEffect.End"/>, snapshots beyond it first, durably.</summary>
    Cut,

    /// <summary>Append <see cref="VoterEffect.Entries"/> and sync.</summary>
    Append,

    Reply,
}

internal readonly record struct VoterEffect(VoterEffectKind Kind)
{
    public LeaderEpoch Epoch { get; init; }

    public long End { get; init; }

    public ImmutableArray<QuorumEntry> Entries { get; init; }

    public VoterReply? Answer { get; init; }
}

/// <summary>
/// One voter of a quorum: keeps a copy of the log and its promise. Effects are to be performed in order; when one fails the
/// core is to be made anew from what is on disk.
/// <list type="bullet">
/// <item>An epoch is granted only above all that were promised; appends below the promise are refused.</item>
/// <item>Entries are taken only behind a predecessor that is held; whatever of another history stands there is cut.</item>
/// </list>
/// Whether this voter counts is decided by those who ask it, by the members that the log names.
/// </summary>
internal sealed class VoterCore(Member self, LeaderEpoch promised, LogIndexState log)
{
    public Member Self { get; } = self;

    public LeaderEpoch Promised { get; private set; } = promised;

    public LogIndexState Log { get; } = log;

    public void Step(VoterRequest request, List<VoterEffect> effects)
    {
        switch (request)
        {
            case Bid bid:
                OnBid(bid, effects);
                break;
            case AppendEntries append:
                OnAppend(append, effects);
                break;
        }
    }

    private void OnBid(Bid bid, List<VoterEffect> effects)
    {
        // The same epoch again is refused too: two writers may bid with it, and only one may get it.
        if (bid.Epoch <= Promised)
        {
            Reply(new Refused(Self, bid.Epoch, Promised), effects);
            return;
        }

        Promise(bid.Epoch, effects);
        Reply(new Granted(Self, bid.Epoch, Log.Last, Log.Members), effects);
    }

    private void OnAppend(AppendEntries append, List<VoterEffect> effects)
    {
        if (append.Epoch < Promised)
        {
            Reply(new Refused(Self, append.Epoch, Promised), effects);
            return;
        }

        if (append.Epoch > Promised) Promise(append.Epoch, effects);
        if (!Log.Contains(append.Previous))
        {
            Reply(new Mismatched(Self, append.Epoch, Log.Floor(append.Previous), Log.Last == EntryId.Zero), effects);
            return;
        }

        var entries = append.Entries;
        var through = entries.IsEmpty ? append.Previous : entries[^1].Id;
        var held = 0;
        while (held < entries.Length && Log.Contains(entries[held].Id))
            held++;
        if (held < entries.Length)
        {
            var missing = entries[held..];
            if (Log.End > missing[0].Previous.Sequence)
            {
                effects.Add(new VoterEffect(VoterEffectKind.Cut) { End = missing[0].Previous.Sequence });
                Log.ApplyCut(missing[0].Previous.Sequence);
            }

            effects.Add(new VoterEffect(VoterEffectKind.Append) { Entries = missing });
            foreach (var entry in missing)
                Log.Apply(entry);
        }

        Reply(new Appended(Self, append.Epoch, through), effects);
    }

    private void Promise(LeaderEpoch epoch, List<VoterEffect> effects)
    {
        Promised = epoch;
        effects.Add(new VoterEffect(VoterEffectKind.Promise) { Epoch = epoch });
    }

    private static void Reply(VoterReply answer, List<VoterEffect> effects) =>
        effects.Add(new VoterEffect(VoterEffectKind.Reply) { Answer = answer });
}

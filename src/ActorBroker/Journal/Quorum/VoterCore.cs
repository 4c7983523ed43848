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

    /// <summary>Delete what is below <see cref="VoterEffect.End"/>, then tell <see cref="VoterCore.OnTrimmed"/> behind which entry the log begins.</summary>
    Trim,

    /// <summary>Drop the whole log; it begins behind <see cref="VoterEffect.Base"/>, where <see cref="VoterEffect.Members"/> count.</summary>
    Rebase,

    Reply,
}

internal readonly record struct VoterEffect(VoterEffectKind Kind)
{
    public LeaderEpoch Epoch { get; init; }

    public long End { get; init; }

    public ImmutableArray<QuorumEntry> Entries { get; init; }

    public EntryId Base { get; init; }

    public ImmutableArray<Member> Members { get; init; }

    public VoterReply? Answer { get; init; }
}

/// <summary>
/// One voter of a quorum: keeps a copy of the log and its promise. Effects are to be performed in order; when one fails the
/// core is to be made anew from what is on disk.
/// <list type="bullet">
/// <item>An epoch is granted only above all that were promised; appends below the promise are refused.</item>
/// <item>Entries are taken only behind a predecessor that is held; whatever of another history stands there is cut.</item>
/// <item>What lies below the base is committed: it is never cut, and every writer's log holds the base.</item>
/// </list>
/// Whether this voter counts is decided by those who ask it, by the members that the log names.
/// </summary>
internal sealed class VoterCore(Member self, LeaderEpoch promised, LogIndexState log, long logStart = 0)
{
    // Forgotten in a restart: then nobody gets the same epoch again.
    private long? _promisedTo;

    public Member Self { get; } = self;

    public LeaderEpoch Promised { get; private set; } = promised;

    public LogIndexState Log { get; private set; } = log;

    /// <summary>Events up to here are deleted; the base is the entry that ends here or before.</summary>
    public long LogStart { get; private set; } = logStart;

    public void Step(VoterRequest request, List<VoterEffect> effects)
    {
        switch (request)
        {
            case Bid bid:
                OnBid(bid, effects);
                return;
            case var _ when request.Epoch < Promised:
                Reply(new Refused(Self, request.Epoch, Promised), effects);
                return;
        }

        if (request.Epoch > Promised) Promise(request.Epoch, null, effects);
        if (request is AppendEntries append) OnAppend(append, effects);
        else if (request is Rebase rebase) OnRebase(rebase, effects);
    }

    /// <summary>After <see cref="VoterEffectKind.Trim"/>.</summary>
    public void OnTrimmed(EntryId newBase) => Log.ApplyTrim(newBase);

    private void OnBid(Bid bid, List<VoterEffect> effects)
    {
        // Two writers may bid with the same epoch, and only one may get it; that one may ask again.
        if (bid.Epoch < Promised || (bid.Epoch == Promised && bid.Bidder != _promisedTo))
        {
            Reply(new Refused(Self, bid.Epoch, Promised), effects);
            return;
        }

        if (bid.Epoch > Promised) Promise(bid.Epoch, bid.Bidder, effects);
        Reply(new Granted(Self, bid.Epoch, Log.Last, Log.Members, LogStart), effects);
    }

    private void OnAppend(AppendEntries append, List<VoterEffect> effects)
    {
        if (!Log.Contains(append.Previous))
        {
            Reply(new Mismatched(Self, append.Epoch, Log.Floor(append.Previous) ?? Log.Base), effects);
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

        Trim(Math.Min(append.LogStart, through.Sequence), effects);
        Reply(new Appended(Self, append.Epoch, through, LogStart), effects);
    }

    private void Trim(long logStart, List<VoterEffect> effects)
    {
        if (logStart <= LogStart) return;
        LogStart = logStart;
        effects.Add(new VoterEffect(VoterEffectKind.Trim) { End = logStart });
    }

    private void OnRebase(Rebase rebase, List<VoterEffect> effects)
    {
        if (Log.Base.Sequence > rebase.Base.Sequence)
        {
            Reply(new Mismatched(Self, rebase.Epoch, Log.Base), effects);
            return;
        }

        if (!Log.Contains(rebase.Base))
        {
            // What it holds beyond is of another history: one that had the base would have been found to hold it.
            effects.Add(new VoterEffect(VoterEffectKind.Rebase) { Base = rebase.Base, Members = rebase.Members });
            Log = new LogIndexState();
            Log.ApplyBase(rebase.Base, rebase.Members);
            LogStart = Math.Max(LogStart, rebase.Base.Sequence);
        }

        Reply(new Appended(Self, rebase.Epoch, rebase.Base, LogStart), effects);
    }

    private void Promise(LeaderEpoch epoch, long? bidder, List<VoterEffect> effects)
    {
        (Promised, _promisedTo) = (epoch, bidder);
        effects.Add(new VoterEffect(VoterEffectKind.Promise) { Epoch = epoch });
    }

    private static void Reply(VoterReply answer, List<VoterEffect> effects) =>
        effects.Add(new VoterEffect(VoterEffectKind.Reply) { Answer = answer });
}

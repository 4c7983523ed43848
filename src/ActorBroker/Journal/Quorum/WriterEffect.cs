using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

internal enum WriterPhase
{
    Idle,

    /// <summary>Asking voters for their promise.</summary>
    Bidding,

    /// <summary>Bringing a majority to the best log and to this epoch's first entry.</summary>
    Starting,

    /// <summary>A majority holds this epoch's first entry: everything before it is committed, and entries may be proposed.</summary>
    Leading,

    /// <summary>A higher epoch was met.</summary>
    Lost,
}

internal enum WriterEffectKind
{
    /// <summary>Send <see cref="WriterEffect.Request"/> to <see cref="WriterEffect.To"/>.</summary>
    Send,

    /// <summary>
    /// Read entries from <see cref="WriterEffect.Source"/>'s log behind <see cref="WriterEffect.From"/>, at most up to
    /// <see cref="WriterEffect.Through"/>, and pass them to <see cref="QuorumWriterCore.OnRead"/> for <see cref="WriterEffect.To"/>;
    /// where that log begins later, <see cref="QuorumWriterCore.OnBehindStart"/>. For nobody: <see cref="QuorumWriterCore.OnAdopted"/>.
    /// </summary>
    Read,

    /// <summary>Make the batch of an entry that says who counts: <see cref="QuorumWriterCore.OnMembersEncoded"/>.</summary>
    EncodeMembers,

    /// <summary>A majority holds everything up to <see cref="WriterEffect.Through"/>, an entry of <see cref="WriterEffect.Epoch"/>.</summary>
    Committed,

    /// <summary>A majority has dropped everything up to <see cref="WriterEffect.Through"/>.</summary>
    Deleted,

    /// <summary>The change that was asked for is committed: <see cref="WriterEffect.Members"/> count.</summary>
    MembersChanged,

    /// <summary>Somebody holds a higher epoch, <see cref="WriterEffect.Epoch"/>.</summary>
    Lost,
}

internal readonly record struct WriterEffect(WriterEffectKind Kind)
{
    public BrokerId To { get; init; }

    public BrokerId Source { get; init; }

    public VoterRequest? Request { get; init; }

    public EntryId From { get; init; }

    public long Through { get; init; }

    public LeaderEpoch Epoch { get; init; }

    public ImmutableArray<Member> Members { get; init; }
}

/// <summary>Rules that tests break one at a time, to see that the schedules notice.</summary>
internal sealed record QuorumRules
{
    public static QuorumRules All { get; } = new();

    /// <summary>Every epoch begins with an entry of its own; only from that one on anything is committed.</summary>
    public bool BeginsEpochs { get; init; } = true;

    /// <summary>Who counts changes again only once the last change is committed.</summary>
    public bool ChangesOneAtATime { get; init; } = true;

    /// <summary>A disk becomes a voter only once it holds what is committed.</summary>
    public bool CatchesUpFirst { get; init; } = true;

    /// <summary>A voter that lost its disk is not the one that counts.</summary>
    public bool TellsDisksApart { get; init; } = true;
}

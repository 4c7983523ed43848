using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>Where an entry ends, and which epoch's writer wrote it. Two logs that hold the same id are equal up to it.</summary>
/// <param name="Sequence">Last offset + 1 of the entry's batch.</param>
internal readonly record struct EntryId(LeaderEpoch Epoch, long Sequence) : IComparable<EntryId>
{
    /// <summary>The beginning of every log.</summary>
    public static EntryId Zero => new(LeaderEpoch.None, 0);

    public int CompareTo(EntryId other)
    {
        var byEpoch = Epoch.CompareTo(other.Epoch);
        return byEpoch != 0 ? byEpoch : Sequence.CompareTo(other.Sequence);
    }

    public override string ToString() => $"{Epoch}/{Sequence}";
}

/// <summary>One disk of one voter: a voter that lost its disk is another member.</summary>
internal readonly record struct Member(BrokerId Broker, DirectoryId Disk)
{
    /// <summary>The voter's disk is gone: its seat counts when majorities are reckoned, but nobody can vote for it.</summary>
    public bool IsVacant => Disk == default;

    public static Member Vacant(BrokerId broker) => new(broker, default);
}

/// <summary>One entry of the log, which follows right after <paramref name="Previous"/>.</summary>
/// <param name="Batch">The record batch; opaque to the cores.</param>
/// <param name="Members">Not default in an entry that says who counts, from itself on: the first of every epoch, and changes.</param>
internal sealed record QuorumEntry(EntryId Previous, EntryId Id, ReadOnlyMemory<byte> Batch, ImmutableArray<Member> Members)
{
    public bool SetsMembers => !Members.IsDefault;
}

internal abstract record VoterRequest(LeaderEpoch Epoch);

/// <summary>Asks for a promise not to follow any lower epoch.</summary>
/// <param name="Bidder">No two writers have the same, ever: the epoch is granted again only to the one that got it.</param>
internal sealed record Bid(LeaderEpoch Epoch, long Bidder) : VoterRequest(Epoch);

/// <summary>Asks to hold exactly these entries behind <paramref name="Previous"/>, synced.</summary>
/// <param name="LogStart">Everything below is committed and deleted: a voter that holds it may drop it.</param>
internal sealed record AppendEntries(LeaderEpoch Epoch, EntryId Previous, ImmutableArray<QuorumEntry> Entries, long LogStart) : VoterRequest(Epoch);

/// <summary>
/// Asks a voter that lacks entries which nobody holds any more to begin its log anew behind <paramref name="Base"/>. That
/// is committed, so nothing that counts is lost.
/// </summary>
/// <param name="Members">Who counts there.</param>
internal sealed record Rebase(LeaderEpoch Epoch, EntryId Base, ImmutableArray<Member> Members) : VoterRequest(Epoch);

/// <param name="Epoch">Of the request.</param>
internal abstract record VoterReply(Member From, LeaderEpoch Epoch);

/// <param name="Members">Who counts by the voter's own log; default where it is blank.</param>
/// <param name="LogStart">The voter has dropped everything below.</param>
internal sealed record Granted(Member From, LeaderEpoch Epoch, EntryId Last, ImmutableArray<Member> Members, long LogStart) : VoterReply(From, Epoch);

/// <summary>The voter has promised this epoch to somebody.</summary>
internal sealed record Refused(Member From, LeaderEpoch Epoch, LeaderEpoch Promised) : VoterReply(From, Epoch);

/// <summary>The voter's log equals the writer's up to here, on disk.</summary>
internal sealed record Appended(Member From, LeaderEpoch Epoch, EntryId Through, long LogStart) : VoterReply(From, Epoch);

/// <summary>The voter does not hold the predecessor; its log may equal the writer's up to <paramref name="Floor"/>.</summary>
internal sealed record Mismatched(Member From, LeaderEpoch Epoch, EntryId Floor) : VoterReply(From, Epoch);

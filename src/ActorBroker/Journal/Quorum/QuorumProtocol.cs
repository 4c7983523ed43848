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
internal readonly record struct Member(BrokerId Broker, DirectoryId Disk);

/// <summary>One entry of the log, which follows right after <paramref name="Previous"/>.</summary>
/// <param name="Batch">The record batch; opaque to the cores.</param>
/// <param name="Members">Not default in an entry that says who counts from here on: the first of every epoch, and admissions.</param>
internal sealed record QuorumEntry(EntryId Previous, EntryId Id, ReadOnlyMemory<byte> Batch, ImmutableArray<Member> Members)
{
    public bool SetsMembers => !Members.IsDefault;
}

internal abstract record VoterRequest(LeaderEpoch Epoch);

/// <summary>Asks for a promise not to follow any lower epoch.</summary>
internal sealed record Bid(LeaderEpoch Epoch) : VoterRequest(Epoch);

/// <summary>Asks to hold exactly these entries behind <paramref name="Previous"/>, synced.</summary>
internal sealed record AppendEntries(LeaderEpoch Epoch, EntryId Previous, ImmutableArray<QuorumEntry> Entries) : VoterRequest(Epoch);

/// <param name="Epoch">Of the request.</param>
internal abstract record VoterReply(Member From, LeaderEpoch Epoch);

/// <param name="Members">Who counts by the voter's own log; default where it is blank.</param>
internal sealed record Granted(Member From, LeaderEpoch Epoch, EntryId Last, ImmutableArray<Member> Members) : VoterReply(From, Epoch);

/// <summary>The voter has promised this epoch to somebody.</summary>
internal sealed record Refused(Member From, LeaderEpoch Epoch, LeaderEpoch Promised) : VoterReply(From, Epoch);

/// <summary>The voter's log equals the writer's up to here, on disk.</summary>
internal sealed record Appended(Member From, LeaderEpoch Epoch, EntryId Through) : VoterReply(From, Epoch);

/// <summary>The voter does not hold the predecessor; its log may equal the writer's up to <paramref name="Floor"/>.</summary>
internal sealed record Mismatched(Member From, LeaderEpoch Epoch, EntryId Floor, bool IsBlank) : VoterReply(From, Epoch);

using System.Collections.Immutable;
using ActorBroker.Log;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Replication;

/// <summary>
/// Names one waiting question: who asked, which of its calls, which partition of that call.
/// <paramref name="Client"/> is opaque here: compared, never called.
/// </summary>
internal readonly record struct RequestKey(object Client, long Call, int Slot);

/// <summary>How far a produce must have come before it is answered.</summary>
internal enum Acks : short
{
    All = -1,

    /// <summary>The client wants no answer; its session still hears when the batch is written, as with <see cref="Leader"/>.</summary>
    None = 0,

    /// <summary>Written by the leader, as durably as the flush policy promises.</summary>
    Leader = 1,
}

internal enum PartitionEffectKind
{
    /// <summary>Persist the batch that came with this key.</summary>
    Append,

    /// <summary>Answer a produce.</summary>
    ProduceReply,

    /// <summary>Tell a waiting consumer's fetch that it may look again.</summary>
    WakeFetch,

    /// <summary>Answer a follower's fetch: records are there (no error), or why there are none to come.</summary>
    FollowerAnswer,

    /// <summary>Tell a follower's connection that the log it fetches for agrees with this one, though there is nothing new yet.</summary>
    FollowerAccepted,

    /// <summary>Say <c>OnLookAgain</c> a little later.</summary>
    LookAgain,

    /// <summary>Propose <see cref="PartitionEffect.Isr"/> to the controller.</summary>
    ProposeIsr,

    /// <summary>Note in the log that the leader's epoch begins at its end.</summary>
    AssignEpoch,

    /// <summary>Have this replica fetched from the leader, from the log's end on.</summary>
    StartFetching,

    /// <summary>Persist the fetched batches that came with this input.</summary>
    AppendFetched,

    /// <summary>Tell the fetcher that the log's end is now there, or why it is not.</summary>
    Replicated,

    /// <summary>Answer who asked for old records to be deleted.</summary>
    DeletionReply,

    /// <summary>Delete below this offset: the leader did, or a client asked this one to.</summary>
    AdvanceLogStart,

    /// <summary>Have the log cut from this offset on; this incarnation ends with it.</summary>
    Cut,

    /// <summary>Have the log emptied, to begin at this offset; this incarnation ends with it.</summary>
    StartOver,
}

/// <summary>An ISR that the leader wants.</summary>
/// <param name="PartitionEpoch">Of the standing that it would replace.</param>
internal sealed record IsrChange(LeaderEpoch LeaderEpoch, int PartitionEpoch, ImmutableArray<IsrMember> Members);

/// <summary>One thing for the actor to do, as data. Which fields matter depends on <see cref="Kind"/>.</summary>
internal readonly record struct PartitionEffect(PartitionEffectKind Kind)
{
    public RequestKey Key { get; init; }

    public PartitionError Error { get; init; }

    public Offset Offset { get; init; }

    public LeaderEpoch Epoch { get; init; }

    public long AppendTimeMs { get; init; }

    public IsrChange? Isr { get; init; }

    public static PartitionEffect Append(RequestKey key) => new(PartitionEffectKind.Append) { Key = key };

    public static PartitionEffect Appended(RequestKey key, Offset baseOffset, long appendTimeMs) =>
        new(PartitionEffectKind.ProduceReply) { Key = key, Offset = baseOffset, AppendTimeMs = appendTimeMs };

    public static PartitionEffect Refused(RequestKey key, PartitionError error) =>
        new(PartitionEffectKind.ProduceReply) { Key = key, Error = error, Offset = Offset.None, AppendTimeMs = -1 };

    public static PartitionEffect Wake(RequestKey key, PartitionError error) => new(PartitionEffectKind.WakeFetch) { Key = key, Error = error };

    public static PartitionEffect FollowerAnswer(RequestKey key, PartitionError error) =>
        new(PartitionEffectKind.FollowerAnswer) { Key = key, Error = error };

    public static PartitionEffect Diverging(RequestKey key, LeaderEpoch epoch, Offset end) =>
        new(PartitionEffectKind.FollowerAnswer) { Key = key, Error = PartitionError.Diverging, Epoch = epoch, Offset = end };

    public static PartitionEffect Deleted(RequestKey key, PartitionError error, Offset logStart) =>
        new(PartitionEffectKind.DeletionReply) { Key = key, Error = error, Offset = logStart };

    public static PartitionEffect Propose(IsrChange change) => new(PartitionEffectKind.ProposeIsr) { Isr = change };

    public static PartitionEffect At(PartitionEffectKind kind, Offset offset, LeaderEpoch epoch) => new(kind) { Offset = offset, Epoch = epoch };
}

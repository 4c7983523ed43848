using ActorBroker.Api;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Replication;

/// <summary>
/// The conversation between a partition actor, the sessions that use it, and the replica manager that keeps it. All of it
/// stays within one process. <see cref="RequestKey.Client"/> is the <c>IActorRef</c> that gets the answer.
/// </summary>
internal static class PartitionProtocol
{
    /// <summary>
    /// One batch to append, found well-formed by <see cref="BatchAdmission"/>. Whoever sends it gives the bytes away: offset,
    /// epoch and append time are written into them. Answered by <see cref="AppendReply"/>, whatever the acks.
    /// </summary>
    public sealed record Append(RequestKey Key, Acks Acks, LeaderEpoch ExpectedEpoch, Memory<byte> Batch)
    {
        /// <summary>The next batch that the same request brings for this partition: not to be written when this one is refused for now.</summary>
        public Append? Next { get; set; }
    }

    /// <param name="AppendTimeMs">-1 where the topic keeps the producer's times.</param>
    public sealed record AppendReply(long Call, int Slot, PartitionError Error, Offset BaseOffset, long AppendTimeMs, Offset LogStart) : ICallReply;

    /// <summary>Asks to be told once, by <see cref="DataReady"/>, when more is committed than the asker has seen.</summary>
    public sealed record AwaitData(RequestKey Key, LeaderEpoch ExpectedEpoch, Offset SeenHighWatermark);

    public sealed record CancelWait(RequestKey Key);

    public sealed record DataReady(long Call, int Slot, PartitionError Error) : ICallReply;

    /// <summary>Deletes the records below an offset (none: the high watermark). Answered by <see cref="RecordsDeleted"/>.</summary>
    public sealed record DeleteRecords(RequestKey Key, Offset Before);

    /// <param name="LogStart">Where the log begins now; none with an error.</param>
    public sealed record RecordsDeleted(long Call, int Slot, PartitionError Error, Offset LogStart) : ISlotReply
    {
        object ISlotReply.Value => this;
    }

    /// <summary>Asks for the producers that the partition remembers. Answered by <see cref="Producers"/>.</summary>
    public sealed record DescribeProducers(RequestKey Key);

    /// <param name="Entries">Of each its newest batch.</param>
    public sealed record Producers(long Call, int Slot, PartitionError Error, IReadOnlyList<ProducerSnapshotEntry> Entries) : ISlotReply
    {
        object ISlotReply.Value => this;
    }

    /// <summary>What the controller decided, from the replica manager. An older partition epoch than the last is ignored.</summary>
    public sealed record Assign(PartitionAssignment Assignment, TopicSettings Settings);

    /// <summary>
    /// A follower elsewhere fetches, through its connection here. Answered once, by <see cref="FollowerAnswer"/>: at once, or
    /// when there is more.
    /// </summary>
    public sealed record FetchAsFollower(FollowerFetch Fetch);

    /// <summary>The connection of this fetch is gone.</summary>
    public sealed record FollowerGone(RequestKey Fetch);

    /// <param name="Error">None: there are records from where the fetch asked.</param>
    /// <param name="Epoch">With <see cref="PartitionError.Diverging"/>: the largest epoch both may share, which ends here at <paramref name="Offset"/>.</param>
    public sealed record FollowerAnswer(long Call, PartitionError Error, LeaderEpoch Epoch, Offset Offset);

    /// <summary>Before <see cref="FollowerAnswer"/>, which may be long in coming: the logs agree, so the follower may hear how far they are committed.</summary>
    public sealed record FollowerAccepted(long Call);

    /// <summary>From this node's fetcher, the sender: what the leader gave. Answered by <c>FetcherProtocol.Replicated</c> if there are batches that are of use.</summary>
    /// <param name="Batches">Null: marks only.</param>
    public sealed record Fetched(LeaderEpoch Epoch, Offset FetchOffset, FetchedBatches? Batches, Offset HighWatermark, Offset LogStart);

    /// <summary>From this node's fetcher: the log left the leader's, where <paramref name="End"/> says.</summary>
    public sealed record Diverging(LeaderEpoch Epoch, Offset FetchOffset, EpochEnd End);

    /// <summary>From this node's fetcher: the leader has nothing at this offset.</summary>
    public sealed record OutOfRange(LeaderEpoch Epoch, Offset FetchOffset, Offset LeaderLogStart);

    /// <summary>Whoever fetched for this replica is gone: have it fetched again.</summary>
    public sealed class FetcherLost
    {
        public static FetcherLost Instance { get; } = new();
    }

    /// <summary>Forget producers that were silent for too long.</summary>
    public sealed class ExpireProducers
    {
        public static ExpireProducers Instance { get; } = new();
    }

    /// <summary>Look whether followers fell behind.</summary>
    public sealed class CheckIsr
    {
        public static CheckIsr Instance { get; } = new();
    }

    /// <summary>The proposal against this partition epoch was certainly not accepted.</summary>
    public sealed record IsrRefused(int PartitionEpoch);

    /// <summary>The log start moved (retention).</summary>
    public sealed record LogStartMoved(Offset LogStart);

    /// <summary>Finish what is in flight, leave a snapshot if asked, and stop.</summary>
    public sealed record Drain(bool SaveSnapshot);

    /// <summary>To the replica manager: recovered, assigned, and its <see cref="PartitionView"/> published.</summary>
    public sealed record Serving(PartitionHandle Handle);

    /// <summary>To the replica manager: have this replica fetched from its leader.</summary>
    public sealed record StartFetching(PartitionHandle Handle, BrokerId Leader, FetchPosition Position);

    /// <summary>To the replica manager: the leader wants another ISR.</summary>
    public sealed record ProposeIsr(PartitionHandle Handle, IsrChange Change);

    /// <summary>To the replica manager: the log is to be cut, or emptied, and this incarnation to end before that.</summary>
    public sealed record CutNeeded(PartitionHandle Handle, LogCut Cut);

    /// <summary>To the replica manager, before the actor stops by itself.</summary>
    public sealed record Failed(PartitionHandle Handle, Exception Cause);
}

/// <summary>Where a follower goes on.</summary>
/// <param name="Offset">Its log end.</param>
/// <param name="LastEpoch">Of its last batch; none when it holds none.</param>
internal readonly record struct FetchPosition(LeaderEpoch LeaderEpoch, Offset Offset, LeaderEpoch LastEpoch, Offset LogStart);

/// <param name="StartsOver">Everything goes and the log begins at the offset; otherwise what lies from there on goes.</param>
internal sealed record LogCut(Offset Offset, bool StartsOver);

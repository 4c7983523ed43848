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
    public sealed record Append(RequestKey Key, Acks Acks, LeaderEpoch ExpectedEpoch, Memory<byte> Batch);

    /// <param name="AppendTimeMs">-1 where the topic keeps the producer's times.</param>
    public sealed record AppendReply(long Call, int Slot, PartitionError Error, Offset BaseOffset, long AppendTimeMs, Offset LogStart) : ICallReply;

    /// <summary>Asks to be told once, by <see cref="DataReady"/>, when more is committed than the asker has seen.</summary>
    public sealed record AwaitData(RequestKey Key, LeaderEpoch ExpectedEpoch, Offset SeenHighWatermark);

    public sealed record CancelWait(RequestKey Key);

    public sealed record DataReady(long Call, int Slot, PartitionError Error) : ICallReply;

    /// <summary>What the controller decided, from the replica manager. An older partition epoch than the last is ignored.</summary>
    public sealed record Assign(PartitionAssignment Assignment, TopicSettings Settings);

    /// <summary>The log start moved (retention).</summary>
    public sealed record LogStartMoved(Offset LogStart);

    /// <summary>Finish what is in flight, leave a snapshot if asked, and stop.</summary>
    public sealed record Drain(bool SaveSnapshot);

    /// <summary>To the replica manager: recovered, assigned, and its <see cref="PartitionView"/> published.</summary>
    public sealed record Serving(PartitionHandle Handle);

    /// <summary>To the replica manager, before the actor stops by itself.</summary>
    public sealed record Failed(PartitionHandle Handle, Exception Cause);
}

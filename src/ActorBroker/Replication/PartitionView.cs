using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>What readers may know of a partition without asking its actor: one consistent moment, replaced as a whole.</summary>
/// <param name="EpochStart">Log end when the leader's epoch began; none while not leading.</param>
/// <param name="AppliedBytes">Grows with each batch; only differences mean something.</param>
internal sealed record PartitionView(
    bool IsLeader,
    LeaderEpoch LeaderEpoch,
    Offset EpochStart,
    Offset LogStart,
    Offset HighWatermark,
    Offset LogEnd,
    long AppliedBytes)
{
    /// <summary>A new leader knows what its predecessors committed once its high watermark has reached its own epoch (KIP-207).</summary>
    public bool KnowsCommitted => IsLeader && HighWatermark >= EpochStart;
}

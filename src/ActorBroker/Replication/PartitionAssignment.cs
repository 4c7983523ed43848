using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>What the controller has decided about a partition, as far as one of its replicas needs it.</summary>
/// <param name="Self">The broker that holds this replica.</param>
/// <param name="Isr">The accepted ISR; holds <paramref name="Leader"/> while there is one.</param>
/// <param name="PartitionEpoch">Grows with every change; an assignment with a lower one is stale.</param>
internal sealed record PartitionAssignment(
    BrokerId Self,
    BrokerId? Leader,
    LeaderEpoch LeaderEpoch,
    ImmutableArray<BrokerId> Replicas,
    ImmutableArray<BrokerId> Isr,
    int PartitionEpoch)
{
    public bool LeadsHere => Leader == Self;
}

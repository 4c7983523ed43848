using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Replication;

/// <summary>What the controller has decided about a partition, as far as one of its replicas needs it.</summary>
/// <param name="Self">The broker that holds this replica.</param>
/// <param name="Leader">Null while the partition is offline.</param>
/// <param name="Isr">The accepted ISR; holds <paramref name="Leader"/> while there is one.</param>
/// <param name="EligibleLeaders">Out of the ISR, but holding all that is committed, and so electable (KIP-966).</param>
/// <param name="PartitionEpoch">Grows with every change; an assignment with a lower one is stale.</param>
/// <param name="Brokers">Shared by all partitions until a broker changes.</param>
internal sealed record PartitionAssignment(
    BrokerId Self,
    BrokerId? Leader,
    LeaderEpoch LeaderEpoch,
    ImmutableArray<BrokerId> Replicas,
    ImmutableArray<BrokerId> Isr,
    ImmutableArray<BrokerId> EligibleLeaders,
    int PartitionEpoch,
    BrokerStandings Brokers)
{
    public bool LeadsHere => Leader == Self;
}

/// <summary>Which incarnation of a broker counts, and whether it may be in an ISR now.</summary>
internal readonly record struct BrokerStanding(long Epoch, bool IsActive);

/// <summary>All brokers' standings as of one image. Compared by reference: a new one means that something changed.</summary>
internal sealed class BrokerStandings
{
    public static readonly BrokerStandings None = new([]);

    private readonly Dictionary<BrokerId, BrokerStanding> _standings;

    public BrokerStandings(IEnumerable<KeyValuePair<BrokerId, BrokerStanding>> standings) => _standings = new(standings);

    /// <summary>The same object as long as it would say the same.</summary>
    public BrokerStandings Follow(MetadataImage image)
    {
        var next = new BrokerStandings(image.Brokers.Select(entry =>
            KeyValuePair.Create(entry.Key, new BrokerStanding(entry.Value.Epoch, entry.Value.IsActive))));
        return next.Says(this) ? this : next;
    }

    public BrokerStanding? Find(BrokerId id) => _standings.TryGetValue(id, out var standing) ? standing : null;

    private bool Says(BrokerStandings other)
    {
        if (_standings.Count != other._standings.Count) return false;
        foreach (var (id, standing) in _standings)
            if (other.Find(id) != standing) return false;
        return true;
    }
}

using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Control;

/// <summary>
/// The next standing of one partition, by KIP-966's rules. The caller says what is wanted (another ISR, other replicas,
/// who lost data); <see cref="Decide"/> works out ISR, eligible leaders and leader from it:
/// <list type="number">
/// <item>Only active brokers stay in the ISR.</item>
/// <item>A reassignment whose target replicas are all in the ISR is complete: the others go.</item>
/// <item>Who leaves an ISR that falls below <c>min.insync.replicas</c> becomes an eligible leader: nothing more is
/// committed until the ISR is back at its minimum, so it holds all that ever was. Then the eligible leaders are cleared.</item>
/// <item>The leader stays if it is in the ISR. Otherwise the first replica of the ISR leads; with none, the first active
/// eligible leader; with neither ISR nor eligible leaders, the last known leader; and where unclean elections are allowed,
/// any active replica. Whoever leads from outside the ISR makes it up alone.</item>
/// </list>
/// Invariants of what comes out: no leader exactly when the ISR is empty; leader in ISR; ISR and eligible leaders are
/// disjoint sets of replicas; nobody inactive leads or is in the ISR; the leader epoch grows exactly when the leader changes.
/// </summary>
/// <param name="isActive">Neither fenced nor stopping.</param>
internal sealed class PartitionPlan(PartitionImage now, Func<BrokerId, bool> isActive, int minInsyncReplicas, bool allowsUnclean)
{
    private ImmutableArray<BrokerId> _eligible = now.EligibleLeaders;
    private BrokerId? _lastKnownLeader = now.Leader ?? now.LastKnownLeader;
    private BrokerId? _lost;

    public PartitionImage Now => now;

    public ImmutableArray<BrokerId> Replicas { get; set; } = now.Replicas;

    public ImmutableArray<BrokerId> Adding { get; set; } = now.AddingReplicas;

    public ImmutableArray<BrokerId> Removing { get; set; } = now.RemovingReplicas;

    public ImmutableArray<BrokerId> Isr { get; set; } = now.Isr;

    /// <summary>The first replica is to lead if it is in the ISR, whoever leads now.</summary>
    public bool PrefersFirst { get; set; }

    /// <summary>Also without the topic's setting, an active replica that may lack committed records may lead rather than nobody.</summary>
    public bool AllowsUnclean { get; set; } = allowsUnclean;

    /// <summary>The broker may lack the end of what it had acknowledged, or (<paramref name="lostAll"/>) everything.</summary>
    public void LostData(BrokerId broker, bool lostAll)
    {
        Isr = Isr.Remove(broker);
        _eligible = Without(_eligible, broker);
        _lost = broker;
        if (lostAll && _lastKnownLeader == broker) _lastKnownLeader = null;
    }

    /// <summary>
    /// Another <c>min.insync.replicas</c> holds: whoever leads may now commit without those who stood by. While nobody leads
    /// nothing is committed, and they stay: without them only the last known leader could lead, which may hold less.
    /// </summary>
    public void ClearEligible()
    {
        if (now.Leader is not null) _eligible = [];
    }

    /// <returns>Null when nothing changes.</returns>
    public PartitionChanged? Decide(TopicId topic)
    {
        var isr = Keep(Isr, isActive);
        CompleteReassignment(ref isr);
        isr = InOrder(isr);
        var eligible = Eligible(isr);
        var leader = Elect(ref isr, ref eligible);
        if (IsAtMinimum(isr)) eligible = [];
        var lastKnown = leader is null ? _lastKnownLeader : null;

        if (leader == now.Leader && lastKnown == now.LastKnownLeader
            && Same(isr, now.Isr) && Same(eligible, now.EligibleLeaders)
            && Same(Replicas, now.Replicas) && Same(Adding, now.AddingReplicas) && Same(Removing, now.RemovingReplicas))
            return null;
        return new PartitionChanged(
            topic.Value, now.Index, Values(Replicas), Values(isr), Values(eligible),
            leader?.Value ?? -1, now.LeaderEpoch.Value + (leader == now.Leader ? 0 : 1), now.PartitionEpoch + 1,
            lastKnown?.Value ?? -1, Values(Adding), Values(Removing));
    }

    private void CompleteReassignment(ref ImmutableArray<BrokerId> isr)
    {
        if (Adding.IsEmpty && Removing.IsEmpty) return;
        var removing = Removing;
        var target = Keep(Replicas, id => !removing.Contains(id));
        foreach (var replica in target)
            if (!isr.Contains(replica)) return;
        Replicas = target;
        isr = Keep(isr, id => target.Contains(id));
        Adding = [];
        Removing = [];
    }

    private ImmutableArray<BrokerId> Eligible(ImmutableArray<BrokerId> isr)
    {
        var eligible = _eligible;
        return Keep(Replicas, id => id != _lost && !isr.Contains(id) && (eligible.Contains(id) || now.Isr.Contains(id)));
    }

    private BrokerId? Elect(ref ImmutableArray<BrokerId> isr, ref ImmutableArray<BrokerId> eligible)
    {
        if (PrefersFirst && isr.Contains(Replicas[0])) return Replicas[0];
        if (now.Leader is { } leader && isr.Contains(leader)) return leader;
        if (!isr.IsEmpty) return isr[0];

        foreach (var candidate in eligible)
        {
            if (!isActive(candidate)) continue;
            isr = [candidate];
            eligible = Without(eligible, candidate);
            return candidate;
        }

        if (eligible.IsEmpty && _lastKnownLeader is { } last && Replicas.Contains(last) && isActive(last))
        {
            isr = [last];
            return last;
        }

        if (!AllowsUnclean) return null;
        foreach (var candidate in Replicas)
        {
            if (!isActive(candidate)) continue;
            isr = [candidate];
            eligible = []; // their records and those of the new leader part ways here
            return candidate;
        }

        return null;
    }

    private bool IsAtMinimum(ImmutableArray<BrokerId> isr) => isr.Length >= Math.Min(minInsyncReplicas, Replicas.Length);

    private ImmutableArray<BrokerId> InOrder(ImmutableArray<BrokerId> isr) => Keep(Replicas, id => isr.Contains(id));

    private static ImmutableArray<BrokerId> Keep(ImmutableArray<BrokerId> ids, Func<BrokerId, bool> which) => [.. ids.Where(which)];

    private static ImmutableArray<BrokerId> Without(ImmutableArray<BrokerId> ids, BrokerId id) => ids.Remove(id);

    private static bool Same(ImmutableArray<BrokerId> a, ImmutableArray<BrokerId> b) => a.AsSpan().SequenceEqual(b.AsSpan());

    private static ImmutableArray<int> Values(ImmutableArray<BrokerId> ids) => [.. ids.Select(id => id.Value)];
}

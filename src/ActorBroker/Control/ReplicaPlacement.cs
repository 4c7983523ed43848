using System.Collections.Immutable;
using ActorBroker.Log;

namespace ActorBroker.Control;

/// <summary>
/// Spreads the replicas of new partitions over brokers: leaders in turn, followers shifted so that two brokers rarely
/// share all their partitions, and each partition over as many racks as there are.
/// </summary>
internal static class ReplicaPlacement
{
    /// <param name="brokers">With their racks; at least <paramref name="replicationFactor"/> of them.</param>
    /// <param name="firstIndex">Number of partitions that exist already, so that added ones go on where those ended.</param>
    /// <param name="start">Where among the brokers the first leader falls: any number; chosen at random so that small topics spread too.</param>
    /// <returns>For each partition its replicas, the one that is to lead first.</returns>
    public static ImmutableArray<ImmutableArray<BrokerId>> Plan(
        IReadOnlyList<(BrokerId Id, string? Rack)> brokers, int partitions, int replicationFactor, int firstIndex, int start)
    {
        Invariant.Check(replicationFactor >= 1 && replicationFactor <= brokers.Count, "there are brokers for every replica");
        var ring = InterleaveRacks(brokers);
        var plan = ImmutableArray.CreateBuilder<ImmutableArray<BrokerId>>(partitions);
        for (var i = 0; i < partitions; i++)
        {
            var turn = firstIndex + i;
            var leader = (start % ring.Count + turn) % ring.Count;
            var shift = 1 + turn / ring.Count % Math.Max(1, ring.Count - 1);
            plan.Add(PickReplicas(ring, leader, shift, replicationFactor));
        }

        return plan.MoveToImmutable();
    }

    /// <summary>Neighbours in the ring stand in different racks as far as possible.</summary>
    private static List<(BrokerId Id, string? Rack)> InterleaveRacks(IReadOnlyList<(BrokerId Id, string? Rack)> brokers)
    {
        var racks = brokers
            .OrderBy(broker => broker.Id)
            .GroupBy(broker => broker.Rack ?? "", StringComparer.Ordinal)
            .OrderBy(rack => rack.Key, StringComparer.Ordinal)
            .Select(rack => new Queue<(BrokerId, string?)>(rack))
            .ToList();
        var ring = new List<(BrokerId, string?)>(brokers.Count);
        while (ring.Count < brokers.Count)
        {
            foreach (var rack in racks)
                if (rack.TryDequeue(out var broker))
                    ring.Add(broker);
        }

        return ring;
    }

    private static ImmutableArray<BrokerId> PickReplicas(List<(BrokerId Id, string? Rack)> ring, int leader, int shift, int count)
    {
        var picked = ImmutableArray.CreateBuilder<BrokerId>(count);
        picked.Add(ring[leader].Id);
        var usedRacks = new HashSet<string?>(StringComparer.Ordinal) { ring[leader].Rack };

        // First pass: a rack of its own for each replica; second: whoever is left.
        foreach (var onlyNewRacks in (ReadOnlySpan<bool>)[true, false])
        {
            for (var step = 0; step < ring.Count && picked.Count < count; step++)
            {
                var candidate = ring[(leader + shift + step) % ring.Count];
                if (picked.Contains(candidate.Id)) continue;
                if (!usedRacks.Add(candidate.Rack) && onlyNewRacks) continue;
                picked.Add(candidate.Id);
            }
        }

        return picked.MoveToImmutable();
    }
}

using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>
/// Counts the changes that each node made, so that of two versions it can be told whether one contains the other. Immutable.
/// A node that is missing counts as zero.
/// </summary>
public sealed class VectorClock : IEquatable<VectorClock>
{
    public enum Ordering
    {
        After = 0,
        Before = 1,
        Same = 2,
        Concurrent = 3,
    }

    public class Node : IComparable<Node>
    {
        private readonly string _value;

        public Node(string value) => _value = value;

        public static Node Create(string name) => new(name);

        public int CompareTo(Node? other) => string.CompareOrdinal(_value, other?._value);

        public override bool Equals(object? obj) => obj is Node other && _value == other._value;

        public override int GetHashCode() => _value.GetHashCode(StringComparison.Ordinal);

        public override string ToString() => _value;
    }

    private static readonly VectorClock Empty = new(ImmutableSortedDictionary<Node, long>.Empty);

    private VectorClock(ImmutableSortedDictionary<Node, long> versions) => Versions = versions;

    public ImmutableSortedDictionary<Node, long> Versions { get; }

    public static VectorClock Create() => Empty;

    public static VectorClock Create(ImmutableSortedDictionary<Node, long> seedValues) => new(seedValues);

    public VectorClock Increment(Node node) => new(Versions.SetItem(node, Versions.GetValueOrDefault(node) + 1));

    /// <summary>The smallest clock that is neither before <c>this</c> nor before the other.</summary>
    public VectorClock Merge(VectorClock that)
    {
        var merged = Versions.ToBuilder();
        foreach (var (node, version) in that.Versions)
            if (version > merged.GetValueOrDefault(node))
                merged[node] = version;
        return new VectorClock(merged.ToImmutable());
    }

    public VectorClock Prune(Node removedNode) => Versions.ContainsKey(removedNode) ? new(Versions.Remove(removedNode)) : this;

    public Ordering CompareTo(VectorClock that)
    {
        var hasMore = Exceeds(this, that);
        var hasLess = Exceeds(that, this);
        return (hasMore, hasLess) switch
        {
            (true, true) => Ordering.Concurrent,
            (true, false) => Ordering.After,
            (false, true) => Ordering.Before,
            _ => Ordering.Same,
        };
    }

    private static bool Exceeds(VectorClock left, VectorClock right)
    {
        foreach (var (node, version) in left.Versions)
            if (version > right.Versions.GetValueOrDefault(node))
                return true;
        return false;
    }

    public bool IsAfter(VectorClock that) => CompareTo(that) == Ordering.After;

    public bool IsBefore(VectorClock that) => CompareTo(that) == Ordering.Before;

    public bool IsSameAs(VectorClock that) => CompareTo(that) == Ordering.Same;

    public bool IsConcurrentWith(VectorClock that) => CompareTo(that) == Ordering.Concurrent;

    public bool Equals(VectorClock? other) => other is not null && IsSameAs(other);

    public override bool Equals(object? obj) => Equals(obj as VectorClock);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var (node, version) in Versions)
        {
            // A zero counts like a missing node.
            if (version == 0)
                continue;
            hash.Add(node);
            hash.Add(version);
        }

        return hash.ToHashCode();
    }

    public override string ToString() => $"VectorClock({string.Join(", ", Versions.Select(static v => $"{v.Key} -> {v.Value}"))})";

    public static bool operator ==(VectorClock? left, VectorClock? right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(VectorClock? left, VectorClock? right) => !(left == right);

    public static bool operator >(VectorClock left, VectorClock right) => left.IsAfter(right);

    public static bool operator <(VectorClock left, VectorClock right) => left.IsBefore(right);
}

using System.Collections.Immutable;

namespace Akka.Cluster;

internal enum ReachabilityStatus
{
    Reachable,
    Unreachable,

    /// <summary>That incarnation is known to have ended: it never becomes reachable again.</summary>
    Terminated,
}

/// <summary>
/// Who can't reach whom. Immutable. Each observer owns one row, with a version that it raises at each change; a merge takes an observer's row
/// whole, from the side with the higher version. A subject without an entry is reachable. An empty row stays for its version's sake, or an
/// older row would come back through a merge.
/// </summary>
internal sealed class Reachability
{
    internal sealed record Row(long Version, ImmutableSortedDictionary<UniqueAddress, ReachabilityStatus> Subjects);

    public static readonly Reachability Empty = new(ImmutableSortedDictionary<UniqueAddress, Row>.Empty);

    private ImmutableHashSet<UniqueAddress>? _unreachable;

    public Reachability(ImmutableSortedDictionary<UniqueAddress, Row> rows) => Rows = rows;

    public ImmutableSortedDictionary<UniqueAddress, Row> Rows { get; }

    public bool IsAllReachable => AllUnreachableOrTerminated.IsEmpty;

    /// <summary>Subjects that somebody can't reach.</summary>
    public ImmutableHashSet<UniqueAddress> AllUnreachableOrTerminated
        => _unreachable ??= [.. Rows.Values.SelectMany(static row => row.Subjects.Keys)];

    /// <summary>Those that can't reach somebody.</summary>
    public ImmutableHashSet<UniqueAddress> AllObservers => [.. Rows.Where(static row => !row.Value.Subjects.IsEmpty).Select(static row => row.Key)];

    public IEnumerable<(UniqueAddress Observer, UniqueAddress Subject, ReachabilityStatus Status)> Records
        => Rows.SelectMany(static row => row.Value.Subjects.Select(subject => (row.Key, subject.Key, subject.Value)));

    public ReachabilityStatus Status(UniqueAddress observer, UniqueAddress subject)
        => Rows.TryGetValue(observer, out var row) ? row.Subjects.GetValueOrDefault(subject) : ReachabilityStatus.Reachable;

    /// <summary>Everybody can reach it.</summary>
    public bool IsReachable(UniqueAddress subject) => !AllUnreachableOrTerminated.Contains(subject);

    public bool IsReachable(UniqueAddress observer, UniqueAddress subject) => Status(observer, subject) == ReachabilityStatus.Reachable;

    /// <summary>Unreachable for that observer, but not known to have ended.</summary>
    public IEnumerable<UniqueAddress> AllUnreachableFrom(UniqueAddress observer) => Rows.TryGetValue(observer, out var row)
        ? row.Subjects.Where(static s => s.Value == ReachabilityStatus.Unreachable).Select(static s => s.Key)
        : [];

    public Reachability Unreachable(UniqueAddress observer, UniqueAddress subject) => Change(observer, subject, ReachabilityStatus.Unreachable);

    public Reachability Reachable(UniqueAddress observer, UniqueAddress subject) => Change(observer, subject, ReachabilityStatus.Reachable);

    public Reachability Terminated(UniqueAddress observer, UniqueAddress subject) => Change(observer, subject, ReachabilityStatus.Terminated);

    private Reachability Change(UniqueAddress observer, UniqueAddress subject, ReachabilityStatus status)
    {
        var current = Status(observer, subject);
        if (current == status || current == ReachabilityStatus.Terminated)
            return this;
        var row = Rows.GetValueOrDefault(observer) ?? new Row(0, ImmutableSortedDictionary<UniqueAddress, ReachabilityStatus>.Empty);
        var subjects = status == ReachabilityStatus.Reachable ? row.Subjects.Remove(subject) : row.Subjects.SetItem(subject, status);
        return new Reachability(Rows.SetItem(observer, new Row(row.Version + 1, subjects)));
    }

    /// <param name="allowed">the members of the merged gossip; nothing is kept of others</param>
    public Reachability Merge(IReadOnlySet<UniqueAddress> allowed, Reachability that)
    {
        var rows = ImmutableSortedDictionary.CreateBuilder<UniqueAddress, Row>();
        foreach (var observer in Rows.Keys.Union(that.Rows.Keys))
        {
            if (!allowed.Contains(observer))
                continue;
            var ours = Rows.GetValueOrDefault(observer);
            var theirs = that.Rows.GetValueOrDefault(observer);
            var newer = ours is null || (theirs is not null && theirs.Version > ours.Version) ? theirs! : ours;
            rows.Add(observer, newer with { Subjects = newer.Subjects.RemoveRange(newer.Subjects.Keys.Where(s => !allowed.Contains(s))) });
        }

        return new Reachability(rows.ToImmutable());
    }

    /// <summary>As observers and as subjects. Versions stay: nothing has been observed.</summary>
    public Reachability Remove(IReadOnlyCollection<UniqueAddress> nodes)
    {
        if (nodes.Count == 0)
            return this;
        var rows = Rows.RemoveRange(nodes).ToBuilder();
        foreach (var (observer, row) in rows.ToArray())
            rows[observer] = row with { Subjects = row.Subjects.RemoveRange(nodes) };
        return new Reachability(rows.ToImmutable());
    }

    public Reachability RemoveObservers(IReadOnlyCollection<UniqueAddress> nodes) => nodes.Count == 0 ? this : new Reachability(Rows.RemoveRange(nodes));

    public Reachability Where(Func<UniqueAddress, UniqueAddress, bool> keep)
    {
        var rows = ImmutableSortedDictionary.CreateBuilder<UniqueAddress, Row>();
        foreach (var (observer, row) in Rows)
            rows.Add(observer, row with { Subjects = row.Subjects.RemoveRange(row.Subjects.Keys.Where(s => !keep(observer, s))) });
        return new Reachability(rows.ToImmutable());
    }

    public bool SameAs(Reachability other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (Rows.Count != other.Rows.Count)
            return false;
        foreach (var (observer, row) in Rows)
            if (!other.Rows.TryGetValue(observer, out var theirs) || theirs.Version != row.Version || !theirs.Subjects.SequenceEqual(row.Subjects))
                return false;
        return true;
    }

    public override string ToString() => string.Join(", ", Records.Select(static r => $"{r.Observer.Address} -> {r.Subject.Address}: {r.Status}"));
}

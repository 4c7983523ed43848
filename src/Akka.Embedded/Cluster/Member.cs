using System.Collections.Frozen;
using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster;

public enum MemberStatus
{
    Joining = 0,
    Up = 1,
    Leaving = 2,
    Exiting = 3,
    Down = 4,
    Removed = 5,
    WeaklyUp = 6,
}

/// <summary>One incarnation of a node: a restart at the same address has another <see cref="Uid"/>.</summary>
public class UniqueAddress : IComparable, IComparable<UniqueAddress>, IEquatable<UniqueAddress>
{
    public UniqueAddress(Address address, int uid)
    {
        Address = address;
        Uid = uid;
    }

    public Address Address { get; }

    public int Uid { get; }

    public int CompareTo(UniqueAddress? uniqueAddress)
    {
        if (uniqueAddress is null)
            return 1;
        var byAddress = Member.AddressOrdering.Compare(Address, uniqueAddress.Address);
        return byAddress != 0 ? byAddress : Uid.CompareTo(uniqueAddress.Uid);
    }

    int IComparable.CompareTo(object? obj) => obj switch
    {
        null => 1,
        UniqueAddress other => CompareTo(other),
        _ => throw new ArgumentException($"{obj.GetType()} is no {nameof(UniqueAddress)}", nameof(obj)),
    };

    public bool Equals(UniqueAddress? other) => other is not null && Uid == other.Uid && Address.Equals(other.Address);

    public override bool Equals(object? obj) => Equals(obj as UniqueAddress);

    public override int GetHashCode() => Uid;

    public override string ToString() => $"UniqueAddress: ({Address}, {Uid})";

    public static bool operator ==(UniqueAddress? left, UniqueAddress? right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(UniqueAddress? left, UniqueAddress? right) => !(left == right);
}

/// <summary>
/// A node as the gossip knows it. Equality and order are those of its <see cref="UniqueAddress"/>: what changes in its life is not part of
/// what it is. Age, for <see cref="AgeOrdering"/>, is the number that its leader gave it when it came up.
/// </summary>
public class Member : IComparable, IComparable<Member>
{
    /// <summary>Members that have not come up are the youngest.</summary>
    internal const int NeverUp = int.MaxValue;

    /// <summary>By host, then port.</summary>
    public static readonly IComparer<Address> AddressOrdering = Comparer<Address>.Create(static (a, b) =>
    {
        var byHost = string.CompareOrdinal(a.Host ?? "", b.Host ?? "");
        return byHost != 0 ? byHost : (a.Port ?? 0).CompareTo(b.Port ?? 0);
    });

    /// <summary>Oldest first.</summary>
    public static readonly IComparer<Member> AgeOrdering = Comparer<Member>.Create(static (a, b) => a.Equals(b) ? 0 : a.IsOlderThan(b) ? -1 : 1);

    /// <summary>Those fit to lead come first.</summary>
    internal static readonly IComparer<Member> LeaderStatusOrdering = Comparer<Member>.Create(static (a, b) =>
    {
        var byStatus = LeaderRank(a.Status).CompareTo(LeaderRank(b.Status));
        return byStatus != 0 ? byStatus : a.CompareTo(b);
    });

    // What a status may become.
    private static readonly FrozenDictionary<MemberStatus, MemberStatus[]> Transitions = new Dictionary<MemberStatus, MemberStatus[]>
    {
        [MemberStatus.Joining] = [MemberStatus.WeaklyUp, MemberStatus.Up, MemberStatus.Leaving, MemberStatus.Down, MemberStatus.Removed],
        [MemberStatus.WeaklyUp] = [MemberStatus.Up, MemberStatus.Leaving, MemberStatus.Down, MemberStatus.Removed],
        [MemberStatus.Up] = [MemberStatus.Leaving, MemberStatus.Down, MemberStatus.Removed],
        [MemberStatus.Leaving] = [MemberStatus.Exiting, MemberStatus.Down, MemberStatus.Removed],
        [MemberStatus.Down] = [MemberStatus.Removed],
        [MemberStatus.Exiting] = [MemberStatus.Removed, MemberStatus.Down],
        [MemberStatus.Removed] = [],
    }.ToFrozenDictionary();

    internal Member(UniqueAddress uniqueAddress, int upNumber, MemberStatus status, ImmutableHashSet<string> roles)
    {
        UniqueAddress = uniqueAddress;
        UpNumber = upNumber;
        Status = status;
        Roles = roles;
    }

    public UniqueAddress UniqueAddress { get; }

    public Address Address => UniqueAddress.Address;

    public MemberStatus Status { get; }

    public ImmutableHashSet<string> Roles { get; }

    internal int UpNumber { get; }

    internal static Member Create(UniqueAddress node, ImmutableHashSet<string> roles) => new(node, NeverUp, MemberStatus.Joining, roles);

    /// <summary>Stands for a node that is not, or no longer, in the cluster.</summary>
    internal static Member Removed(UniqueAddress node, ImmutableHashSet<string> roles) => new(node, NeverUp, MemberStatus.Removed, roles);

    public bool HasRole(string role) => Roles.Contains(role);

    /// <summary>Members of equal number, which concurrent leaders can give, go by address.</summary>
    public bool IsOlderThan(Member other)
        => UpNumber == other.UpNumber ? AddressOrdering.Compare(Address, other.Address) < 0 : UpNumber < other.UpNumber;

    /// <exception cref="InvalidOperationException">a member of this status never gets that one</exception>
    public Member Copy(MemberStatus status)
    {
        if (status == Status)
            return this;
        if (!Transitions[Status].Contains(status))
            throw new InvalidOperationException($"Invalid member status transition {Status} -> {status}");
        return new Member(UniqueAddress, UpNumber, status, Roles);
    }

    public Member CopyUp(int upNumber) => new Member(UniqueAddress, upNumber, Status, Roles).Copy(MemberStatus.Up);

    public int CompareTo(Member? other) => other is null ? 1 : UniqueAddress.CompareTo(other.UniqueAddress);

    int IComparable.CompareTo(object? obj) => obj switch
    {
        null => 1,
        Member other => CompareTo(other),
        _ => throw new ArgumentException($"{obj.GetType()} is no {nameof(Member)}", nameof(obj)),
    };

    public override bool Equals(object? obj) => obj is Member other && UniqueAddress.Equals(other.UniqueAddress);

    public override int GetHashCode() => UniqueAddress.GetHashCode();

    public override string ToString()
        => $"Member(address = {Address}, Uid={UniqueAddress.Uid} status = {Status}, role=[{string.Join(',', Roles.Order(StringComparer.Ordinal))}], upNumber={UpNumber})";

    /// <summary>Which of two views of one member a merge keeps: the one further on in its life.</summary>
    public static Member HighestPriorityOf(Member m1, Member m2)
    {
        if (m1.Status == m2.Status)
            return m1.IsOlderThan(m2) ? m1 : m2;
        return MergeRank(m1.Status) <= MergeRank(m2.Status) ? m1 : m2;
    }

    /// <summary>
    /// The members of both views. One that only one view knows has just joined, or has been removed in the other view; the second is only
    /// done to members that are down or exiting.
    /// </summary>
    public static ImmutableHashSet<Member> PickHighestPriority(IEnumerable<Member> a, IEnumerable<Member> b)
    {
        var left = a.ToDictionary(static m => m.UniqueAddress);
        var picked = ImmutableHashSet.CreateBuilder<Member>();
        foreach (var m in b)
        {
            if (left.Remove(m.UniqueAddress, out var other))
                picked.Add(HighestPriorityOf(other, m));
            else if (!IsRemovable(m.Status))
                picked.Add(m);
        }

        foreach (var m in left.Values)
            if (!IsRemovable(m.Status))
                picked.Add(m);
        return picked.ToImmutable();
    }

    /// <summary>Statuses in which an unreachable member is removed rather than waited for.</summary>
    internal static bool IsRemovable(MemberStatus status) => status is MemberStatus.Down or MemberStatus.Exiting;

    private static int LeaderRank(MemberStatus status) => status switch
    {
        MemberStatus.WeaklyUp => 1,
        MemberStatus.Joining => 2,
        MemberStatus.Exiting => 3,
        MemberStatus.Down => 4,
        _ => 0,
    };

    private static int MergeRank(MemberStatus status) => status switch
    {
        MemberStatus.Removed => 0,
        MemberStatus.Down => 1,
        MemberStatus.Exiting => 2,
        MemberStatus.Leaving => 3,
        MemberStatus.Up => 4,
        MemberStatus.WeaklyUp => 5,
        _ => 6,
    };
}

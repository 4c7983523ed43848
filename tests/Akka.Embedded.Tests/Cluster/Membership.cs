using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;

namespace Akka.Embedded.Tests.Cluster;

/// <summary>Small words for nodes and gossips, so that a test shows what it is about.</summary>
internal static class Membership
{
    public static readonly UniqueAddress A = Node(1), B = Node(2), C = Node(3), D = Node(4), E = Node(5);

    public static UniqueAddress Node(int port, int uid = 7) => new(new Address("akka.tcp", "cluster", "host", port), uid);

    public static Member Is(this UniqueAddress node, MemberStatus status, int upNumber = 0, params string[] roles)
        => new(node, upNumber > 0 ? upNumber : status is MemberStatus.Joining or MemberStatus.WeaklyUp ? Member.NeverUp : node.Address.Port!.Value, status, [.. roles]);

    public static Member Up(this UniqueAddress node) => node.Is(MemberStatus.Up);

    public static Gossip Of(params Member[] members) => new([.. members], [], Reachability.Empty, VectorClock.Create());

    public static Gossip SeenByAll(this Gossip gossip) => gossip with { SeenBy = [.. gossip.Members.Select(m => m.UniqueAddress)] };

    public static Gossip With(this Gossip gossip, Func<Reachability, Reachability> change) => gossip with { Reachability = change(gossip.Reachability) };

    public static MembershipState At(this Gossip gossip, UniqueAddress self) => new(gossip, self);

    public static readonly ImmutableHashSet<UniqueAddress> Nobody = [];

    public static MemberStatus? StatusOf(this Gossip gossip, UniqueAddress node) => gossip.Find(node)?.Status;
}

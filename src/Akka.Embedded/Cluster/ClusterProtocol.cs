using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster;

/// <summary>Marks what members send each other.</summary>
public interface IClusterMessage;

/// <summary>What members send each other (all of it through <c>ClusterMessageSerializer</c>), and what the actors of one node do.</summary>
internal static class ClusterProtocol
{
    // Between nodes. Priority: membership must not wait behind data.

    /// <summary>To a seed node: are you in a cluster?</summary>
    public sealed record InitJoin : IClusterMessage, Remote.IPriorityMessage, IDeadLetterSuppression
    {
        public static readonly InitJoin Instance = new();
    }

    /// <summary>Yes. <paramref name="Address"/> is the one who answers.</summary>
    public sealed record InitJoinAck(Address Address) : IClusterMessage, Remote.IPriorityMessage, IDeadLetterSuppression;

    /// <summary>No.</summary>
    public sealed record InitJoinNack(Address Address) : IClusterMessage, Remote.IPriorityMessage, IDeadLetterSuppression;

    public sealed record Join(UniqueAddress Node, ImmutableHashSet<string> Roles) : IClusterMessage, Remote.IPriorityMessage;

    public sealed record Welcome(UniqueAddress From, Gossip Gossip) : IClusterMessage, Remote.IPriorityMessage;

    /// <summary><paramref name="To"/> keeps an earlier incarnation's gossip from its successor.</summary>
    /// <param name="From">whose view it is</param>
    /// <param name="To">whom it is for</param>
    /// <param name="Gossip">the view</param>
    /// <param name="ReceivedAt">by the receiver's monotonic clock; not on the wire</param>
    public sealed record GossipEnvelope(UniqueAddress From, UniqueAddress To, Gossip Gossip, TimeSpan ReceivedAt = default)
        : IClusterMessage, Remote.IPriorityMessage, IDeadLetterSuppression;

    /// <summary>A version only, to a node that probably has it.</summary>
    public sealed record GossipStatus(UniqueAddress From, VectorClock Version) : IClusterMessage, Remote.IPriorityMessage, IDeadLetterSuppression;

    public sealed record Heartbeat(Address From, long SequenceNr) : IClusterMessage, Remote.IPriorityMessage, IDeadLetterSuppression;

    public sealed record HeartbeatRsp(UniqueAddress From, long SequenceNr) : IClusterMessage, Remote.IPriorityMessage, IDeadLetterSuppression;

    /// <summary>An exiting member is done; the leader may remove it without waiting for it to become unreachable.</summary>
    public sealed record ExitingConfirmed(UniqueAddress Node) : IClusterMessage, Remote.IPriorityMessage, IDeadLetterSuppression;

    public sealed record Leave(Address Address) : IClusterMessage;

    public sealed record Down(Address Address) : IClusterMessage;

    /// <summary>What official Akka.NET sends. Mixed clusters don't form: this is refused, and said so.</summary>
    public sealed record Foreign(string Manifest) : IClusterMessage, IDeadLetterSuppression;

    // Within one node.

    public sealed record JoinTo(Address Address);

    public sealed record JoinSeedNodes(ImmutableList<Address> Nodes) : IDeadLetterSuppression;

    public sealed record Subscribe(IActorRef Subscriber, ClusterEvent.SubscriptionInitialStateMode Mode, ImmutableHashSet<Type> To);

    public sealed record Unsubscribe(IActorRef Subscriber, Type? To) : IDeadLetterSuppression;

    public sealed record SendCurrentState(IActorRef Receiver);

    /// <summary>To the publisher: the node's view changed.</summary>
    public sealed record Publish(MembershipState State);

    /// <summary>To the publisher: the cluster ends on this node once everybody here can know why.</summary>
    public sealed class ShutdownWhenPublished
    {
        public static readonly ShutdownWhenPublished Instance = new();
    }

    /// <summary>From the coordinated shutdown: what had to happen before this node goes has happened.</summary>
    public sealed class ExitingCompleted
    {
        public static readonly ExitingCompleted Instance = new();
    }
}

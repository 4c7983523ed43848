using ActorBroker.Log;
using Akka.Actor;

namespace ActorBroker.Replication;

/// <summary>What the fetcher of one leader's node takes. All of it stays within one process.</summary>
internal static class FetcherProtocol
{
    /// <summary>Fetch this partition from there on, from now on; replaces what was known of it.</summary>
    public sealed record Follow(ReplicaKey Key, FetchPosition Position, IActorRef Partition);

    public sealed record Unfollow(ReplicaKey Key);

    /// <summary>From the partition: its log ends there now. With an error it is fetched again after a pause.</summary>
    public sealed record Replicated(ReplicaKey Key, FetchPosition Position, PartitionError Error);

    /// <summary>Where the leader's node is, and as whom this node asks; a change means a new connection.</summary>
    /// <param name="LeaderBrokerEpoch">A later one means that the leader's process is a new one: it is tried at once.</param>
    public sealed record Target(string Host, int Port, long LeaderBrokerEpoch, ClusterId ClusterId, long OwnBrokerEpoch);
}

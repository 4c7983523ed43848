using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <param name="Controller">A broker that passes on to the controller; <see cref="QuorumDescription.Controller"/> is the controller's own.</param>
/// <param name="Brokers">By id.</param>
public sealed record ClusterDescription(string? ClusterId, BrokerId Controller, IReadOnlyList<BrokerDescription> Brokers);

/// <param name="Epoch">Of its registration; -1 where the cluster doesn't say.</param>
/// <param name="IsFenced">It may neither lead nor be in sync: the cluster does not hear of it, or it is not ready.</param>
/// <param name="IsStopping">It is giving up its leaders before it stops.</param>
public sealed record BrokerDescription(BrokerId Id, string Host, int Port, string? Rack, long Epoch = -1, bool IsFenced = false, bool IsStopping = false);

/// <summary>The controller, and those who vote on what it decides.</summary>
/// <param name="Controller">The broker whose node it runs on.</param>
/// <param name="Epoch">Each controller's is higher than those before.</param>
/// <param name="HighWatermark">A majority of voters holds all entries below.</param>
public sealed record QuorumDescription(
    BrokerId Controller, LeaderEpoch Epoch, long HighWatermark, IReadOnlyList<QuorumMember> Voters, IReadOnlyList<QuorumMember> Observers);

/// <param name="LogEndOffset">One past its last entry; -1 while the controller has not heard of it.</param>
/// <param name="LastHeard">Null where it has not; of the controller's own node too, in Kafka.</param>
public sealed record QuorumMember(BrokerId Id, Guid DirectoryId, long LogEndOffset, DateTimeOffset? LastHeard, DateTimeOffset? LastCaughtUp);

/// <param name="Message">The error in words; empty if there is none.</param>
public sealed record PartitionResult(TopicPartition Partition, ErrorCode Error, string Message);

/// <summary>A partition on its way to other brokers.</summary>
/// <param name="Replicas">All of them now, those coming and going included.</param>
public sealed record ReassignmentDescription(
    TopicPartition Partition, IReadOnlyList<BrokerId> Replicas, IReadOnlyList<BrokerId> Adding, IReadOnlyList<BrokerId> Removing);

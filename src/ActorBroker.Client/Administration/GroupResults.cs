using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <param name="State">Kafka's word: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead.</param>
/// <param name="ProtocolType">"consumer"; empty where nobody ever joined and only offsets are stored.</param>
public sealed record GroupListing(string Id, string State, string Type, string ProtocolType, BrokerId Coordinator);

/// <param name="Assignor">The one agreed on; empty while there is none.</param>
public sealed record GroupDescription(
    string Id, ErrorCode Error, string Message, string State, string ProtocolType, string Assignor, BrokerId Coordinator, IReadOnlyList<GroupMemberDescription> Members);

/// <param name="InstanceId">Of a static member, else null.</param>
/// <param name="Partitions">Empty during a rebalance, and for members of groups that are not of consumers.</param>
public sealed record GroupMemberDescription(
    string MemberId, string? InstanceId, string ClientId, string Host, IReadOnlyList<TopicPartition> Partitions);

/// <param name="Message">The error in words; empty if there is none.</param>
public sealed record GroupResult(string Id, ErrorCode Error, string Message);

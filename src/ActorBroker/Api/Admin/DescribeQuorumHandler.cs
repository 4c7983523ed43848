using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.DescribeQuorumResponse;

namespace ActorBroker.Api.Admin;

/// <summary>
/// How the controller's quorum stands (KIP-595, KIP-836, KIP-853): where the controller is, and how far each voter has its log.
/// Only Kafka's name for that log is known, since there is no other.
/// </summary>
internal sealed class DescribeQuorumHandler(ControllerGateway controller, MetadataCache cache, IAuthorizer authorizer) : IRequestHandler
{
    /// <summary>Kafka's.</summary>
    public const string Topic = "__cluster_metadata";

    /// <summary>The request carries none of its own.</summary>
    private const int TimeoutMs = 10_000;

    public ApiKey ApiKey => ApiKey.DescribeQuorum;

    public void Handle(ApiCall call)
    {
        var request = (DescribeQuorumRequest)call.Request;
        if (!authorizer.Allows(call.Context, AclOperation.Describe, ResourceType.Cluster, ClusterResource.Name))
            call.Reply(ErrorResponses.For(request, ErrorCode.ClusterAuthorizationFailed, $"{call.Context.Principal} may not describe the quorum."));
        else if (request.Topics is not [{ TopicName: Topic, Partitions: [{ PartitionIndex: 0 }] }])
            call.Reply(ErrorResponses.For(request, ErrorCode.InvalidRequest, $"Only partition 0 of {Topic} has a quorum."));
        else
            call.ReplyWhen(DescribeAsync(request, call.Context.Listener));
    }

    private async Task<IResponse> DescribeAsync(DescribeQuorumRequest request, string listener)
    {
        var (quorum, error, message) = await controller.AskAsync<QuorumDescription>(DescribeQuorum.Instance, TimeoutMs);
        if (quorum is null) return ErrorResponses.For(request, error, message);
        return new DescribeQuorumResponse
        {
            Topics = [new TopicData
            {
                TopicName = Topic,
                Partitions = [new PartitionData
                {
                    PartitionIndex = 0,
                    LeaderId = quorum.Controller.Value,
                    LeaderEpoch = quorum.Epoch.Value,
                    HighWatermark = quorum.Committed + 1,
                    CurrentVoters = Replicas(quorum.Voters),
                    Observers = Replicas(quorum.Observers),
                }],
            }],
            Nodes = [.. quorum.Voters.Select(voter => new Node { NodeId = voter.Broker.Value, Listeners = Listeners(voter, listener) })],
        };
    }

    /// <summary>Kafka's offsets are one past the last entry.</summary>
    private static List<ReplicaState> Replicas(ImmutableArray<QuorumMember> members) => [.. members.Select(member => new ReplicaState
    {
        ReplicaId = member.Broker.Value,
        ReplicaDirectoryId = member.Directory.Value,
        LogEndOffset = member.LogEnd < 0 ? -1 : member.LogEnd + 1,
        LastFetchTimestamp = member.LastAnsweredMs,
        LastCaughtUpTimestamp = member.LastCaughtUpMs,
    })];

    private List<Listener> Listeners(QuorumMember member, string listener) =>
        cache.Current.Brokers.TryGetValue(member.Broker, out var broker) && broker.Endpoint(listener) is { } endpoint
            ? [new Listener { Name = endpoint.Listener, Host = endpoint.Host, Port = (ushort)endpoint.Port }]
            : [];
}

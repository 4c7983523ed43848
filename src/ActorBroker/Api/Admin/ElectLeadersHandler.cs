using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.ElectLeadersResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Elections by command: back to the preferred leaders, or, where nobody may lead, of whoever lives (KIP-460).</summary>
internal sealed class ElectLeadersHandler(ControllerGateway controller, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.ElectLeaders;

    public void Handle(ApiCall call)
    {
        var request = (ElectLeadersRequest)call.Request;
        if (!authorizer.Allows(call.Context, AclOperation.Alter, ResourceType.Cluster, ClusterResource.Name))
            call.Reply(ErrorResponses.For(request, ErrorCode.ClusterAuthorizationFailed, $"{call.Context.Principal} may not elect leaders."));
        else if (request.ElectionType is not (ElectionType.Preferred or ElectionType.Unclean))
            call.Reply(ErrorResponses.For(request, ErrorCode.InvalidRequest, $"There is no kind of election {(int)request.ElectionType}."));
        else if (request.TopicPartitions is { Count: 0 })
            call.Reply(new ElectLeadersResponse());
        else
            call.ReplyWhen(ElectAsync(request));
    }

    private async Task<IResponse> ElectAsync(ElectLeadersRequest request)
    {
        var partitions = ImmutableArray.CreateBuilder<TopicPartition>();
        foreach (var topic in request.TopicPartitions ?? [])
            foreach (var partition in topic.Partitions)
                partitions.Add(new TopicPartition(topic.Topic, partition));
        // To the controller no partitions are all of them.
        if (request.TopicPartitions is not null && partitions.Count == 0) return new ElectLeadersResponse();

        var kind = request.ElectionType == ElectionType.Unclean ? ElectionKind.Unclean : ElectionKind.Preferred;
        var (answer, error, message) = await controller.AskAsync<ElectionResults>(new ElectLeaders(kind, partitions.ToImmutable()), request.TimeoutMs);
        if (answer is null) return ErrorResponses.For(request, error, message);
        return new ElectLeadersResponse
        {
            ReplicaElectionResults = [.. answer.Results.GroupBy(result => result.Partition.Topic, StringComparer.Ordinal).Select(topic => new ReplicaElectionResult
            {
                Topic = topic.Key,
                PartitionResult = [.. topic.Select(result => new PartitionElectionResult
                {
                    PartitionId = result.Partition.Partition,
                    ErrorCode = result.Error,
                    ErrorMessage = result.Message,
                })],
            })],
        };
    }
}

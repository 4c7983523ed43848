using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.CreatePartitionsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Adds partitions to topics; answers once they serve. Keys move to other partitions by it, which Kafka's users know.</summary>
internal sealed class CreatePartitionsHandler(ControllerGateway controller, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.CreatePartitions;

    public void Handle(ApiCall call) => call.ReplyWhen(AddAsync(call, (CreatePartitionsRequest)call.Request));

    private async Task<IResponse> AddAsync(ApiCall call, CreatePartitionsRequest request)
    {
        var allowed = request.Topics
            .Where(topic => MayAlter(call, topic.Name))
            .Select(topic => new MorePartitions(
                topic.Name,
                topic.Count,
                topic.Assignments is null ? [] : [.. topic.Assignments.Select(assignment => assignment.BrokerIds.Select(id => new BrokerId(id)).ToImmutableArray())]))
            .ToImmutableArray();
        var decided = allowed.IsEmpty ? [] : await controller.AskAsync(new AddPartitions(allowed, request.ValidateOnly), [.. allowed.Select(topic => topic.Topic)], request.TimeoutMs);

        var next = 0;
        var results = new CreatePartitionsTopicResult[request.Topics.Count];
        for (var i = 0; i < results.Length; i++)
        {
            var name = request.Topics[i].Name;
            var result = MayAlter(call, name)
                ? decided[next++]
                : TopicResult.Refused(name, ErrorCode.TopicAuthorizationFailed, $"{call.Context.Principal} may not alter topic '{name}'.");
            results[i] = new CreatePartitionsTopicResult { Name = name, ErrorCode = result.Error, ErrorMessage = result.Message };
        }

        return new CreatePartitionsResponse { Results = results };
    }

    private bool MayAlter(ApiCall call, string topic) => authorizer.Allows(call.Context, AclOperation.Alter, ResourceType.Topic, topic);
}

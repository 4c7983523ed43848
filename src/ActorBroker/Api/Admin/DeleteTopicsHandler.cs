using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.DeleteTopicsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Deletes topics by name or by id; answers once the deletion is decided.</summary>
internal sealed class DeleteTopicsHandler(ControllerGateway controller, MetadataCache cache, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.DeleteTopics;

    public void Handle(ApiCall call) => call.ReplyWhen(DeleteAsync(call, (DeleteTopicsRequest)call.Request));

    private async Task<IResponse> DeleteAsync(ApiCall call, DeleteTopicsRequest request)
    {
        var asked = request.Topics.Count > 0
            ? request.Topics.Select(topic => new TopicReference(topic.Name, new TopicId(topic.TopicId))).ToImmutableArray()
            : [.. request.TopicNames.Select(name => new TopicReference(name, TopicId.None))];
        var allowed = asked.Where(topic => MayDelete(call, topic)).ToImmutableArray();
        var decided = allowed.IsEmpty ? [] : await controller.AskAsync(new DeleteTopics(allowed), [.. allowed.Select(topic => topic.Name)], request.TimeoutMs);

        var next = 0;
        var results = new DeletableTopicResult[asked.Length];
        for (var i = 0; i < results.Length; i++)
        {
            var result = MayDelete(call, asked[i])
                ? decided[next++]
                : TopicResult.Refused(asked[i].Name, ErrorCode.TopicAuthorizationFailed, $"{call.Context.Principal} may not delete this topic.");
            results[i] = new DeletableTopicResult
            {
                Name = result.Topic?.Name ?? asked[i].Name,
                TopicId = result.Topic?.Id.Value ?? asked[i].Id.Value,
                ErrorCode = result.Error,
                ErrorMessage = result.Message,
            };
        }

        return new DeleteTopicsResponse { Responses = results };
    }

    private bool MayDelete(ApiCall call, TopicReference topic)
    {
        var name = topic.Name ?? cache.Current.FindTopic(topic.Id)?.Name;
        return name is null || authorizer.Allows(call.Context, AclOperation.Delete, ResourceType.Topic, name);
    }
}

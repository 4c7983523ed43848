using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.IncrementalAlterConfigsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Changes single keys of topics (KIP-339). Brokers are configured by their file only, so changing one is refused.</summary>
internal sealed class IncrementalAlterConfigsHandler(ControllerGateway controller, IAuthorizer authorizer) : IRequestHandler
{
    /// <summary>The request carries none of its own.</summary>
    private const int TimeoutMs = 30_000;

    public ApiKey ApiKey => ApiKey.IncrementalAlterConfigs;

    public void Handle(ApiCall call) => call.ReplyWhen(AlterAsync(call, (IncrementalAlterConfigsRequest)call.Request));

    private async Task<IResponse> AlterAsync(ApiCall call, IncrementalAlterConfigsRequest request)
    {
        var allowed = request.Resources
            .Where(resource => Refusal(call, resource) is null)
            .Select(resource => new TopicConfigChanges(
                resource.ResourceName,
                [.. resource.Configs.Select(config => new ConfigChange(config.Name, config.ConfigOperation == AlterConfigOperation.Delete ? null : config.Value ?? ""))]))
            .ToImmutableArray();
        var decided = allowed.IsEmpty ? [] : await controller.AskAsync(new AlterTopicConfigs(allowed, request.ValidateOnly), [.. allowed.Select(topic => topic.Topic)], TimeoutMs);

        var next = 0;
        var results = new AlterConfigsResourceResponse[request.Resources.Count];
        for (var i = 0; i < results.Length; i++)
        {
            var resource = request.Resources[i];
            var result = Refusal(call, resource) ?? decided[next++];
            results[i] = new AlterConfigsResourceResponse
            {
                ErrorCode = result.Error,
                ErrorMessage = result.Message,
                ResourceType = resource.ResourceType,
                ResourceName = resource.ResourceName,
            };
        }

        return new IncrementalAlterConfigsResponse { Responses = results };
    }

    private TopicResult? Refusal(ApiCall call, IncrementalAlterConfigsRequest.AlterConfigsResource resource)
    {
        var name = resource.ResourceName;
        if (resource.ResourceType != ConfigResourceType.Topic)
            return TopicResult.Refused(name, ErrorCode.InvalidRequest, $"Only topics can be configured while running, not {resource.ResourceType}.");
        if (!authorizer.Allows(call.Context, AclOperation.AlterConfigs, ResourceType.Topic, name))
            return TopicResult.Refused(name, ErrorCode.TopicAuthorizationFailed, $"{call.Context.Principal} may not configure topic '{name}'.");
        foreach (var config in resource.Configs)
        {
            if (config.ConfigOperation is AlterConfigOperation.Append or AlterConfigOperation.Subtract)
                return TopicResult.Refused(name, ErrorCode.InvalidConfig, $"{config.Name} takes no lists to add to or take from; set it instead.");
        }

        return null;
    }
}

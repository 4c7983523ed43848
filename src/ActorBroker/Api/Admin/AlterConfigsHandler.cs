using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.AlterConfigsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Replaces all keys of a resource at once; those that are not named go back to their defaults.</summary>
internal sealed class AlterConfigsHandler(ConfigAlteration alteration) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.AlterConfigs;

    public void Handle(ApiCall call) => call.ReplyWhen(AlterAsync(call.Context, (AlterConfigsRequest)call.Request));

    private async Task<IResponse> AlterAsync(RequestContext context, AlterConfigsRequest request)
    {
        var results = await alteration.AlterAsync(context, [.. request.Resources.Select(Read)], request.ValidateOnly);
        return new AlterConfigsResponse
        {
            Responses = [.. request.Resources.Select((resource, i) => new AlterConfigsResourceResponse
            {
                ErrorCode = results[i].Error,
                ErrorMessage = results[i].Message,
                ResourceType = resource.ResourceType,
                ResourceName = resource.ResourceName,
            })],
        };
    }

    private static ConfigAlterationOf Read(AlterConfigsRequest.AlterConfigsResource resource)
    {
        var without = resource.Configs.FirstOrDefault(config => config.Value is null);
        return new(
            resource.ResourceType,
            resource.ResourceName,
            [.. resource.Configs.Select(config => new ConfigChange(config.Name, config.Value))],
            without is null ? null : (ErrorCode.InvalidRequest, $"Configuration {without.Name} has no value; to go back to its default, leave it out."),
            ReplacesAll: true);
    }
}

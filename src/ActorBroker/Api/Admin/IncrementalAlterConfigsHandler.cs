using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.IncrementalAlterConfigsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Changes single keys (KIP-339).</summary>
internal sealed class IncrementalAlterConfigsHandler(ConfigAlteration alteration) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.IncrementalAlterConfigs;

    public void Handle(ApiCall call) => call.ReplyWhen(AlterAsync(call.Context, (IncrementalAlterConfigsRequest)call.Request));

    private async Task<IResponse> AlterAsync(RequestContext context, IncrementalAlterConfigsRequest request)
    {
        var results = await alteration.AlterAsync(context, [.. request.Resources.Select(Read)], request.ValidateOnly);
        return new IncrementalAlterConfigsResponse
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

    private static ConfigAlterationOf Read(IncrementalAlterConfigsRequest.AlterConfigsResource resource) =>
        new(resource.ResourceType, resource.ResourceName, [.. resource.Configs.Select(Change)], Fault(resource));

    private static ConfigChange Change(IncrementalAlterConfigsRequest.AlterableConfig config) => config.ConfigOperation switch
    {
        AlterConfigOperation.Delete => new(config.Name, null),
        AlterConfigOperation.Append => new(config.Name, config.Value) { Operation = ConfigOperation.Append },
        AlterConfigOperation.Subtract => new(config.Name, config.Value) { Operation = ConfigOperation.Subtract },
        _ => new(config.Name, config.Value),
    };

    private static (ErrorCode, string)? Fault(IncrementalAlterConfigsRequest.AlterConfigsResource resource)
    {
        foreach (var config in resource.Configs)
        {
            if (config.ConfigOperation is < AlterConfigOperation.Set or > AlterConfigOperation.Subtract)
                return (ErrorCode.InvalidRequest, $"There is no operation {(int)config.ConfigOperation} on configuration {config.Name}.");
            if (config is { Value: null, ConfigOperation: not AlterConfigOperation.Delete })
                return (ErrorCode.InvalidRequest, $"Configuration {config.Name} has no value; to go back to its default, delete it.");
        }

        return null;
    }
}

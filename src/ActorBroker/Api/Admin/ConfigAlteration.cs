using System.Collections.Immutable;
using System.Globalization;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Api.Admin;

/// <summary>One resource whose configuration a request changes.</summary>
/// <param name="Fault">What is wrong with how the request says it; null when nothing is.</param>
/// <param name="ReplacesAll">What is not named goes back to its default.</param>
internal sealed record ConfigAlterationOf(
    ConfigResourceType Type, string Name, ImmutableArray<ConfigChange> Changes, (ErrorCode Code, string Message)? Fault, bool ReplacesAll = false);

/// <summary>
/// Changes configurations, for both requests that do: topics at the controller. Brokers are configured by their file alone, so
/// changing one is refused, as Kafka refuses keys that are not dynamic.
/// </summary>
internal sealed class ConfigAlteration(ControllerGateway controller, BrokerId self, IAuthorizer authorizer)
{
    /// <summary>The requests carry none of their own.</summary>
    private const int TimeoutMs = 30_000;

    /// <returns>A result for each resource, in their order.</returns>
    public async Task<IReadOnlyList<TopicResult>> AlterAsync(RequestContext context, IReadOnlyList<ConfigAlterationOf> resources, bool validateOnly)
    {
        var refused = new TopicResult?[resources.Count];
        for (var i = 0; i < refused.Length; i++) refused[i] = Refusal(context, resources, i);
        var allowed = resources.Where((_, i) => refused[i] is null)
            .Select(resource => new TopicConfigChanges(resource.Name, resource.Changes) { ReplacesAll = resource.ReplacesAll })
            .ToImmutableArray();
        var decided = allowed.IsEmpty
            ? [] : await controller.AskAsync(new AlterTopicConfigs(allowed, validateOnly), [.. allowed.Select(topic => topic.Topic)], TimeoutMs);
        var next = 0;
        return [.. refused.Select(refusal => refusal ?? decided[next++])];
    }

    private TopicResult? Refusal(RequestContext context, IReadOnlyList<ConfigAlterationOf> resources, int index)
    {
        var resource = resources[index];
        var name = resource.Name;
        if (resources.Where((other, i) => i != index && other.Type == resource.Type && other.Name == name).Any())
            return TopicResult.Refused(name, ErrorCode.InvalidRequest, "Each resource may appear once in a request.");
        if (resource.Fault is { } fault) return TopicResult.Refused(name, fault.Code, fault.Message);
        return resource.Type switch
        {
            ConfigResourceType.Topic => authorizer.Allows(context, AclOperation.AlterConfigs, ResourceType.Topic, name) ? null
                : TopicResult.Refused(name, ErrorCode.TopicAuthorizationFailed, $"{context.Principal} may not configure topic '{name}'."),
            ConfigResourceType.Broker => RefuseBroker(context, resource),
            _ => TopicResult.Refused(name, ErrorCode.InvalidRequest, $"This broker has no configuration of kind {resource.Type}."),
        };
    }

    private TopicResult RefuseBroker(RequestContext context, ConfigAlterationOf resource)
    {
        var name = resource.Name;
        if (!authorizer.Allows(context, AclOperation.AlterConfigs, ResourceType.Cluster, ClusterResource.Name))
            return TopicResult.Refused(name, ErrorCode.ClusterAuthorizationFailed, $"{context.Principal} may not configure brokers.");
        if (name.Length > 0 && name != self.Value.ToString(CultureInfo.InvariantCulture))
            return TopicResult.Refused(name, ErrorCode.InvalidRequest, $"This is broker {self}: ask broker '{name}' itself.");
        var keys = string.Join(", ", resource.Changes.Select(change => change.Key));
        return TopicResult.Refused(name, ErrorCode.InvalidRequest, $"These keys can't be changed while the broker runs: {keys}. Set them in its configuration and restart it.");
    }
}

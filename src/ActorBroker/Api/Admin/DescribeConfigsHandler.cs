using System.Collections.Immutable;
using System.Globalization;
using ActorBroker.Hosting;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.DescribeConfigsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>The configuration in force for topics, and this broker's own, with where each value comes from (KIP-226).</summary>
internal sealed class DescribeConfigsHandler(
    MetadataCache cache, TopicDefaults defaults, BrokerId self, ImmutableArray<BrokerConfig> brokerConfigs, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.DescribeConfigs;

    public void Handle(ApiCall call)
    {
        var request = (DescribeConfigsRequest)call.Request;
        call.Reply(new DescribeConfigsResponse { Results = [.. request.Resources.Select(resource => Describe(call, resource, request))] });
    }

    private DescribeConfigsResult Describe(ApiCall call, DescribeConfigsRequest.DescribeConfigsResource resource, DescribeConfigsRequest request) =>
        resource.ResourceType switch
        {
            ConfigResourceType.Topic => DescribeTopic(call, resource, request),
            ConfigResourceType.Broker => DescribeBroker(call, resource, request),
            _ => Refused(resource, ErrorCode.InvalidRequest, $"This broker has no configuration of kind {resource.ResourceType}."),
        };

    private DescribeConfigsResult DescribeTopic(ApiCall call, DescribeConfigsRequest.DescribeConfigsResource resource, DescribeConfigsRequest request)
    {
        if (!authorizer.Allows(call.Context, AclOperation.DescribeConfigs, ResourceType.Topic, resource.ResourceName))
            return Refused(resource, ErrorCode.TopicAuthorizationFailed, $"{call.Context.Principal} may not describe topic '{resource.ResourceName}'.");
        if (cache.Current.FindTopic(resource.ResourceName) is not { } topic)
            return Refused(resource, ErrorCode.UnknownTopicOrPartition, $"There is no topic '{resource.ResourceName}'.");

        var entries = TopicConfigs.Describe(topic, defaults).Where(entry => IsWanted(resource, entry.Key.Name));
        return Found(resource, [.. entries.Select(entry => new DescribeConfigsResourceResult
        {
            Name = entry.Key.Name,
            Value = entry.Value,
            IsDefault = entry.Source == ConfigSource.Default,
            ConfigSource = entry.Source,
            Synonyms = request.IncludeSynonyms ? Synonyms(topic, entry.Key) : [],
            ConfigType = entry.Key.Type,
            Documentation = request.IncludeDocumentation ? entry.Key.Documentation : null,
        })]);
    }

    private DescribeConfigsResult DescribeBroker(ApiCall call, DescribeConfigsRequest.DescribeConfigsResource resource, DescribeConfigsRequest request)
    {
        if (!authorizer.Allows(call.Context, AclOperation.DescribeConfigs, ResourceType.Cluster, ClusterResource.Name))
            return Refused(resource, ErrorCode.ClusterAuthorizationFailed, $"{call.Context.Principal} may not describe brokers.");
        if (resource.ResourceName.Length > 0 && resource.ResourceName != self.Value.ToString(CultureInfo.InvariantCulture))
            return Refused(resource, ErrorCode.InvalidRequest, $"This is broker {self}: ask broker '{resource.ResourceName}' itself.");

        // No name: what is set for all brokers while they run, which nothing can be.
        if (resource.ResourceName.Length == 0) return Found(resource, []);
        var keys = brokerConfigs.Where(key => IsWanted(resource, key.Name));
        return Found(resource, [.. keys.Select(key => new DescribeConfigsResourceResult
        {
            Name = key.Name,
            Value = key.Value,
            ReadOnly = true,
            IsDefault = key.IsDefault,
            ConfigSource = key.IsDefault ? ConfigSource.Default : ConfigSource.StaticBroker,
            Synonyms = request.IncludeSynonyms ? Synonyms(key) : [],
            ConfigType = key.Type,
            Documentation = request.IncludeDocumentation ? key.Documentation : null,
        })]);
    }

    private static List<DescribeConfigsSynonym> Synonyms(BrokerConfig key)
    {
        var synonyms = new List<DescribeConfigsSynonym>(2);
        if (!key.IsDefault) synonyms.Add(new() { Name = key.Name, Value = key.Value, Source = ConfigSource.StaticBroker });
        if (key.Default is not null) synonyms.Add(new() { Name = key.Name, Value = key.Default, Source = ConfigSource.Default });
        return synonyms;
    }

    private List<DescribeConfigsSynonym> Synonyms(TopicImage topic, TopicConfigKey key)
    {
        var synonyms = new List<DescribeConfigsSynonym>(3);
        if (topic.Overrides.TryGetValue(key.Name, out var own))
            synonyms.Add(new() { Name = key.Name, Value = own, Source = ConfigSource.Topic });
        if (defaults.BrokerValues.TryGetValue(key.Name, out var configured))
            synonyms.Add(new() { Name = key.BrokerKey, Value = configured, Source = ConfigSource.StaticBroker });
        synonyms.Add(new() { Name = key.BrokerKey, Value = key.Default, Source = ConfigSource.Default });
        return synonyms;
    }

    private static bool IsWanted(DescribeConfigsRequest.DescribeConfigsResource resource, string key) =>
        resource.ConfigurationKeys is null || resource.ConfigurationKeys.Contains(key, StringComparer.Ordinal);

    private static DescribeConfigsResult Found(DescribeConfigsRequest.DescribeConfigsResource resource, List<DescribeConfigsResourceResult> configs) =>
        new() { ErrorMessage = null, ResourceType = resource.ResourceType, ResourceName = resource.ResourceName, Configs = configs };

    private static DescribeConfigsResult Refused(DescribeConfigsRequest.DescribeConfigsResource resource, ErrorCode code, string message) =>
        new() { ErrorCode = code, ErrorMessage = message, ResourceType = resource.ResourceType, ResourceName = resource.ResourceName };
}

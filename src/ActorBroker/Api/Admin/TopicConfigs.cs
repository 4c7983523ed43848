using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Api.Admin;

/// <summary>A topic's configuration as clients are shown it.</summary>
internal static class TopicConfigs
{
    public readonly record struct Entry(TopicConfigKey Key, string Value, ConfigSource Source);

    public static IEnumerable<Entry> Describe(TopicImage topic, TopicDefaults defaults)
    {
        foreach (var key in TopicConfigCatalog.All)
            yield return new Entry(key, defaults.Value(topic, key.Name), Source(topic, defaults, key));
    }

    private static ConfigSource Source(TopicImage topic, TopicDefaults defaults, TopicConfigKey key) =>
        topic.Overrides.ContainsKey(key.Name) ? ConfigSource.Topic
        : defaults.BrokerValues.ContainsKey(key.Name) ? ConfigSource.StaticBroker
        : ConfigSource.Default;
}

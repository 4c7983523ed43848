using ActorBroker.Hosting;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Tests.Groups;
using Akka.Configuration;
using static ActorBroker.Protocol.DescribeConfigsResponse;

namespace ActorBroker.Tests.Api;

/// <summary>Tools read the configuration of a broker that was given some of its own, and of a topic that was too.</summary>
public sealed class DescribeConfigsTests : IAsyncLifetime
{
    private GroupBroker _broker = null!;

    public async Task InitializeAsync()
    {
        _broker = await GroupBroker.StartAsync("""
            actorbroker.log.retention.ms = 5000
            actorbroker.num.partitions = 3
            """);
        var created = await _broker.AskAsync(new CreateTopicsRequest
        {
            Topics = [new() { Name = "t", NumPartitions = 1, ReplicationFactor = 1, Configs = [new() { Name = "retention.ms", Value = "7000" }] }],
        });
        Assert.Equal(ErrorCode.None, created.Topics[0].ErrorCode);
    }

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public async Task Broker_settings_are_told_with_type_source_and_synonyms()
    {
        var configs = (await DescribeAsync(ConfigResourceType.Broker, "1")).Configs.ToDictionary(config => config.Name);
        Expect(configs["num.partitions"], "3", ConfigSource.StaticBroker, ConfigType.Int, "num.partitions=3 StaticBroker", "num.partitions=1 Default");
        Expect(configs["log.retention.ms"], "5000", ConfigSource.StaticBroker, ConfigType.Long, "log.retention.ms=5000 StaticBroker", "log.retention.ms=604800000 Default");
        Expect(configs["auto.create.topics.enable"], "true", ConfigSource.Default, ConfigType.Boolean, "auto.create.topics.enable=true Default");
        Expect(configs["broker.rack"], null, ConfigSource.Default, ConfigType.String);
        Assert.True(Path.IsPathRooted(configs["log.dirs"].Value));
        Assert.All(configs.Values, config => Assert.True(config is { ReadOnly: true, IsSensitive: false, Documentation.Length: > 5 }, config.Name));
    }

    [Fact]
    public async Task Topic_settings_are_told_with_where_else_they_could_come_from()
    {
        var configs = (await DescribeAsync(ConfigResourceType.Topic, "t")).Configs.ToDictionary(config => config.Name);
        Expect(
            configs["retention.ms"], "7000", ConfigSource.Topic, ConfigType.Long,
            "retention.ms=7000 Topic", "log.retention.ms=5000 StaticBroker", "log.retention.ms=604800000 Default");
        Expect(configs["cleanup.policy"], "delete", ConfigSource.Default, ConfigType.List, "log.cleanup.policy=delete Default");
        Assert.All(configs.Values, config => Assert.False(config.ReadOnly));
    }

    [Fact]
    public async Task Only_what_is_asked_for_is_told_and_nothing_is_set_for_all_brokers()
    {
        var one = await DescribeAsync(ConfigResourceType.Broker, "1", "node.id", "no.such.key");
        Assert.Equal(["node.id"], one.Configs.Select(config => config.Name));
        var all = await DescribeAsync(ConfigResourceType.Broker, "");
        Assert.Equal((ErrorCode.None, 0), (all.ErrorCode, all.Configs.Count));
    }

    [Theory]
    [InlineData(ConfigResourceType.Broker, "2", ErrorCode.InvalidRequest)]
    [InlineData(ConfigResourceType.Topic, "none", ErrorCode.UnknownTopicOrPartition)]
    [InlineData(ConfigResourceType.Group, "g", ErrorCode.InvalidRequest)]
    public async Task What_is_not_here_is_refused(ConfigResourceType type, string name, ErrorCode expected)
    {
        var refused = await DescribeAsync(type, name);
        Assert.Equal(expected, refused.ErrorCode);
        Assert.NotEmpty(refused.ErrorMessage!);
    }

    [Fact]
    public async Task Version_0_says_only_whether_a_value_is_the_default()
    {
        var answer = await _broker.AskAsync(
            new DescribeConfigsRequest { Resources = [new() { ResourceType = ConfigResourceType.Topic, ResourceName = "t", ConfigurationKeys = ["retention.ms", "retention.bytes"] }] }, 0);
        Assert.Equal([("retention.bytes", true), ("retention.ms", false)], answer.Results[0].Configs.Select(config => (config.Name, config.IsDefault)).Order());
    }

    [Fact]
    public void Every_setting_that_is_shown_is_in_reference_conf_and_is_shown_once()
    {
        var reference = ConfigurationFactory.FromResource("reference.conf", typeof(Broker).Assembly).GetConfig(BrokerOptions.Section);
        var shown = BrokerConfigs.Of(key => reference.GetString(key), key => reference.GetString(key), "/d", TopicDefaults.Standard);
        Assert.Equal(shown.Length, shown.Select(config => config.Name).Distinct().Count());
        Assert.All(shown, config => Assert.True(config.Name == "log.dirs" || reference.HasPath(BrokerConfigs.KeyOf(config.Name)), config.Name));
        Assert.All(shown, config => Assert.True(config.Name == "log.dirs" || config.IsDefault, config.Name));
    }

    private static void Expect(DescribeConfigsResourceResult config, string? value, ConfigSource source, ConfigType type, params string[] synonyms)
    {
        Assert.Equal((value, source, type), (config.Value, config.ConfigSource, config.ConfigType));
        Assert.Equal(synonyms, config.Synonyms.Select(synonym => $"{synonym.Name}={synonym.Value} {synonym.Source}"));
    }

    private async Task<DescribeConfigsResult> DescribeAsync(ConfigResourceType type, string name, params string[] keys) =>
        Assert.Single((await _broker.AskAsync(new DescribeConfigsRequest
        {
            Resources = [new() { ResourceType = type, ResourceName = name, ConfigurationKeys = keys.Length == 0 ? null : keys }],
            IncludeSynonyms = true,
            IncludeDocumentation = true,
        })).Results);
}

using ActorBroker.Protocol;
using ActorBroker.Tests.Groups;

namespace ActorBroker.Tests.Api;

/// <summary>Configurations are changed through both requests that Kafka has for it, and read again.</summary>
public sealed class AlterConfigsTests : IAsyncLifetime
{
    private const string Topic = "t";

    private GroupBroker _broker = null!;

    public async Task InitializeAsync()
    {
        _broker = await GroupBroker.StartAsync("actorbroker.log.retention.ms = 5000");
        await _broker.CreateTopicAsync(Topic, 1);
    }

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public async Task A_whole_configuration_takes_the_place_of_the_one_before()
    {
        Assert.Equal(ErrorCode.None, (await ReplaceAsync(("retention.ms", "1000"), ("segment.ms", "2000"))).ErrorCode);
        await ExpectOwnAsync("retention.ms=1000", "segment.ms=2000");
        Assert.Equal(ErrorCode.None, (await ReplaceAsync(("retention.bytes", "3000"))).ErrorCode);
        await ExpectOwnAsync("retention.bytes=3000");
    }

    [Fact]
    public async Task One_fault_changes_nothing_and_neither_does_checking_only()
    {
        await ReplaceAsync(("retention.ms", "1000"));
        await ExpectOwnAsync("retention.ms=1000");
        Assert.Equal(ErrorCode.InvalidConfig, (await ReplaceAsync(("segment.ms", "2000"), ("retention.ms", "soon"))).ErrorCode);
        Assert.Equal(ErrorCode.InvalidConfig, (await ReplaceAsync(("no.such.key", "1"))).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await ReplaceAsync(("retention.ms", null))).ErrorCode);
        Assert.Equal(ErrorCode.None, (await ReplaceAsync(validateOnly: true, ("segment.ms", "2000"))).ErrorCode);
        await ExpectOwnAsync("retention.ms=1000");
    }

    [Theory]
    [InlineData(AlterConfigOperation.Append, "compact", "delete,compact")]
    [InlineData(AlterConfigOperation.Append, "delete", "delete")]
    [InlineData(AlterConfigOperation.Subtract, "compact", "delete")]
    public async Task Lists_grow_and_shrink(AlterConfigOperation operation, string value, string expected)
    {
        Assert.Equal(ErrorCode.None, (await ChangeAsync("cleanup.policy", operation, value)).ErrorCode);
        await ExpectOwnAsync($"cleanup.policy={expected}");
    }

    [Theory]
    [InlineData("cleanup.policy", AlterConfigOperation.Subtract, "delete", ErrorCode.InvalidConfig)]
    [InlineData("cleanup.policy", AlterConfigOperation.Append, "squeeze", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", AlterConfigOperation.Append, "1", ErrorCode.InvalidConfig)]
    [InlineData("no.such.key", AlterConfigOperation.Append, "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", AlterConfigOperation.Set, null, ErrorCode.InvalidRequest)]
    [InlineData("retention.ms", (AlterConfigOperation)9, "1", ErrorCode.InvalidRequest)]
    public async Task What_can_not_be_is_refused_as_Kafka_refuses_it(string key, AlterConfigOperation operation, string? value, ErrorCode expected)
    {
        var refused = await ChangeAsync(key, operation, value);
        Assert.Equal(expected, refused.ErrorCode);
        Assert.Contains(key, refused.ErrorMessage, StringComparison.Ordinal);
        await ExpectOwnAsync();
    }

    [Theory]
    [InlineData(ConfigResourceType.Topic, "none", ErrorCode.UnknownTopicOrPartition, "none")]
    [InlineData(ConfigResourceType.Broker, "1", ErrorCode.InvalidRequest, "num.partitions")]
    [InlineData(ConfigResourceType.Broker, "", ErrorCode.InvalidRequest, "num.partitions")]
    [InlineData(ConfigResourceType.Broker, "7", ErrorCode.InvalidRequest, "broker 1")]
    [InlineData(ConfigResourceType.BrokerLogger, "1", ErrorCode.InvalidRequest, "BrokerLogger")]
    public async Task What_can_not_be_changed_is_named(ConfigResourceType type, string name, ErrorCode expected, string named)
    {
        var incremental = await _broker.AskAsync(new IncrementalAlterConfigsRequest
        {
            Resources = [new() { ResourceType = type, ResourceName = name, Configs = [new() { Name = "num.partitions", Value = "2" }] }],
        });
        var whole = await _broker.AskAsync(new AlterConfigsRequest
        {
            Resources = [new() { ResourceType = type, ResourceName = name, Configs = [new() { Name = "num.partitions", Value = "2" }] }],
        });
        Assert.Equal((expected, expected), (incremental.Responses[0].ErrorCode, whole.Responses[0].ErrorCode));
        Assert.Contains(named, incremental.Responses[0].ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_resource_that_appears_twice_is_changed_by_neither()
    {
        IncrementalAlterConfigsRequest.AlterConfigsResource Of(string value) =>
            new() { ResourceType = ConfigResourceType.Topic, ResourceName = Topic, Configs = [new() { Name = "retention.ms", Value = value }] };

        var answers = (await _broker.AskAsync(new IncrementalAlterConfigsRequest { Resources = [Of("1"), Of("2")] })).Responses;
        Assert.All(answers, answer => Assert.Equal(ErrorCode.InvalidRequest, answer.ErrorCode));
        await ExpectOwnAsync();
    }

    private Task<AlterConfigsResponse.AlterConfigsResourceResponse> ReplaceAsync(params (string Key, string? Value)[] configs) =>
        ReplaceAsync(validateOnly: false, configs);

    private async Task<AlterConfigsResponse.AlterConfigsResourceResponse> ReplaceAsync(bool validateOnly, params (string Key, string? Value)[] configs) =>
        Assert.Single((await _broker.AskAsync(new AlterConfigsRequest
        {
            Resources = [new()
            {
                ResourceType = ConfigResourceType.Topic,
                ResourceName = Topic,
                Configs = [.. configs.Select(config => new AlterConfigsRequest.AlterableConfig { Name = config.Key, Value = config.Value })],
            }],
            ValidateOnly = validateOnly,
        })).Responses);

    private async Task<IncrementalAlterConfigsResponse.AlterConfigsResourceResponse> ChangeAsync(string key, AlterConfigOperation operation, string? value) =>
        Assert.Single((await _broker.AskAsync(new IncrementalAlterConfigsRequest
        {
            Resources = [new() { ResourceType = ConfigResourceType.Topic, ResourceName = Topic, Configs = [new() { Name = key, ConfigOperation = operation, Value = value }] }],
        })).Responses);

    /// <summary>What is set on the topic itself, once this node knows what its controller decided.</summary>
    private async Task ExpectOwnAsync(params string[] expected)
    {
        for (var deadline = DateTimeOffset.UtcNow + GroupBroker.Deadline; ; await Task.Delay(5))
        {
            var described = await _broker.AskAsync(new DescribeConfigsRequest
            {
                Resources = [new() { ResourceType = ConfigResourceType.Topic, ResourceName = Topic, ConfigurationKeys = null }],
            });
            var own = described.Results[0].Configs.Where(config => config.ConfigSource == ConfigSource.Topic).Select(config => $"{config.Name}={config.Value}").ToList();
            if (own.SequenceEqual(expected) || DateTimeOffset.UtcNow > deadline)
            {
                Assert.Equal(expected, own);
                return;
            }
        }
    }
}

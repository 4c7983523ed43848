using ActorBroker.Protocol;
using ActorBroker.Tests.Groups;

namespace ActorBroker.Tests.Api;

/// <summary>
/// A client asks about a topic that nobody made: it is made where the request and the broker allow it. Topics of the
/// broker's own are neither made so, nor deleted, nor enlarged, nor written to by clients.
/// </summary>
public sealed class AutoTopicsTests
{
    private const string Offsets = "__consumer_offsets";

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(9)]
    public async Task A_topic_that_a_Kafka_client_asks_about_is_made_with_the_brokers_defaults(short version)
    {
        await using var broker = await GroupBroker.StartAsync("actorbroker.num.partitions = 3");
        var asked = new MetadataRequest { Topics = [new() { Name = "wished" }] };
        // The first answer may say that the client should ask again.
        for (var attempt = 0; ; attempt++)
        {
            var topic = Assert.Single((await broker.AskAsync(asked, version)).Topics);
            if (topic.ErrorCode == ErrorCode.None)
            {
                Assert.Equal(3, topic.Partitions.Count);
                return;
            }

            Assert.Equal(ErrorCode.LeaderNotAvailable, topic.ErrorCode);
            Assert.InRange(attempt, 0, 100);
        }
    }

    [Fact]
    public async Task Many_who_ask_at_once_get_one_topic()
    {
        await using var broker = await GroupBroker.StartAsync();
        var asked = new MetadataRequest { Topics = [new() { Name = "wished" }, new() { Name = "wished" }] };
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => broker.AskAsync(asked, 9)));
        var ids = await Task.WhenAll(Enumerable.Range(0, 3).Select(async _ => (await broker.AskAsync(asked)).Topics[0].TopicId));
        Assert.Single(ids.Distinct());
    }

    [Theory]
    [InlineData(false, true, "wished", ErrorCode.UnknownTopicOrPartition)]
    [InlineData(true, false, "wished", ErrorCode.UnknownTopicOrPartition)]
    [InlineData(true, true, "not a name", ErrorCode.InvalidTopicException)]
    [InlineData(true, true, "there_is", ErrorCode.InvalidTopicException)]
    [InlineData(true, true, Offsets, ErrorCode.UnknownTopicOrPartition)]
    [InlineData(true, true, "__transaction_state", ErrorCode.UnknownTopicOrPartition)]
    public async Task None_is_made_where_it_is_not_allowed_or_not_possible(bool enabled, bool allowed, string name, ErrorCode expected)
    {
        await using var broker = await GroupBroker.StartAsync($"actorbroker.auto.create.topics.enable = {(enabled ? "true" : "false")}");
        await broker.CreateTopicAsync("there.is", 1);
        var topic = Assert.Single((await broker.AskAsync(new MetadataRequest { Topics = [new() { Name = name }], AllowAutoTopicCreation = allowed })).Topics);
        Assert.Equal(expected, topic.ErrorCode);
        Assert.Equal(["there.is"], (await broker.AskAsync(new MetadataRequest { Topics = null })).Topics.Select(known => known.Name));
    }

    [Fact]
    public async Task What_the_broker_keeps_for_itself_is_not_for_clients_to_delete_enlarge_or_write()
    {
        await using var broker = await GroupBroker.StartAsync();
        await broker.FindCoordinatorAsync("g");
        var before = Assert.Single((await broker.AskAsync(new MetadataRequest { Topics = [new() { Name = Offsets }] })).Topics);

        var byName = Assert.Single((await broker.AskAsync(new DeleteTopicsRequest { Topics = [new() { Name = Offsets }], TimeoutMs = 10_000 })).Responses);
        Assert.Equal(ErrorCode.InvalidTopicException, byName.ErrorCode);
        Assert.Contains("internal", byName.ErrorMessage, StringComparison.Ordinal);
        var byId = Assert.Single((await broker.AskAsync(new DeleteTopicsRequest { Topics = [new() { TopicId = before.TopicId }], TimeoutMs = 10_000 })).Responses);
        Assert.Equal(ErrorCode.InvalidTopicException, byId.ErrorCode);
        var enlarged = Assert.Single((await broker.AskAsync(new CreatePartitionsRequest { Topics = [new() { Name = Offsets, Count = 99, Assignments = null }], TimeoutMs = 10_000 })).Results);
        Assert.Equal(ErrorCode.InvalidTopicException, enlarged.ErrorCode);
        Assert.Contains("internal", enlarged.ErrorMessage, StringComparison.Ordinal);
        var written = (await broker.AskAsync(DataPath.Produce(Offsets, 0, DataPath.Batch(0, "v")))).Responses[0].PartitionResponses[0];
        Assert.Equal(ErrorCode.InvalidTopicException, written.ErrorCode);

        var after = Assert.Single((await broker.AskAsync(new MetadataRequest { Topics = [new() { Name = Offsets }] })).Topics);
        Assert.Equal((before.TopicId, before.Partitions.Count), (after.TopicId, after.Partitions.Count));
    }
}

using ActorBroker.Protocol;
using ActorBroker.Tests.Groups;

namespace ActorBroker.Tests.Api;

/// <summary>What operators ask a broker about its records: to delete old ones, how large they are, and who wrote them.</summary>
public sealed class RecordsAdminTests : IAsyncLifetime
{
    private const string Topic = "t";
    private const int Records = 5;

    private GroupBroker _broker = null!;

    public async Task InitializeAsync()
    {
        _broker = await GroupBroker.StartAsync();
        await _broker.CreateTopicAsync(Topic, 2);
        for (var i = 0; i < Records; i++) await ProduceAsync(Topic, DataPath.Batch(7, 1, i, $"v{i}"));
    }

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Theory]
    [InlineData(3, 3)]
    [InlineData(-1, Records)]
    [InlineData(0, 0)]
    public async Task Records_below_an_offset_are_deleted_for_ever(long before, long start)
    {
        Assert.Equal((ErrorCode.None, start), await DeleteAsync(Topic, before));
        Assert.Equal(start, await StartAsync());
        // Asked again, there is nothing to do; and what is gone does not come back by a start.
        Assert.Equal((ErrorCode.None, start), await DeleteAsync(Topic, Math.Min(start, 1)));
        await _broker.RestartAsync();
        Assert.Equal(start, await StartAsync());
        if (start == 0) return;
        var fetched = await _broker.AskAsync(DataPath.Fetch(Topic, start - 1) with { Topics = [new() { TopicId = await IdAsync(), Partitions = [new() { FetchOffset = start - 1, PartitionMaxBytes = 1000 }] }] });
        Assert.Equal(ErrorCode.OffsetOutOfRange, fetched.Responses[0].Partitions[0].ErrorCode);
    }

    [Fact]
    public async Task What_can_not_be_deleted_is_refused()
    {
        await _broker.FindCoordinatorAsync("g");
        await _broker.AskAsync(new CreateTopicsRequest
        {
            Topics = [new() { Name = "keyed", NumPartitions = 1, ReplicationFactor = 1, Configs = [new() { Name = "cleanup.policy", Value = "compact" }] }],
        });
        Assert.Equal((ErrorCode.OffsetOutOfRange, -1), await DeleteAsync(Topic, Records + 1));
        Assert.Equal((ErrorCode.OffsetOutOfRange, -1), await DeleteAsync(Topic, -2));
        Assert.Equal((ErrorCode.UnknownTopicOrPartition, -1), await DeleteAsync("none", 1));
        Assert.Equal((ErrorCode.PolicyViolation, -1), await DeleteAsync("keyed", 0));
        Assert.Equal((ErrorCode.InvalidTopicException, -1), await DeleteAsync("__consumer_offsets", 0));
        Assert.Equal(0, await StartAsync());
    }

    [Fact]
    public async Task Producers_are_told_with_their_newest_batch()
    {
        await ProduceAsync(Topic, DataPath.Batch(8, 0, 0, "a", "b"));
        var answer = await _broker.AskAsync(new DescribeProducersRequest { Topics = [new() { Name = Topic, PartitionIndexes = [0, 1, 9] }] });
        var partitions = Assert.Single(answer.Topics).Partitions;
        Assert.Equal([(0, ErrorCode.None), (1, ErrorCode.None), (9, ErrorCode.UnknownTopicOrPartition)], partitions.Select(partition => (partition.PartitionIndex, partition.ErrorCode)));
        Assert.Equal(
            [(7L, 1, Records - 1, -1L), (8L, 0, 1, -1L)],
            partitions[0].ActiveProducers.Select(producer => (producer.ProducerId, producer.ProducerEpoch, producer.LastSequence, producer.CurrentTxnStartOffset)));
        Assert.Empty(partitions[1].ActiveProducers);
    }

    [Fact]
    public async Task The_data_folder_is_described_with_sizes_and_room()
    {
        var all = Assert.Single((await _broker.AskAsync(new DescribeLogDirsRequest { Topics = null })).Results);
        Assert.Equal(ErrorCode.None, all.ErrorCode);
        Assert.True(Path.IsPathRooted(all.LogDir));
        Assert.InRange(all.UsableBytes, 1, all.TotalBytes);
        var partitions = Assert.Single(all.Topics).Partitions;
        Assert.Equal([0, 1], partitions.Select(partition => partition.PartitionIndex));
        Assert.True(partitions[0].PartitionSize > Records * 61);
        Assert.Equal(0, partitions[1].PartitionSize);
        var one = Assert.Single((await _broker.AskAsync(new DescribeLogDirsRequest { Topics = [new() { Topic = Topic, Partitions = [1, 5] }, new() { Topic = "none", Partitions = [0] }] })).Results);
        Assert.Equal(1, Assert.Single(Assert.Single(one.Topics).Partitions).PartitionIndex);
    }

    private async Task ProduceAsync(string topic, ReadOnlyMemory<byte> batch) =>
        Assert.Equal(ErrorCode.None, (await _broker.AskAsync(DataPath.Produce(topic, 0, batch))).Responses[0].PartitionResponses[0].ErrorCode);

    private async Task<(ErrorCode, long)> DeleteAsync(string topic, long before)
    {
        var answer = await _broker.AskAsync(new DeleteRecordsRequest { Topics = [new() { Name = topic, Partitions = [new() { Offset = before }] }], TimeoutMs = 30_000 });
        var partition = Assert.Single(Assert.Single(answer.Topics).Partitions);
        return (partition.ErrorCode, partition.LowWatermark);
    }

    /// <summary>A broker that has only started may not lead yet.</summary>
    private async Task<long> StartAsync()
    {
        for (var deadline = DateTimeOffset.UtcNow + GroupBroker.Deadline; ; await Task.Delay(5))
        {
            var found = (await _broker.AskAsync(DataPath.ListOffsets(Topic, -2) with { ReplicaId = -1 })).Topics[0].Partitions[0];
            if (found.ErrorCode == ErrorCode.None) return found.Offset;
            Assert.True(DateTimeOffset.UtcNow < deadline, $"{found.ErrorCode}");
        }
    }

    private async Task<Guid> IdAsync() => (await _broker.AskAsync(new MetadataRequest { Topics = [new() { Name = Topic }] })).Topics[0].TopicId;
}

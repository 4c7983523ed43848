using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Api;

/// <summary>One node, one client: what is produced can be fetched and found by offset and by time.</summary>
public sealed class ProduceFetchTests : TestKit
{
    private readonly DataPath _node;

    public ProduceFetchTests() : base(DataPath.Config) => _node = new DataPath(this);

    [Theory]
    [InlineData((short)-1)]
    [InlineData((short)1)]
    public void Produced_batches_get_dense_offsets_and_come_back_in_order(short acks)
    {
        _node.CreateTopic("flights");
        Assert.Equal(0, _node.AskProduce("flights", _node.Batch("a", "b"), acks).BaseOffset);
        var second = _node.AskProduce("flights", _node.Batch("c"), acks);
        Assert.Equal((ErrorCode.None, 2L, -1L, 0L), (second.ErrorCode, second.BaseOffset, second.LogAppendTimeMs, second.LogStartOffset));

        var fetched = _node.AskFetch("flights", 0);
        Assert.Equal((ErrorCode.None, 3L, 3L, 0L), (fetched.ErrorCode, fetched.HighWatermark, fetched.LastStableOffset, fetched.LogStartOffset));
        Assert.Equal([(0, "a"), (1, "b"), (2, "c")], DataPath.Records(fetched));
        Assert.Equal([(2, "c")], DataPath.Records(_node.AskFetch("flights", 2)));
        Assert.Empty(DataPath.Records(_node.AskFetch("flights", 3)));
    }

    // Packed by the producer, unpacked by the consumer: between them only offset and leader epoch are written into the batch.
    [Theory]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
#if ZSTD
    [InlineData(CompressionType.Zstd)]
#endif
    public void A_packed_batch_is_stored_and_fetched_as_it_came(CompressionType type)
    {
        _node.CreateTopic("flights");
        _node.AskProduce("flights", _node.Batch("first"));
        using var builder = new RecordBatchBuilder(1 << 20, type);
        var values = Enumerable.Range(0, 50).Select(i => $"flight {i} is delayed").ToList();
        foreach (var value in values) Assert.True(builder.TryAppend(_node.Time.NowMs, null, System.Text.Encoding.UTF8.GetBytes(value)));
        var packed = builder.Build().ToArray();
        Assert.Equal(1, _node.AskProduce("flights", packed).BaseOffset);
        var fetched = _node.AskFetch("flights", 1);
        var stored = fetched.Records!.Value.ToArray();
        Assert.Equal(packed[RecordBatchHeader.MagicAt..], stored[RecordBatchHeader.MagicAt..]);
        Assert.True(RecordBatchHeader.TryParse(stored, out var header));
        Assert.Equal(type, header.Compression);
        Assert.Equal(values.Select((value, i) => (1L + i, value)), DataPath.Records(fetched));
    }

    /// <summary>acks=0 has no answer; the next produce of the same client comes behind it all the same.</summary>
    [Fact]
    public void Acks_0_is_silent_and_keeps_its_place()
    {
        _node.CreateTopic("flights");
        _node.Send(DataPath.Produce("flights", 0, _node.Batch("quiet"), acks: 0));
        Assert.Equal(1, _node.AskProduce("flights", _node.Batch("loud")).BaseOffset);
        Assert.Equal([(0, "quiet"), (1, "loud")], _node.ReadAll("flights"));
    }

    [Fact]
    public void Many_produces_in_flight_keep_their_order_per_partition()
    {
        _node.CreateTopic("flights", partitions: 2);
        for (var i = 0; i < 200; i++) _node.Send(DataPath.Produce("flights", i % 2, _node.Batch($"{i}"), acks: 1));
        for (var i = 0; i < 200; i++) _node.Client.ExpectMsg<Messaging.ApiResponse>(TimeSpan.FromSeconds(20));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => ((long)i, $"{2 * i}")), _node.ReadAll("flights"));
    }

    // One request names a partition three times; the middle batch is damaged. Each gets its own answer, at its own place.
    [Fact]
    public void A_partition_may_occur_several_times_in_a_request()
    {
        _node.CreateTopic("flights", 1, ("message.timestamp.before.max.ms", "1000"));
        var old = DataPath.Batch(_node.Time.NowMs - 1001, "b");
        var request = new ProduceRequest
        {
            Acks = 1,
            TimeoutMs = 30_000,
            TopicData =
            [
                new()
                {
                    Name = "flights",
                    PartitionData = [new() { Records = _node.Batch("a") }, new() { Records = old }, new() { Records = _node.Batch("c", "d") }],
                },
            ],
        };
        var answers = _node.Ask<ProduceResponse>(request).Responses[0].PartitionResponses;
        Assert.Equal(
            [(ErrorCode.None, 0L), (ErrorCode.InvalidTimestamp, -1L), (ErrorCode.None, 1L)],
            answers.Select(answer => (answer.ErrorCode, answer.BaseOffset)));
        Assert.Equal([(0, "a"), (1, "c"), (2, "d")], _node.ReadAll("flights"));
    }

    /// <summary>The client keeps its batch (it may retry it), so a broker in the same process must not write into it.</summary>
    [Fact]
    public void A_local_clients_bytes_stay_as_they_are()
    {
        _node.CreateTopic("flights");
        _node.AskProduce("flights", _node.Batch("first"));
        var batch = _node.Batch("second");
        var before = batch.ToArray();
        Assert.Equal(1, _node.AskProduce("flights", batch).BaseOffset);
        Assert.Equal(before, batch.ToArray());
    }

    [Fact]
    public void With_log_append_time_the_brokers_clock_counts()
    {
        _node.CreateTopic("flights", 1, ("message.timestamp.type", "LogAppendTime"));
        var produced = _node.AskProduce("flights", DataPath.Batch(5, "old"));
        Assert.Equal(_node.Time.NowMs, produced.LogAppendTimeMs);
        Assert.Equal(_node.Time.NowMs, _node.AskOffset("flights", 6).Timestamp);
    }

    [Fact]
    public void Offsets_are_found_at_both_ends_and_by_time()
    {
        _node.CreateTopic("flights");
        Assert.Equal((ErrorCode.None, 0L), (_node.AskOffset("flights", -1).ErrorCode, _node.AskOffset("flights", -1).Offset));
        Assert.Equal(-1, _node.AskOffset("flights", 0).Offset);
        _node.AskProduce("flights", DataPath.Batch(1000, "a", "b"));
        _node.AskProduce("flights", DataPath.Batch(3000, "c"));
        _node.AskProduce("flights", DataPath.Batch(2000, "d"));

        Assert.Equal(0, _node.AskOffset("flights", -2).Offset);
        Assert.Equal(4, _node.AskOffset("flights", -1).Offset);
        Assert.Equal((2L, 3000L), (_node.AskOffset("flights", 1001).Offset, _node.AskOffset("flights", 1001).Timestamp));
        Assert.Equal((2L, 3000L), (_node.AskOffset("flights", -3).Offset, _node.AskOffset("flights", -3).Timestamp));
        Assert.Equal(-1, _node.AskOffset("flights", 3001).Offset);
        Assert.Equal(ErrorCode.InvalidRequest, _node.AskOffset("flights", -9).ErrorCode);
    }

    [Theory]
    [InlineData(-1, ErrorCode.None)]
    [InlineData(4, ErrorCode.FencedLeaderEpoch)]
    [InlineData(5, ErrorCode.None)]
    [InlineData(6, ErrorCode.UnknownLeaderEpoch)]
    public void A_leader_epoch_that_the_client_names_must_be_the_leaders(int epoch, ErrorCode expected)
    {
        var topic = _node.CreateTopic("flights");
        _node.Change(topic.With(topic.Partitions[0] with { LeaderEpoch = new LeaderEpoch(5), PartitionEpoch = 1 }));
        // A change of a partition that serves is told to its actor; this append comes behind it.
        Assert.Equal(ErrorCode.None, _node.AskProduce("flights", _node.Batch("a")).ErrorCode);

        Assert.Equal(expected, DataPath.Only(_node.Ask<FetchResponse>(DataPath.Fetch("flights", 0, epoch: epoch))).ErrorCode);
        Assert.Equal(expected, _node.AskOffset("flights", -1, epoch).ErrorCode);
    }

    [Fact]
    public void A_fetch_is_held_to_its_limits_but_makes_progress()
    {
        _node.CreateTopic("flights", partitions: 2);
        for (var i = 0; i < 3; i++) _node.AskProduce("flights", _node.Batch(new string('x', 500)));
        _node.AskProduce("flights", _node.Batch("other"), partition: 1);

        Assert.Single(DataPath.Records(DataPath.Only(_node.Ask<FetchResponse>(DataPath.Fetch("flights", 0, maxBytes: 1)))));
        Assert.Equal(2, DataPath.Records(DataPath.Only(_node.Ask<FetchResponse>(DataPath.Fetch("flights", 0, maxBytes: 1500)))).Count);

        var both = DataPath.Fetch("flights", 0, maxBytes: 600) with
        {
            Topics = [new() { Topic = "flights", Partitions = [Part(0), Part(1)] }],
        };
        var answer = Assert.Single(_node.Ask<FetchResponse>(both).Responses).Partitions;
        Assert.Single(DataPath.Records(answer[0]));
        Assert.Empty(DataPath.Records(answer[1]));
    }

    [Fact]
    public void Topics_can_be_fetched_by_id()
    {
        var topic = _node.CreateTopic("flights");
        _node.AskProduce("flights", _node.Batch("a"));
        var byId = DataPath.Fetch("", 0) with { Topics = [new() { TopicId = topic.Id.Value, Partitions = [Part(0)] }] };
        Assert.Equal([(0, "a")], DataPath.Records(DataPath.Only(_node.Ask<FetchResponse>(byId))));
        var unknown = byId with { Topics = [new() { TopicId = new Guid(9, 9, 9, new byte[8]), Partitions = [Part(0)] }] };
        Assert.Equal(ErrorCode.UnknownTopicId, DataPath.Only(_node.Ask<FetchResponse>(unknown)).ErrorCode);
    }

    [Fact]
    public void Nothing_above_the_high_watermark_is_read()
    {
        // The partition's second replica is on a broker that does not exist, so nothing commits.
        var topic = _node.CreateTopic("flights");
        var two = topic.Partitions[0] with { Replicas = [DataPath.Self, new BrokerId(2)], Isr = [DataPath.Self, new BrokerId(2)], PartitionEpoch = 1 };
        _node.Change(topic.With(two));
        Assert.Equal(ErrorCode.None, _node.AskProduce("flights", _node.Batch("uncommitted"), acks: 1).ErrorCode);

        var fetched = _node.AskFetch("flights", 0);
        Assert.Equal((ErrorCode.None, 0L), (fetched.ErrorCode, fetched.HighWatermark));
        Assert.Empty(DataPath.Records(fetched));
        Assert.Equal(-1, _node.AskOffset("flights", 0).Offset);

        _node.Change(topic.With(two with { Isr = [DataPath.Self], PartitionEpoch = 2 }));
        Assert.Equal(1, _node.AskProduce("flights", _node.Batch("second")).BaseOffset);
        Assert.Equal([(0, "uncommitted"), (1, "second")], _node.ReadAll("flights"));
    }

    private static FetchRequest.FetchPartition Part(int index) => new() { Partition = index, PartitionMaxBytes = 1 << 20 };

    /// <summary>Records of leader epochs 0 and 5, then a request for where each of them ends (KIP-320).</summary>
    [Theory]
    [InlineData(-1, 0, ErrorCode.None, 0, 2)]
    [InlineData(5, 3, ErrorCode.None, 0, 2)]
    [InlineData(5, 5, ErrorCode.None, 5, 3)]
    [InlineData(5, 6, ErrorCode.None, -1, -1)]
    [InlineData(4, 0, ErrorCode.FencedLeaderEpoch, -1, -1)]
    [InlineData(6, 0, ErrorCode.UnknownLeaderEpoch, -1, -1)]
    public void A_reader_learns_where_an_epoch_ends(int current, int asked, ErrorCode error, int epoch, long end)
    {
        var topic = _node.CreateTopic("flights");
        _node.AskProduce("flights", _node.Batch("a", "b"));
        _node.Change(topic.With(topic.Partitions[0] with { LeaderEpoch = new LeaderEpoch(5), PartitionEpoch = 1 }));
        _node.AskProduce("flights", _node.Batch("c"));
        var response = _node.Ask<OffsetForLeaderEpochResponse>(new OffsetForLeaderEpochRequest
        {
            Topics = [new() { Topic = "flights", Partitions = [new() { Partition = 0, CurrentLeaderEpoch = current, LeaderEpoch = asked }] }],
        });
        var answer = Assert.Single(Assert.Single(response.Topics).Partitions);
        Assert.Equal((error, epoch, end), (answer.ErrorCode, answer.LeaderEpoch, answer.EndOffset));
    }
}

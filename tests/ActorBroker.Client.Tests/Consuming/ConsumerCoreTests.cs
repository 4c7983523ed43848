using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Consuming;

/// <summary>Golden scripts: where a consumer reads, when it asks and what it hands over.</summary>
public class ConsumerCoreTests
{
    private static readonly ClusterImage OneLeader = Image(("t", [One, One]));
    private static readonly TopicPartition P0 = new("t", 0);
    private static readonly TopicPartition P1 = new("t", 1);

    private readonly List<ConsumerEffect> _effects = [];
    private TimeSpan _now = Ms(1000);
    private ConsumerCore _core = null!;

    [Fact]
    public void All_partitions_are_looked_up_and_fetched_from_where_told()
    {
        Start(Consumer().Subscribe("t").StartAt(StartPosition.Beginning));
        Assert.Equal([P0, P1], Single<PartitionsAssigned>().Partitions);
        var lookup = Request<ListOffsetsRequest>();
        Assert.Equal([-2L, -2L], lookup.Request.Topics[0].Partitions.Select(partition => partition.Timestamp));
        Answer(lookup.Id, Offsets((0, 7), (1, 8)));
        var fetch = Request<FetchRequest>();
        Assert.Equal([7L, 8L], fetch.Request.Topics[0].Partitions.Select(partition => partition.FetchOffset));
        Assert.Equal(0, fetch.Request.MaxWaitMs);
    }

    [Fact]
    public void An_offset_needs_no_lookup_and_a_time_that_nothing_reached_means_the_end()
    {
        Start(Consumer().Assign(P0, P1)
            .StartAt(P0, StartPosition.At(new Offset(40)))
            .StartAt(P1, StartPosition.At(DateTimeOffset.FromUnixTimeMilliseconds(1234))));
        var lookup = Request<ListOffsetsRequest>();
        Assert.Equal(1234, Assert.Single(lookup.Request.Topics[0].Partitions).Timestamp);
        Assert.Equal(40, Assert.Single(Request<FetchRequest>().Request.Topics[0].Partitions).FetchOffset);
        Answer(lookup.Id, Offsets((1, -1)));
        Assert.Equal(-1, Assert.Single(Request<ListOffsetsRequest>().Request.Topics[0].Partitions).Timestamp);
    }

    [Fact]
    public void One_batch_is_out_and_one_fetch_ahead()
    {
        StartAtZero();
        Answer(Request<FetchRequest>().Id, Fetched(0, 5, Batch(0, "a", "b")));
        var batch = Delivered();
        Assert.Equal(["a", "b"], batch.Records.Select(record => Text(record.Value)));
        Assert.Equal(5, batch.HighWatermark.Value);
        var ahead = Request<FetchRequest>();
        Assert.Equal(2, ahead.Request.Topics[0].Partitions[0].FetchOffset);
        Assert.Equal(500, ahead.Request.MaxWaitMs);
        Answer(ahead.Id, Fetched(0, 5, Batch(2, "c")));
        Assert.Empty(_effects);
        Process(batch);
        Assert.Equal("c", Text(Delivered().Records[0].Value));
        Assert.Equal(3, Request<FetchRequest>().Request.Topics[0].Partitions[0].FetchOffset);
    }

    [Fact]
    public void Large_answers_are_handed_over_in_portions()
    {
        StartAtZero("actorbroker.consumer.max.poll.records = 2");
        Answer(Request<FetchRequest>().Id, Fetched(0, 3, Batch(0, "a", "b", "c")));
        var first = Delivered();
        Assert.Equal(2, first.Records.Count);
        Assert.Empty(_effects);
        Process(first);
        Assert.Equal("c", Text(Delivered().Records[0].Value));
        Assert.Equal(3, Single<ReachedEnd>().Offset.Value);
    }

    [Fact]
    public void The_end_is_reported_once_and_again_after_new_records()
    {
        StartAtZero();
        Answer(Request<FetchRequest>().Id, Fetched(0, 0));
        Assert.Equal(0, Single<ReachedEnd>().Offset.Value);
        var poll = Request<FetchRequest>();
        Assert.Equal(500, poll.Request.MaxWaitMs);
        Answer(poll.Id, Fetched(0, 0));
        Answer(Request<FetchRequest>().Id, Fetched(0, 1, Batch(0, "a")));
        Delivered();
        Assert.Equal(1, Single<ReachedEnd>().Offset.Value);
    }

    [Theory]
    [InlineData("earliest", -2)]
    [InlineData("latest", -1)]
    public void Out_of_range_goes_by_auto_offset_reset(string reset, long timestamp)
    {
        StartAtZero($"actorbroker.consumer.auto.offset.reset = {reset}");
        Answer(Request<FetchRequest>().Id, Failed(0, ErrorCode.OffsetOutOfRange));
        Assert.Equal(timestamp, Request<ListOffsetsRequest>().Request.Topics[0].Partitions[0].Timestamp);
    }

    [Fact]
    public void Out_of_range_without_reset_stops_the_partition_until_a_seek()
    {
        StartAtZero("actorbroker.consumer.auto.offset.reset = none");
        Answer(Request<FetchRequest>().Id, Failed(0, ErrorCode.OffsetOutOfRange));
        Assert.Equal(ErrorCode.OffsetOutOfRange, Single<PartitionFailed>().Error);
        Assert.Empty(_effects);
        Assert.True(_core.OnSeek(P0, StartPosition.At(new Offset(3)), _now).IsAssigned);
        Assert.Equal(3, Request<FetchRequest>().Request.Topics[0].Partitions[0].FetchOffset);
    }

    [Fact]
    public void A_seek_voids_what_was_asked_and_what_is_out()
    {
        StartAtZero();
        var before = Request<FetchRequest>();
        var sought = _core.OnSeek(P0, StartPosition.At(new Offset(100)), _now);
        Assert.Equal(sought.Generation, Single<PartitionSought>().Generation);
        var after = Request<FetchRequest>();
        Answer(before.Id, Fetched(0, 5, Batch(0, "old")));
        Assert.Empty(_effects);
        Answer(after.Id, Fetched(0, 101, Batch(100, "new")));
        var batch = Delivered();
        Assert.Equal("new", Text(batch.Records[0].Value));
        Assert.Equal(sought.Generation, batch.Generation);
        Assert.False(_core.OnSeek(new TopicPartition("other", 0), StartPosition.End, _now).IsAssigned);
    }

    [Fact]
    public void A_paused_partition_is_neither_fetched_nor_handed_over()
    {
        StartAtZero();
        var fetch = Request<FetchRequest>();
        _core.OnPause([P0], paused: true, _now);
        Answer(fetch.Id, Fetched(0, 5, Batch(0, "a")));
        Assert.Empty(_effects);
        _core.OnPause([P0], paused: false, _now);
        Assert.Equal("a", Text(Delivered().Records[0].Value));
    }

    [Fact]
    public void A_lost_request_is_asked_again_after_a_pause_and_at_the_new_leader()
    {
        StartAtZero();
        var fetch = Request<FetchRequest>();
        _core.OnRequestFailed(fetch.Id, ErrorCode.None, "lost", _now);
        Assert.Equal(ConsumerEffect.RefreshMetadata.Instance, Assert.Single(Take()));
        Assert.Empty(_effects);
        _now = _core.NextWakeup(_now);
        _core.Advance(_now);
        var again = Assert.IsType<ConsumerEffect.Send>(Assert.Single(Take()));
        Assert.Equal(One, again.Broker);
        _core.OnRequestFailed(again.RequestId, ErrorCode.None, "lost", _now);
        Take();
        _core.OnMetadata(Image(4, ("t", [Two, Two])), _now);
        Assert.Equal(Two, Assert.IsType<ConsumerEffect.Send>(Assert.Single(Take())).Broker);
    }

    [Fact]
    public void A_new_leader_is_asked_whether_it_has_what_was_read()
    {
        ReadTwoOfEpoch(3);
        _core.OnMetadata(Image(4, ("t", [Two, Two])), _now);
        Answer(_last.Id, Failed(0, ErrorCode.NotLeaderOrFollower));
        var asked = Request<OffsetForLeaderEpochRequest>();
        var partition = Assert.Single(asked.Request.Topics[0].Partitions);
        Assert.Equal((4, 3), (partition.CurrentLeaderEpoch, partition.LeaderEpoch));
        Answer(asked.Id, EpochEnd(epoch: 3, end: 7));
        var fetch = Request<FetchRequest>().Request.Topics[0].Partitions[0];
        Assert.Equal((2, 4), (fetch.FetchOffset, fetch.CurrentLeaderEpoch));
        Assert.DoesNotContain(_effects, effect => effect is ConsumerEffect.Send);
    }

    // An unclean election: what was read is lost, and other records may stand there now.
    [Theory]
    [InlineData("latest")]
    [InlineData("earliest")]
    [InlineData("none")]
    public void What_a_new_leader_does_not_have_is_read_anew_from_where_the_logs_part(string reset)
    {
        ReadTwoOfEpoch(3, $"actorbroker.consumer.auto.offset.reset = {reset}");
        _core.OnMetadata(Image(4, ("t", [Two, Two])), _now);
        Answer(_last.Id, Failed(0, ErrorCode.NotLeaderOrFollower));
        Answer(Request<OffsetForLeaderEpochRequest>().Id, EpochEnd(epoch: 2, end: 1));
        if (reset == "none")
            Assert.Contains("cut at offset 1", Single<PartitionFailed>().Message, StringComparison.Ordinal);
        else
            Assert.Equal(1, Request<FetchRequest>().Request.Topics[0].Partitions[0].FetchOffset);
    }

    [Fact]
    public void An_epoch_check_that_fails_is_repeated_and_one_that_a_broker_does_not_know_is_left_out()
    {
        ReadTwoOfEpoch(3);
        _core.OnMetadata(Image(4, ("t", [Two, Two])), _now);
        Answer(_last.Id, Failed(0, ErrorCode.NotLeaderOrFollower));
        Answer(Request<OffsetForLeaderEpochRequest>().Id, EpochEnd(0, 0, ErrorCode.OffsetNotAvailable));
        Take();
        _now = _core.NextWakeup(_now);
        _core.Advance(_now);
        _core.OnRequestFailed(Request<OffsetForLeaderEpochRequest>().Id, ErrorCode.UnsupportedVersion, "unknown", _now);
        Assert.Equal(2, Request<FetchRequest>().Request.Topics[0].Partitions[0].FetchOffset);
    }

    private (long Id, FetchRequest Request) _last;

    /// <summary>Two records of that epoch are read and processed; <see cref="_last"/> is the fetch behind them.</summary>
    private void ReadTwoOfEpoch(int epoch, string hocon = "")
    {
        StartAtZero(hocon);
        var batch = Batch(0, "a", "b");
        RecordBatchHeader.PatchLeaderEpoch(batch, new LeaderEpoch(epoch));
        Answer(Request<FetchRequest>().Id, Fetched(0, 2, batch));
        Process(Delivered());
        Single<ReachedEnd>();
        _last = Request<FetchRequest>();
        Assert.Empty(_effects);
    }

    private static OffsetForLeaderEpochResponse EpochEnd(int epoch, long end, ErrorCode error = ErrorCode.None) => new()
    {
        Topics = [new() { Topic = "t", Partitions = [new() { Partition = 0, LeaderEpoch = epoch, EndOffset = end, ErrorCode = error }] }],
    };

    [Fact]
    public void Damage_is_fetched_again_and_then_stops_the_partition()
    {
        StartAtZero();
        var damaged = Batch(0, "a");
        damaged[^1] ^= 1;
        for (var i = 0; i < 3; i++)
        {
            Answer(Request<FetchRequest>().Id, Fetched(0, 5, damaged));
            if (i == 2)
                break;
            Take();
            _now = _core.NextWakeup(_now);
            _core.Advance(_now);
        }

        Assert.Equal(ErrorCode.CorruptMessage, Single<PartitionFailed>().Error);
    }

    [Fact]
    public void A_batch_that_fits_into_no_answer_stops_only_its_own_partition()
    {
        Start(Consumer().Assign(P0, P1).StartAt(StartPosition.At(Offset.Zero)));
        var both = Request<FetchRequest>();
        _core.OnRequestFailed(both.Id, ErrorCode.MessageTooLarge, "needs 5", _now);
        var alone = Take().OfType<ConsumerEffect.Send>().ToList();
        Assert.Equal(2, alone.Count);
        _core.OnRequestFailed(alone[1].RequestId, ErrorCode.MessageTooLarge, "needs 5", _now);
        var failed = Single<PartitionFailed>();
        Assert.Equal((P1, "needs 5"), (failed.Partition, failed.Message));
        Answer(alone[0].RequestId, Fetched(0, 1, Batch(0, "a")));
        Assert.Equal("a", Text(Delivered().Records[0].Value));
    }

    [Fact]
    public void A_partition_with_data_does_not_wait_for_the_long_poll_of_another()
    {
        Start(Consumer().Assign(P0, P1).StartAt(StartPosition.At(Offset.Zero)));
        Answer(Request<FetchRequest>().Id, Both(Fetched(0, 1, Batch(0, "a")), Fetched(1, 0)));
        var batch = Delivered();
        Take();
        Process(batch);
        _effects.Clear();
        Assert.Equal(2, _core.Positions.Partitions.Count);
        Assert.Equal(0, _core.Positions.Partitions[0].Lag);
    }

    [Fact]
    public void A_topic_that_is_missing_is_reported_and_read_once_it_is_there()
    {
        _core = new ConsumerCore(Consumer().Subscribe("t"), FrameBudget.Unlimited, new Random(1), _effects);
        _core.Start();
        Take();
        _core.OnMetadata(Missing("t"), _now);
        _now = _core.NextWakeup(_now);
        _core.Advance(_now);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Single<TopicFailed>().Error);
        _core.OnMetadata(OneLeader, _now);
        Assert.Equal(2, Single<PartitionsAssigned>().Partitions.Count);
    }

    [Fact]
    public void Partitions_added_later_are_read_from_their_beginning()
    {
        Start(Consumer().Subscribe("t").StartAt(StartPosition.End));
        Take();
        _core.OnMetadata(Image(("t", [One, One, One])), _now);
        Assert.Equal(3, Single<PartitionsAssigned>().Partitions.Count);
        var added = Assert.Single(Request<ListOffsetsRequest>().Request.Topics[0].Partitions);
        Assert.Equal((2, -2L), (added.PartitionIndex, added.Timestamp));
    }

    [Fact]
    public void A_partition_that_its_topic_lacks_is_reported_after_the_assignment()
    {
        Start(Consumer().Assign(new TopicPartition("t", 9)).StartAt(StartPosition.Beginning));
        Assert.Collection(
            Take().Cast<ConsumerEffect.Notify>(),
            notify => Assert.IsType<PartitionsAssigned>(notify.Message),
            notify => Assert.Contains("partitions 0 to 1, not 9", Assert.IsType<PartitionFailed>(notify.Message).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Fetches_are_capped_to_the_frame()
    {
        _core = new ConsumerCore(Consumer().Assign(P0).StartAt(StartPosition.At(Offset.Zero)), new FrameBudget(128_000), new Random(1), _effects);
        _core.Start();
        _core.OnMetadata(OneLeader, _now);
        var request = Request<FetchRequest>().Request;
        Assert.InRange(request.MaxBytes, 100_000, 128_000 - FrameBudget.Envelope);
        Assert.Equal(request.MaxBytes, request.Topics[0].Partitions[0].PartitionMaxBytes);
    }

    private void StartAtZero(string hocon = "") => Start(Consumer(hocon).Assign(P0).StartAt(StartPosition.At(Offset.Zero)), skipAssigned: true);

    private void Start(ConsumerSettings settings, bool skipAssigned = false)
    {
        _core = new ConsumerCore(settings, FrameBudget.Unlimited, new Random(1), _effects);
        _core.Start();
        Assert.IsType<ConsumerEffect.WantTopics>(Assert.Single(Take()));
        _core.OnMetadata(OneLeader, _now);
        if (skipAssigned)
            Single<PartitionsAssigned>();
    }

    private void Process(ConsumerBatch batch) => _core.OnProcessed(batch, _now);

    private void Answer(long id, IResponse response) => _core.OnResponse(id, response, _now);

    private List<ConsumerEffect> Take()
    {
        var taken = _effects.ToList();
        _effects.Clear();
        return taken;
    }

    /// <summary>Takes out the one notice of that type.</summary>
    private T Single<T>()
    {
        var notice = Assert.Single(_effects.OfType<ConsumerEffect.Notify>(), notify => notify.Message is T);
        _effects.Remove(notice);
        return (T)notice.Message;
    }

    private (long Id, T Request) Request<T>()
    {
        var send = Assert.Single(_effects.OfType<ConsumerEffect.Send>(), effect => effect.Request is T);
        _effects.Remove(send);
        return (send.RequestId, (T)send.Request);
    }

    private ConsumerBatch Delivered()
    {
        var deliver = Assert.Single(_effects.OfType<ConsumerEffect.Deliver>());
        _effects.Remove(deliver);
        return deliver.Batch;
    }

    private static ListOffsetsResponse Offsets(params (int Partition, long Offset)[] answers) => new()
    {
        Topics = [new ListOffsetsResponse.ListOffsetsTopicResponse
        {
            Name = "t",
            Partitions = [.. answers.Select(answer => new ListOffsetsResponse.ListOffsetsPartitionResponse { PartitionIndex = answer.Partition, Offset = answer.Offset })],
        }],
    };

    private static FetchResponse Fetched(int partition, long highWatermark, byte[]? bytes = null) => Response(new FetchResponse.PartitionData
    {
        PartitionIndex = partition,
        HighWatermark = highWatermark,
        Records = bytes ?? [],
    });

    private static FetchResponse Failed(int partition, ErrorCode error) =>
        Response(new FetchResponse.PartitionData { PartitionIndex = partition, ErrorCode = error });

    private static FetchResponse Both(FetchResponse a, FetchResponse b) =>
        Response([.. a.Responses[0].Partitions, .. b.Responses[0].Partitions]);

    /// <summary>As in late versions: the topic by id only.</summary>
    private static FetchResponse Response(params FetchResponse.PartitionData[] partitions) => new()
    {
        Responses = [new FetchResponse.FetchableTopicResponse { TopicId = OneLeader.Topics["t"].Id.Value, Partitions = partitions }],
    };
}

using System.Buffers.Binary;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Api;

/// <summary>Requests that can't be served get an error that says why, and change nothing.</summary>
public sealed class BadInputTests : TestKit
{
    private readonly DataPath _node;

    public BadInputTests() : base(DataPath.Config)
    {
        _node = new DataPath(this);
        _node.CreateTopic("flights", 1, ("max.message.bytes", "1000"), ("message.timestamp.before.max.ms", "60000"), ("message.timestamp.after.max.ms", "60000"));
    }

    public static TheoryData<string, ErrorCode> Batches => new()
    {
        { "crc", ErrorCode.CorruptMessage },
        { "short", ErrorCode.CorruptMessage },
        { "empty", ErrorCode.CorruptMessage },
        { "none", ErrorCode.CorruptMessage },
        { "two", ErrorCode.CorruptMessage },
        { "magic", ErrorCode.UnsupportedForMessageFormat },
        { "large", ErrorCode.MessageTooLarge },
        { "old", ErrorCode.InvalidTimestamp },
        { "future", ErrorCode.InvalidTimestamp },
        { "transactional", ErrorCode.InvalidTxnState },
        { "no sequence", ErrorCode.InvalidRecord },
        { "control", ErrorCode.InvalidRecord },
        { "count", ErrorCode.InvalidRecord },
    };

    [Theory]
    [MemberData(nameof(Batches))]
    public void A_bad_batch_is_refused_with_a_reason_and_the_partition_goes_on(string kind, ErrorCode expected)
    {
        var outcome = _node.AskProduce("flights", Make(kind));
        Assert.Equal((expected, -1L), (outcome.ErrorCode, outcome.BaseOffset));
        Assert.Contains("flights-0", outcome.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(0, _node.AskProduce("flights", _node.Batch("good")).BaseOffset);
        Assert.Equal([(0, "good")], _node.ReadAll("flights"));
    }

    [Fact]
    public void The_settings_limit_is_named_in_the_error()
    {
        Assert.Contains("max.message.bytes=1000", _node.AskProduce("flights", Make("large")).ErrorMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere", 0, ErrorCode.UnknownTopicOrPartition)]
    [InlineData("flights", 1, ErrorCode.UnknownTopicOrPartition)]
    [InlineData("flights", -1, ErrorCode.UnknownTopicOrPartition)]
    public void Unknown_partitions_are_said_to_be_unknown(string topic, int partition, ErrorCode expected)
    {
        Assert.Equal(expected, _node.AskProduce(topic, _node.Batch("a"), partition: partition).ErrorCode);
        Assert.Equal(expected, DataPath.Only(_node.Ask<FetchResponse>(DataPath.Fetch(topic, 0, partition: partition))).ErrorCode);
    }

    [Fact]
    public void Each_partition_of_a_produce_has_its_own_outcome()
    {
        var request = DataPath.Produce("flights", 0, _node.Batch("good")) with
        {
            TopicData =
            [
                new() { Name = "nowhere", PartitionData = [new() { Index = 3, Records = _node.Batch("a") }] },
                new() { Name = "flights", PartitionData = [new() { Index = 9, Records = _node.Batch("a") }, new() { Index = 0, Records = _node.Batch("good") }] },
            ],
        };
        var outcome = _node.Ask<ProduceResponse>(request).Responses.SelectMany(topic => topic.PartitionResponses.Select(p => (topic.Name, p.Index, p.ErrorCode)));
        Assert.Equal(
            [("nowhere", 3, ErrorCode.UnknownTopicOrPartition), ("flights", 9, ErrorCode.UnknownTopicOrPartition), ("flights", 0, ErrorCode.None)],
            outcome);
    }

    [Theory]
    [InlineData((short)2, null, ErrorCode.InvalidRequiredAcks)]
    [InlineData((short)-1, "tx", ErrorCode.TransactionalIdAuthorizationFailed)]
    public void A_produce_that_asks_for_what_there_is_not_is_refused(short acks, string? transactionalId, ErrorCode expected)
    {
        var request = DataPath.Produce("flights", 0, _node.Batch("a"), acks) with { TransactionalId = transactionalId };
        Assert.Equal(expected, DataPath.Only(_node.Ask<ProduceResponse>(request)).ErrorCode);
    }

    [Fact]
    public void Internal_topics_are_not_for_clients_to_write()
    {
        _node.CreateTopic("__consumer_offsets");
        Assert.Equal(ErrorCode.InvalidTopicException, _node.AskProduce("__consumer_offsets", _node.Batch("a")).ErrorCode);
        Assert.Equal(ErrorCode.None, _node.AskFetch("__consumer_offsets", 0).ErrorCode);
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(1)]
    public void Offsets_outside_the_log_are_out_of_range(long offset) =>
        Assert.Equal(ErrorCode.OffsetOutOfRange, _node.AskFetch("flights", offset).ErrorCode);

    [Fact]
    public void A_batch_that_no_response_to_this_client_can_carry_names_the_setting_and_the_value_it_needs()
    {
        _node.AskProduce("flights", _node.Batch(new string('x', 800)));
        _node.Send(DataPath.Fetch("flights", 0), maxResponseBytes: 700);
        var rejected = _node.Client.ExpectMsg<ApiRejected>();
        Assert.Equal(ErrorCode.MessageTooLarge, rejected.ErrorCode);
        Assert.Contains("akka.remote.dot-netty.tcp.maximum-frame-size", rejected.Message, StringComparison.Ordinal);

        var frame = int.Parse(System.Text.RegularExpressions.Regex.Match(rejected.Message, "at least ([0-9]+)b").Groups[1].Value);
        var needed = frame - ApiRequest.FrameReserve;
        var response = _node.Ask<FetchResponse>(DataPath.Fetch("flights", 0), maxResponseBytes: needed);
        Assert.Single(DataPath.Records(DataPath.Only(response)));
        var answer = new ApiResponse(1, response);
        Assert.True(new ApiMessageSerializer((Akka.Actor.ExtendedActorSystem)Sys).ToBinary(answer).Length <= needed);
    }

    [Fact]
    public void A_response_never_grows_beyond_what_the_client_takes()
    {
        for (var i = 0; i < 10; i++) _node.AskProduce("flights", _node.Batch(new string('x', 500)));
        var response = _node.Ask<FetchResponse>(DataPath.Fetch("flights", 0), maxResponseBytes: 3000);
        Assert.InRange(DataPath.Records(DataPath.Only(response)).Count, 3, 5);
        Assert.True(new ApiMessageSerializer((Akka.Actor.ExtendedActorSystem)Sys).ToBinary(new ApiResponse(1, response)).Length <= 3000);
    }

    [Fact]
    public void Replicas_do_not_fetch_here_and_sessions_are_not_kept()
    {
        _node.Send(DataPath.Fetch("flights", 0) with { ReplicaId = 2 });
        Assert.Equal(ErrorCode.InvalidRequest, _node.Client.ExpectMsg<ApiRejected>().ErrorCode);
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, _node.Ask<FetchResponse>(DataPath.Fetch("flights", 0) with { SessionId = 5 }).ErrorCode);
        Assert.Equal(0, _node.Ask<FetchResponse>(DataPath.Fetch("flights", 0) with { SessionEpoch = 0 }).SessionId);
    }

    [Fact]
    public void A_request_that_could_not_be_read_or_is_not_served_is_answered()
    {
        _node.Endpoint.Tell(new ApiUnreadable(7, ErrorCode.UnsupportedVersion, "too new"), _node.Client);
        Assert.Equal(new ApiRejected(7, ErrorCode.UnsupportedVersion, "too new"), _node.Client.ExpectMsg<ApiRejected>());
        var id = _node.Send(new MetadataRequest());
        Assert.Equal((id, ErrorCode.UnsupportedVersion), (_node.Client.ExpectMsg<ApiRejected>() is var r ? (r.CorrelationId, r.ErrorCode) : default));
    }

    private ReadOnlyMemory<byte>? Make(string kind)
    {
        var batch = _node.Batch("value");
        switch (kind)
        {
            case "crc":
                batch.Span[^1] ^= 1;
                return batch;
            case "short":
                return batch[..^1];
            case "empty":
                return ReadOnlyMemory<byte>.Empty;
            case "none":
                return null;
            case "two":
                return batch.ToArray().Concat(batch.ToArray()).ToArray();
            case "magic":
                batch.Span[RecordBatchHeader.MagicAt] = 1;
                return batch;
            case "large":
                return _node.Batch(new string('x', 1000));
            case "old":
                return DataPath.Batch(_node.Time.NowMs - 60_001, "a");
            case "future":
                return DataPath.Batch(_node.Time.NowMs + 60_001, "a");
            case "transactional":
                BinaryPrimitives.WriteInt16BigEndian(batch.Span[RecordBatchHeader.AttributesAt..], 1 << 4);
                break;
            case "no sequence":
                BinaryPrimitives.WriteInt64BigEndian(batch.Span[RecordBatchHeader.ProducerIdAt..], 5);
                break;
            case "control":
                BinaryPrimitives.WriteInt16BigEndian(batch.Span[RecordBatchHeader.AttributesAt..], 1 << 5);
                break;
            case "count":
                BinaryPrimitives.WriteInt32BigEndian(batch.Span[RecordBatchHeader.RecordCountAt..], 2);
                break;
        }

        RecordBatchHeader.PatchCrc(batch.Span);
        return batch;
    }
}

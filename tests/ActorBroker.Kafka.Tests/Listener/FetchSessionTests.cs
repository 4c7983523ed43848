using ActorBroker.Protocol;
using static ActorBroker.Protocol.FetchRequest;

namespace ActorBroker.Kafka.Tests.Listener;

/// <summary>Fetch sessions (KIP-227): what is remembered of a client's partitions, and what it is told of them.</summary>
public class FetchSessionTests
{
    private readonly FetchSession _session;
    private int _ids;

    public FetchSessionTests() => _session = new FetchSession(() => ++_ids);

    [Fact]
    public void A_fetch_without_a_session_goes_through_as_it_is()
    {
        var fetch = _session.Begin(Request(0, -1, ("t", 0, 5)), byId: false, out _)!;
        Assert.Equal(["t-0@5"], Partitions(fetch));
        var answer = _session.End(Response(fetch));
        Assert.Equal((0, 1), (answer.SessionId, answer.Responses[0].Partitions.Count));
    }

    [Fact]
    public void A_session_remembers_what_is_not_named_again_and_tells_what_is_new()
    {
        Open(("t", 0, 5), ("t", 1, 6), ("u", 0, 7));
        var fetch = _session.Begin(Request(1, 1, ("t", 1, 9)), byId: false, out _)!;
        Assert.Equal(["t-0@5", "t-1@9", "u-0@7"], Partitions(fetch));
        Assert.Equal((0, -1), (fetch.SessionId, fetch.SessionEpoch));
        var answer = _session.End(Response(fetch, records: "u-0"));
        Assert.Equal((1, "u-0"), (answer.SessionId, Assert.Single(Told(answer))));

        // Nothing new, then a high watermark, then an error, and that it is over.
        Assert.Empty(Told(Next(2)));
        Assert.Equal(["t-1"], Told(Next(3, highWatermark: ("t-1", 50))));
        Assert.Equal(["t-0", "t-1"], Told(Next(4, error: "t-0")).Order());
        Assert.Equal(["t-0"], Told(Next(5)));
    }

    [Fact]
    public void What_is_forgotten_is_not_fetched()
    {
        Open(("t", 0, 5), ("t", 1, 6));
        var fetch = _session.Begin(
            Request(1, 1) with { ForgottenTopicsData = [new ForgottenTopic { Topic = "t", Partitions = [0] }] }, byId: false, out _)!;
        Assert.Equal(["t-1@6"], Partitions(fetch));
    }

    /// <summary>Where an answer has no room for all, those behind come first the next time.</summary>
    [Fact]
    public void A_partition_that_gave_records_is_last_in_the_next_fetch()
    {
        Open(("t", 0, 0), ("t", 1, 0), ("u", 0, 0));
        _session.End(Response(_session.Begin(Request(1, 1), byId: false, out _)!, records: "t-0"));
        Assert.Equal(["t-1@0", "u-0@0", "t-0@0"], Partitions(_session.Begin(Request(1, 2), byId: false, out _)!));
    }

    [Theory]
    [InlineData(9, 1, false, ErrorCode.FetchSessionIdNotFound)]
    [InlineData(1, 2, false, ErrorCode.InvalidFetchSessionEpoch)]
    [InlineData(1, 1, true, ErrorCode.FetchSessionTopicIdError)]
    public void What_does_not_fit_the_session_is_refused(int id, int epoch, bool byId, ErrorCode expected)
    {
        Open(("t", 0, 5));
        Assert.Null(_session.Begin(Request(id, epoch), byId, out var refusal));
        Assert.Equal(expected, refusal);
    }

    [Fact]
    public void A_session_ends_when_its_client_says_so_or_begins_another()
    {
        Open(("t", 0, 5));
        Assert.Equal(2, Open(("t", 0, 5)));
        _session.End(Response(_session.Begin(Request(2, -1), byId: false, out _)!));
        Assert.Null(_session.Begin(Request(2, 1), byId: false, out var refusal));
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, refusal);
    }

    [Fact]
    public void Who_names_a_partition_twice_or_too_many_gets_no_session()
    {
        Assert.Equal(0, Open(("t", 0, 5), ("t", 0, 6)));
        Assert.Equal(0, Open([.. Enumerable.Range(0, FetchSession.MostPartitions + 1).Select(p => ("t", p, 0L))]));
    }

    private int Open(params (string Topic, int Partition, long Offset)[] partitions) =>
        _session.End(Response(_session.Begin(Request(0, 0, partitions), byId: false, out _)!)).SessionId;

    private FetchResponse Next(int epoch, (string Partition, long Value)? highWatermark = null, string? error = null)
    {
        var fetch = _session.Begin(Request(1, epoch), byId: false, out var refusal);
        Assert.Equal(ErrorCode.None, refusal);
        return _session.End(Response(fetch!, null, highWatermark, error));
    }

    private static FetchRequest Request(int id, int epoch, params (string Topic, int Partition, long Offset)[] partitions) => new()
    {
        SessionId = id,
        SessionEpoch = epoch,
        Topics =
        [
            .. partitions.GroupBy(p => p.Topic).Select(topic => new FetchTopic
            {
                Topic = topic.Key,
                Partitions = [.. topic.Select(p => new FetchPartition { Partition = p.Partition, FetchOffset = p.Offset })],
            }),
        ],
    };

    private static FetchResponse Response(FetchRequest request, string? records = null, (string Partition, long Value)? highWatermark = null, string? error = null) => new()
    {
        Responses =
        [
            .. request.Topics.Select(topic => new FetchResponse.FetchableTopicResponse
            {
                Topic = topic.Topic,
                Partitions =
                [
                    .. topic.Partitions.Select(partition => $"{topic.Topic}-{partition.Partition}" is var name && name == error
                        ? new FetchResponse.PartitionData { PartitionIndex = partition.Partition, ErrorCode = ErrorCode.NotLeaderOrFollower, HighWatermark = -1 }
                        : new FetchResponse.PartitionData
                        {
                            PartitionIndex = partition.Partition,
                            HighWatermark = name == highWatermark?.Partition ? highWatermark.Value.Value : 20,
                            LogStartOffset = 0,
                            Records = name == records ? new byte[10] : Array.Empty<byte>(),
                        }),
                ],
            }),
        ],
    };

    private static IEnumerable<string> Partitions(FetchRequest request) =>
        request.Topics.SelectMany(topic => topic.Partitions.Select(p => $"{topic.Topic}-{p.Partition}@{p.FetchOffset}"));

    private static IEnumerable<string> Told(FetchResponse response) =>
        response.Responses.SelectMany(topic => topic.Partitions.Select(p => $"{topic.Topic}-{p.PartitionIndex}"));
}

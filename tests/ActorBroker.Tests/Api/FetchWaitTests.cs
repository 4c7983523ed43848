using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Configuration;
using Akka.TestKit;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Api;

/// <summary>Fetches that wait, and produces whose replicas never answer, in virtual time.</summary>
public sealed class FetchWaitTests : TestKit
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(100);

    private readonly DataPath _node;

    public FetchWaitTests()
        : base(ConfigurationFactory.ParseString("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"").WithFallback(DataPath.Config))
        => _node = new DataPath(this);

    private TestScheduler Scheduler => (TestScheduler)Sys.Scheduler;

    [Fact]
    public void A_waiting_fetch_is_answered_by_the_next_produce()
    {
        _node.CreateTopic("flights");
        var reader = CreateTestProbe();
        _node.Send(DataPath.Fetch("flights", 0, maxWaitMs: 60_000), reader);
        _node.AskOffset("flights", -1); // the fetch of another client waits by now, or will see what comes
        _node.AskProduce("flights", _node.Batch("a"));
        Assert.Equal([(0, "a")], DataPath.Records(Answer(reader)));
    }

    [Fact]
    public void A_fetch_that_finds_nothing_is_answered_when_its_time_is_over_and_not_before()
    {
        _node.CreateTopic("flights");
        var reader = CreateTestProbe();
        _node.Send(DataPath.Fetch("flights", 0, maxWaitMs: 500), reader);
        reader.ExpectNoMsg(Silence);
        Scheduler.Advance(TimeSpan.FromMilliseconds(499));
        reader.ExpectNoMsg(Silence);
        Scheduler.Advance(TimeSpan.FromMilliseconds(1));
        var answer = Answer(reader);
        Assert.Equal((ErrorCode.None, 0L), (answer.ErrorCode, answer.HighWatermark));
        Assert.Empty(DataPath.Records(answer));
    }

    [Fact]
    public void Min_bytes_are_waited_for_over_all_partitions()
    {
        _node.CreateTopic("flights", partitions: 2);
        var batch = _node.Batch(new string('x', 100));
        var reader = CreateTestProbe();
        _node.Send(TwoPartitions(minBytes: (2 * batch.Length) + 1), reader);
        _node.AskProduce("flights", batch, partition: 0);
        _node.AskProduce("flights", batch, partition: 1);
        reader.ExpectNoMsg(Silence);
        _node.AskProduce("flights", batch, partition: 0);
        var answer = Assert.Single(Assert.IsType<FetchResponse>(reader.ExpectMsg<ApiResponse>().Body).Responses).Partitions;
        Assert.Equal([2, 1], answer.Select(partition => DataPath.Records(partition).Count));
    }

    [Fact]
    public void What_was_found_before_min_bytes_is_answered_when_time_is_over()
    {
        _node.CreateTopic("flights", partitions: 2);
        _node.AskProduce("flights", _node.Batch("a"), partition: 1);
        var reader = CreateTestProbe();
        _node.Send(TwoPartitions(minBytes: 100_000), reader);
        reader.ExpectNoMsg(Silence);
        Scheduler.Advance(TimeSpan.FromMilliseconds(500));
        var answer = Assert.Single(Assert.IsType<FetchResponse>(reader.ExpectMsg<ApiResponse>().Body).Responses).Partitions;
        Assert.Equal([0, 1], answer.Select(partition => DataPath.Records(partition).Count));
    }

    [Fact]
    public void A_partition_with_an_error_does_not_let_a_fetch_wait()
    {
        _node.CreateTopic("flights");
        var reader = CreateTestProbe();
        _node.Send(DataPath.Fetch("flights", 7, maxWaitMs: 60_000), reader);
        Assert.Equal(ErrorCode.OffsetOutOfRange, Answer(reader).ErrorCode);
    }

    [Fact]
    public void Deleting_the_topic_answers_the_fetches_that_wait_on_it()
    {
        var topic = _node.CreateTopic("flights");
        var reader = CreateTestProbe();
        _node.Send(DataPath.Fetch("flights", 0, maxWaitMs: 60_000), reader);
        reader.ExpectNoMsg(Silence);
        _node.DeleteTopic(topic);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Answer(reader).ErrorCode);
    }

    [Fact]
    public void A_produce_whose_replicas_do_not_follow_is_answered_when_its_time_is_over()
    {
        var topic = _node.CreateTopic("flights");
        var two = topic.Partitions[0] with { Replicas = [DataPath.Self, new(2)], Isr = [DataPath.Self, new(2)], PartitionEpoch = 1 };
        _node.Change(topic.With(two));
        var producer = CreateTestProbe();
        _node.Send(DataPath.Produce("flights", 0, _node.Batch("a"), acks: -1, timeoutMs: 1000), producer);
        producer.ExpectNoMsg(Silence);
        Scheduler.Advance(TimeSpan.FromMilliseconds(1000));
        var answer = DataPath.Only(Assert.IsType<ProduceResponse>(producer.ExpectMsg<ApiResponse>().Body));
        Assert.Equal(ErrorCode.RequestTimedOut, answer.ErrorCode);
    }

    private static FetchRequest TwoPartitions(int minBytes) => DataPath.Fetch("flights", 0, maxWaitMs: 500, minBytes: minBytes) with
    {
        Topics = [new() { Topic = "flights", Partitions = [new() { Partition = 0, PartitionMaxBytes = 1 << 20 }, new() { Partition = 1, PartitionMaxBytes = 1 << 20 }] }],
    };

    private static FetchResponse.PartitionData Answer(TestProbe reader) =>
        DataPath.Only(Assert.IsType<FetchResponse>(reader.ExpectMsg<ApiResponse>(TimeSpan.FromSeconds(20)).Body));
}

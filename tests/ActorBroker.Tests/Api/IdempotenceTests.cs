using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Api;

/// <summary>Idempotent producers at one node, from the request to the disk and back: a batch that comes twice is stored once, whatever happened between.</summary>
public sealed class IdempotenceTests : TestKit
{
    private const int Producer = 7;
    private readonly DataPath _node;

    public IdempotenceTests() : base(DataPath.Config) => _node = new DataPath(this);

    public enum Between
    {
        Nothing,
        Roll,
        CleanRestart,
        Kill,
        KillAfterRoll,
        DeletionOfAllSegments,
        DeletionAndKill,
    }

    /// <summary>Six batches of two records; then all but the first, which is forgotten, come again, the oldest first.</summary>
    [Theory]
    [InlineData(Between.Nothing)]
    [InlineData(Between.Roll)]
    [InlineData(Between.CleanRestart)]
    [InlineData(Between.Kill)]
    [InlineData(Between.KillAfterRoll)]
    [InlineData(Between.DeletionOfAllSegments)]
    [InlineData(Between.DeletionAndKill)]
    public void The_last_five_batches_are_known_again(Between between)
    {
        _node.CreateTopic("flights", 1, ("segment.ms", "1000000"), ("retention.ms", "2000000"), ("message.timestamp.type", "LogAppendTime"));
        var answers = new List<ProduceResponse.PartitionProduceResponse>();
        for (var i = 0; i < 6; i++)
        {
            _node.Time.Advance(TimeSpan.FromSeconds(1));
            answers.Add(_node.AskProduce("flights", Batch(2 * i)));
        }

        Happen(between);
        var end = between is Between.Roll or Between.KillAfterRoll ? 13 : 12;
        var isDeleted = between is Between.DeletionOfAllSegments or Between.DeletionAndKill;
        for (var i = 1; i < 6; i++)
        {
            var again = _node.AskProduce("flights", Batch(2 * i));
            Assert.Equal(answers[i] with { LogStartOffset = isDeleted ? 12 : 0 }, again);
        }

        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, _node.AskProduce("flights", Batch(0)).ErrorCode);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, _node.AskProduce("flights", Batch(14)).ErrorCode);
        Assert.Equal((ErrorCode.None, end), Outcome(_node.AskProduce("flights", Batch(12))));
        Assert.Equal((ErrorCode.None, end + 2), Outcome(_node.AskProduce("flights", DataPath.Batch(Producer, 1, 0, "next epoch"))));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, _node.AskProduce("flights", Batch(14)).ErrorCode);
    }

    [Fact]
    public void Within_a_request_what_stands_behind_a_refused_batch_is_refused_too()
    {
        _node.CreateTopic("flights", 2);
        var outcomes = AskProduce((0, Batch(0)), (1, Batch(0)), (0, Batch(4)), (0, Batch(2)), (1, Batch(2)));
        Assert.Equal(
            [(ErrorCode.None, 0L), (ErrorCode.None, 0L), (ErrorCode.OutOfOrderSequenceNumber, -1L), (ErrorCode.OutOfOrderSequenceNumber, -1L), (ErrorCode.None, 2L)],
            outcomes);
        Assert.Equal([(ErrorCode.None, 2L), (ErrorCode.None, 0L), (ErrorCode.None, 4L)], AskProduce((0, Batch(2)), (0, Batch(0)), (0, Batch(4))));
    }

    /// <summary>Also without a producer id: a damaged batch is sent again, so nothing may go before it.</summary>
    [Fact]
    public void Order_within_a_request_holds_without_producer_id()
    {
        _node.CreateTopic("flights");
        var damaged = _node.Batch("b");
        damaged.Span[^1] ^= 1;
        Assert.Equal(
            [(ErrorCode.None, 0L), (ErrorCode.CorruptMessage, -1L), (ErrorCode.CorruptMessage, -1L)],
            AskProduce((0, _node.Batch("a")), (0, damaged), (0, _node.Batch("c"))));
        Assert.Equal([(0, "a")], _node.ReadAll("flights"));
    }

    /// <summary>The disk has room again while batches are in flight that were sent before anybody knew that it was full.</summary>
    [Fact]
    public void Nothing_is_written_behind_a_batch_that_found_the_disk_full()
    {
        _node.CreateTopic("flights");
        _node.AskProduce("flights", Batch(0));
        for (var round = 0; round < 20; round++)
        {
            _node.Files.CapacityBytes = _node.Files.UsedBytes + 40;
            for (var i = 1; i < 6; i++)
            {
                _node.Send(DataPath.Produce("flights", 0, Batch(2 * i)));
                if (i == 3) _node.Files.CapacityBytes = long.MaxValue;
            }

            for (var i = 1; i < 6; i++) _node.Client.ExpectMsg<ActorBroker.Messaging.ApiResponse>(TimeSpan.FromSeconds(20));
            _node.Time.Advance(TimeSpan.FromSeconds(2));
            var values = _node.ReadAll("flights").Select(record => record.Value).ToList();
            Assert.Equal(Enumerable.Range(0, values.Count).Select(i => $"{i}"), values);
        }

        for (var i = 1; i < 6; i++) Assert.Equal((ErrorCode.None, 2L * i), Outcome(_node.AskProduce("flights", Batch(2 * i))));
    }

    [Fact]
    public void A_producer_that_is_silent_for_too_long_is_forgotten()
    {
        _node.CreateTopic("flights");
        _node.AskProduce("flights", Batch(0));
        _node.Time.Advance(TimeSpan.FromDays(1));
        var handle = _node.Partitions.All.Single();
        handle.Actor.Tell(ActorBroker.Replication.PartitionProtocol.ExpireProducers.Instance, Akka.Actor.ActorRefs.NoSender);
        Assert.Equal((ErrorCode.None, 2L), Outcome(_node.AskProduce("flights", Batch(0))));
    }

    /// <summary>Records with timestamps of long ago, as of somebody who copies old data: no restart may take the producer for one that is gone.</summary>
    [Fact]
    public void A_producer_of_old_records_is_known_after_a_restart()
    {
        _node.Time.Advance(TimeSpan.FromDays(1000));
        _node.CreateTopic("flights", 1, ("retention.ms", "-1"));
        Assert.Equal((ErrorCode.None, 0L), Outcome(_node.AskProduce("flights", Batch(0))));
        _node.Crash();
        _node.Start();
        _node.Partitions.All.Single().Actor.Tell(ActorBroker.Replication.PartitionProtocol.ExpireProducers.Instance, Akka.Actor.ActorRefs.NoSender);
        Assert.Equal((ErrorCode.None, 0L), Outcome(_node.AskProduce("flights", Batch(0))));
        _node.Time.Advance(TimeSpan.FromHours(1));
        _node.Partitions.All.Single().Actor.Tell(ActorBroker.Replication.PartitionProtocol.ExpireProducers.Instance, Akka.Actor.ActorRefs.NoSender);
        Assert.Equal((ErrorCode.None, 2L), Outcome(_node.AskProduce("flights", Batch(0))));
    }

    private static Memory<byte> Batch(int sequence) => DataPath.Batch(Producer, 0, sequence, $"{sequence}", $"{sequence + 1}");

    private static (ErrorCode Code, long BaseOffset) Outcome(ProduceResponse.PartitionProduceResponse answer) => (answer.ErrorCode, answer.BaseOffset);

    private List<(ErrorCode Code, long BaseOffset)> AskProduce(params (int Partition, Memory<byte> Batch)[] batches) =>
        [.. _node.Ask<ProduceResponse>(new ProduceRequest
        {
            Acks = -1,
            TimeoutMs = 30_000,
            TopicData = [new() { Name = "flights", PartitionData = [.. batches.Select(batch => new ProduceRequest.PartitionProduceData { Index = batch.Partition, Records = batch.Batch })] }],
        }).Responses[0].PartitionResponses.Select(Outcome)];

    private void Happen(Between what)
    {
        switch (what)
        {
            case Between.Roll or Between.KillAfterRoll:
                _node.Time.Advance(TimeSpan.FromSeconds(1000));
                Assert.Equal(12, _node.AskProduce("flights", _node.Batch("rolls")).BaseOffset);
                break;
            case Between.DeletionOfAllSegments or Between.DeletionAndKill:
                _node.Time.Advance(TimeSpan.FromSeconds(2001));
                _node.Manager.Tell(ActorBroker.Replication.ReplicaManagerProtocol.Tick.Housekeeping, Akka.Actor.ActorRefs.NoSender);
                AwaitCondition(
                    () => _node.Partitions.All.Single().View.LogStart.Value == 12 && _node.Files.FileExists($"{DataPath.Folder}/flights-0/{12:D20}.snapshot"),
                    TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
                break;
        }

        switch (what)
        {
            case Between.CleanRestart:
                Assert.True(_node.StopCleanly());
                _node.Start();
                break;
            case Between.Kill or Between.KillAfterRoll or Between.DeletionAndKill:
                _node.Crash();
                _node.Start();
                break;
        }
    }
}

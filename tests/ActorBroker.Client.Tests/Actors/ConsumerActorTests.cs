using System.Text;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>The consumer against a fake broker, in one process and over TCP.</summary>
public class ConsumerActorTests
{
    private static readonly TopicPartition P0 = new("t", 0);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Everything_is_read_once_and_in_order_up_to_the_end(bool overTcp)
    {
        await using var rig = overTcp ? ActorRig.OverTcp() : ActorRig.InProcess();
        Fill(rig, partitions: 3, each: 2000);
        await using var consumer = ConsumerClient.Create(rig.Client, rig.Consumer().Subscribe("t").StartAt(StartPosition.Beginning));
        var read = new Dictionary<int, List<string>>();
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        await foreach (var record in consumer.ReadToEndAsync(deadline.Token))
        {
            if (!read.TryGetValue(record.Partition.Partition, out var values))
                read.Add(record.Partition.Partition, values = []);
            Assert.Equal(values.Count, record.Offset.Value);
            values.Add(TestClusters.Text(record.Value));
        }

        Assert.Equal(3, read.Count);
        Assert.All(read.Values, values => Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"v{i}"), values));
    }

    [Fact]
    public async Task New_records_wake_a_reader_and_a_loop_that_was_left_goes_on()
    {
        await using var rig = ActorRig.OverTcp();
        Fill(rig, partitions: 1, each: 10);
        await using var consumer = ConsumerClient.Create(rig.Client, rig.Consumer().Subscribe("t").StartAt(StartPosition.Beginning));
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        Assert.Equal(["v0", "v1", "v2"], await Read(consumer, 3, deadline.Token));
        var rest = Read(consumer, 8, deadline.Token);
        rig.Log.Append(P0, TestClusters.Batch(0, "new"));
        Assert.Equal(["v3", "v4", "v5", "v6", "v7", "v8", "v9", "new"], await rest);
    }

    [Fact]
    public async Task A_target_gets_one_batch_at_a_time()
    {
        await using var rig = ActorRig.InProcess();
        Fill(rig, partitions: 2, each: 1200);
        var inbox = new TestInbox(rig.Client);
        var consumer = rig.Client.ActorOf(Consumer.Props(rig.Consumer().Subscribe("t").StartAt(StartPosition.Beginning), inbox.Receiver));
        Assert.Equal(2, Assert.IsType<PartitionsAssigned>(inbox.Receive()).Partitions.Count);
        var records = 0;
        var ends = 0;
        while (ends < 2)
        {
            switch (inbox.Receive())
            {
                case ConsumerBatch batch:
                    Assert.InRange(batch.Records.Count, 1, 500);
                    Assert.Equal(1200, batch.HighWatermark.Value);
                    records += batch.Records.Count;
                    consumer.Tell(new Processed(batch));
                    break;
                case ReachedEnd:
                    ends++;
                    break;
            }
        }

        Assert.Equal(2400, records);
        var positions = await consumer.Ask<ConsumerPositions>(GetConsumerPositions.Instance, ActorRig.Deadline);
        Assert.All(positions.Partitions, position => Assert.Equal((1200, 0L), (position.Position.Value, position.Lag)));
    }

    [Fact]
    public async Task Without_its_answer_nothing_more_comes()
    {
        await using var rig = ActorRig.InProcess();
        Fill(rig, partitions: 1, each: 1200);
        var inbox = new TestInbox(rig.Client);
        var consumer = rig.Client.ActorOf(Consumer.Props(rig.Consumer().Subscribe("t").StartAt(StartPosition.Beginning), inbox.Receiver));
        Assert.IsType<PartitionsAssigned>(inbox.Receive());
        var first = Assert.IsType<ConsumerBatch>(inbox.Receive());
        // Whatever the consumer did on its own accord would have come before this answer.
        await consumer.Ask<ConsumerPositions>(GetConsumerPositions.Instance, ActorRig.Deadline);
        consumer.Tell(new Processed(first));
        Assert.Equal(500, Assert.IsType<ConsumerBatch>(inbox.Receive()).Records[0].Offset.Value);
    }

    [Fact]
    public async Task A_seek_moves_the_reader_and_drops_what_was_fetched()
    {
        await using var rig = ActorRig.OverTcp();
        Fill(rig, partitions: 1, each: 3000);
        await using var consumer = ConsumerClient.Create(rig.Client, rig.Consumer().Assign(P0).StartAt(StartPosition.Beginning));
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        await Read(consumer, 10, deadline.Token);
        Assert.True(await consumer.SeekAsync(P0, StartPosition.At(new Offset(2500)), deadline.Token));
        Assert.Equal(["v2500", "v2501"], await Read(consumer, 2, deadline.Token));
        Assert.True(await consumer.SeekAsync(P0, StartPosition.Beginning, deadline.Token));
        Assert.Equal(["v0"], await Read(consumer, 1, deadline.Token));
        Assert.False(await consumer.SeekAsync(new TopicPartition("t", 7), StartPosition.End, deadline.Token));
    }

    [Fact]
    public async Task An_offset_that_does_not_exist_goes_by_auto_offset_reset()
    {
        await using var rig = ActorRig.InProcess();
        Fill(rig, partitions: 1, each: 5);
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        var settings = rig.Consumer("actorbroker.consumer.auto.offset.reset = earliest").Assign(P0).StartAt(StartPosition.At(new Offset(99)));
        await using var earliest = ConsumerClient.Create(rig.Client, settings);
        Assert.Equal(["v0"], await Read(earliest, 1, deadline.Token));
        await using var none = ConsumerClient.Create(rig.Client, settings with { AutoOffsetReset = AutoOffsetReset.None });
        var error = await Assert.ThrowsAsync<ConsumerException>(() => Read(none, 1, deadline.Token));
        Assert.Equal((ErrorCode.OffsetOutOfRange, P0), (error.Error, error.Partition!.Value));
    }

    [Fact]
    public async Task A_restarted_broker_is_read_on_where_the_reader_was()
    {
        await using var rig = ActorRig.OverTcp();
        Fill(rig, partitions: 1, each: 10);
        var settings = rig.Consumer("actorbroker.client.request.timeout.ms = 1000").Subscribe("t").StartAt(StartPosition.Beginning);
        await using var consumer = ConsumerClient.Create(rig.Client, settings);
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        Assert.Equal("v9", (await Read(consumer, 10, deadline.Token))[^1]);
        await rig.StopBrokerAsync();
        rig.Log.Append(P0, TestClusters.Batch(0, "after"));
        rig.StartBroker();
        Assert.Equal(["after"], await Read(consumer, 1, deadline.Token));
    }

    [Fact]
    public async Task Missing_topics_and_clusters_have_clear_errors()
    {
        await using var rig = ActorRig.InProcess();
        using var deadline = new CancellationTokenSource(ActorRig.Deadline);
        await using var consumer = ConsumerClient.Create(rig.Client, rig.Consumer("actorbroker.client.unknown.topic.timeout.ms = 200").Subscribe("nowhere"));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await Assert.ThrowsAsync<ConsumerException>(() => Read(consumer, 1, deadline.Token))).Error);

        await using var nobody = ActorRig.OverTcp();
        await nobody.StopBrokerAsync();
        await using var lost = ConsumerClient.Create(nobody.Client, nobody.Consumer("actorbroker.client.bootstrap.timeout.ms = 500").Subscribe("t"));
        Assert.True((await Assert.ThrowsAsync<ConsumerException>(() => Read(lost, 1, deadline.Token))).IsUnreachable);
    }

    [Fact]
    public async Task The_consumer_stops_with_its_target()
    {
        await using var rig = ActorRig.InProcess();
        Fill(rig, partitions: 1, each: 1);
        var target = rig.Client.ActorOf(Props.Empty);
        var consumer = rig.Client.ActorOf(Consumer.Props(rig.Consumer().Subscribe("t"), target));
        var inbox = new TestInbox(rig.Client, consumer);
        rig.Client.Stop(target);
        Assert.Equal(consumer, Assert.IsType<Terminated>(inbox.Receive()).ActorRef);
    }

    private static void Fill(ActorRig rig, int partitions, int each)
    {
        rig.Log.Topics["t"] = partitions;
        for (var partition = 0; partition < partitions; partition++)
        {
            for (var i = 0; i < each; i += 100)
            {
                var values = Enumerable.Range(i, Math.Min(100, each - i)).Select(n => $"v{n}").ToArray();
                rig.Log.Append(new TopicPartition("t", partition), TestClusters.Batch(0, values));
            }
        }
    }

    private static async Task<List<string>> Read(ConsumerClient consumer, int count, CancellationToken cancellation)
    {
        var values = new List<string>();
        await foreach (var record in consumer.WithCancellation(cancellation))
        {
            values.Add(Encoding.UTF8.GetString(record.Value!.Value.Span));
            if (values.Count == count)
                break;
        }

        return values;
    }
}

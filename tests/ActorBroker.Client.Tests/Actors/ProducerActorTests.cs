using System.Text;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>The producer against a fake broker, in one process and over TCP.</summary>
public class ProducerActorTests
{
    private static readonly TopicPartition P0 = new("t", 0);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Records_arrive_in_order_at_the_offsets_that_are_told(bool overTcp)
    {
        await using var rig = overTcp ? ActorRig.OverTcp() : ActorRig.InProcess();
        rig.Log.Topics["t"] = 1;
        await using var producer = ProducerClient.Create(rig.Client, rig.Producer());
        var tasks = Enumerable.Range(0, 5000).Select(i => producer.ProduceAsync("t", null, Value(i)).AsTask()).ToArray();
        var results = await Task.WhenAll(tasks).WaitAsync(ActorRig.Deadline);
        Assert.Equal(Enumerable.Range(0, 5000).Select(i => (long)i), results.Select(result => result.Offset.Value));
        Assert.Equal(Enumerable.Range(0, 5000).Select(i => $"v{i}"), rig.Log.Values(P0));
        var metrics = await producer.GetMetricsAsync();
        Assert.Equal((5000, 0, 0), (metrics.RecordsDelivered, metrics.RecordsFailed, metrics.BufferBytesUsed));
    }

    [Fact]
    public async Task An_actor_hears_of_each_record_with_its_own_correlation()
    {
        await using var rig = ActorRig.InProcess();
        rig.Log.Topics["t"] = 4;
        var producer = rig.Client.ActorOf(Producer.Props(rig.Producer()));
        var produce = new Produce("t", "JFK"u8.ToArray(), null, [new RecordHeader("h", null)])
        {
            Correlation = 42,
            Timestamp = DateTimeOffset.FromUnixTimeMilliseconds(777),
        };
        var delivered = await producer.Ask<Delivered>(produce, ActorRig.Deadline);
        Assert.Equal(new Delivered(42, new TopicPartition("t", 1), Offset.Zero, DateTimeOffset.FromUnixTimeMilliseconds(777)), delivered);
        var failed = await producer.Ask<DeliveryFailed>(new Produce("t", (byte[]?)null, null) { Partition = 9, Correlation = "x" }, ActorRig.Deadline);
        Assert.Equal(("x", DeliveryFailure.InvalidTopicOrPartition), (failed.Correlation, failed.Reason));
    }

    [Fact]
    public async Task A_refused_batch_is_tried_again_until_it_succeeds()
    {
        await using var rig = ActorRig.InProcess();
        rig.Log.Topics["t"] = 1;
        var refusals = 3;
        rig.Log.Judge = request => request is ProduceRequest && Interlocked.Decrement(ref refusals) >= 0 ? ErrorCode.NotEnoughReplicas : ErrorCode.None;
        await using var producer = ProducerClient.Create(rig.Client, rig.Producer("actorbroker.client.retry.backoff.ms = 1\nactorbroker.client.retry.backoff.max.ms = 20"));
        Assert.Equal(0, (await producer.ProduceAsync("t", null, Value(1)).AsTask().WaitAsync(ActorRig.Deadline)).Offset.Value);
        Assert.Equal(["v1"], rig.Log.Values(P0));
        Assert.Equal(3, (await producer.GetMetricsAsync()).BatchesRetried);
    }

    [Fact]
    public async Task A_broker_that_swallows_requests_costs_time_but_no_record()
    {
        await using var rig = ActorRig.InProcess();
        rig.Log.Topics["t"] = 1;
        var swallowed = 2;
        rig.Log.Judge = request => request is ProduceRequest && Interlocked.Decrement(ref swallowed) >= 0 ? null : ErrorCode.None;
        await using var producer = ProducerClient.Create(rig.Client, rig.Producer("actorbroker.client.request.timeout.ms = 100\nactorbroker.producer.linger.ms = 0"));
        Assert.Equal(0, (await producer.ProduceAsync("t", null, Value(1)).AsTask().WaitAsync(ActorRig.Deadline)).Offset.Value);
    }

    [Fact]
    public async Task A_broker_that_restarts_gets_the_rest()
    {
        await using var rig = ActorRig.OverTcp();
        rig.Log.Topics["t"] = 1;
        await using var producer = ProducerClient.Create(rig.Client, rig.Producer("actorbroker.client.request.timeout.ms = 2000"));
        await producer.ProduceAsync("t", null, Value(0)).AsTask().WaitAsync(ActorRig.Deadline);
        await rig.StopBrokerAsync();
        var tasks = Enumerable.Range(1, 100).Select(i => producer.ProduceAsync("t", null, Value(i)).AsTask()).ToArray();
        rig.StartBroker();
        await Task.WhenAll(tasks).WaitAsync(ActorRig.Deadline);
        Assert.Equal(Enumerable.Range(0, 101).Select(i => $"v{i}"), rig.Log.Values(P0).Distinct());
    }

    // The broker's endpoint stops while its ActorSystem goes on: no connection breaks, and the request has no answer.
    [Fact]
    public async Task A_broker_that_says_goodbye_is_asked_again_at_once()
    {
        await using var rig = ActorRig.OverTcp();
        rig.Log.Topics["t"] = 1;
        var swallowed = 1;
        rig.Log.Judge = request => request is ProduceRequest && Interlocked.Decrement(ref swallowed) >= 0 ? null : ErrorCode.None;
        await using var producer = ProducerClient.Create(rig.Client, rig.Producer("actorbroker.client.request.timeout.ms = 60000"));
        var outcome = producer.ProduceAsync("t", null, Value(1)).AsTask();
        while (!rig.Log.Seen.Any(request => request is ProduceRequest))
            await Task.Yield();
        rig.Log.SayGoodbye();
        Assert.Equal(0, (await outcome.WaitAsync(ActorRig.Deadline)).Offset.Value);
    }

    [Fact]
    public async Task Packed_and_numbered_batches_arrive_and_the_metrics_say_so()
    {
        await using var rig = ActorRig.OverTcp();
        rig.Log.Topics["t"] = 1;
        await using var producer = ProducerClient.Create(rig.Client, rig.Producer("actorbroker.producer.compression.type = snappy"));
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => producer.ProduceAsync("t", null, Value(i)).AsTask())).WaitAsync(ActorRig.Deadline);
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"v{i}"), rig.Log.Values(P0));
        var headers = rig.Log.Batches[P0].Select(FakeLog.Header).ToList();
        Assert.All(headers, header => Assert.Equal((1001L, (short)0), (header.ProducerId.Value, header.ProducerEpoch.Value)));
        Assert.Equal(headers.Select(header => header.BaseOffset.Value), headers.Select(header => (long)header.BaseSequence));
        var asked = Assert.Single(rig.Log.Seen.OfType<InitProducerIdRequest>());
        Assert.Equal((null, -1L, (short)-1), (asked.TransactionalId, asked.ProducerId, asked.ProducerEpoch));
        var metrics = await producer.GetMetricsAsync();
        Assert.Equal((1001L, 0L, 500L), (metrics.ProducerId, metrics.SequenceEpochsEnded, metrics.RecordsDelivered));
        Assert.InRange(metrics.CompressionRate, 0.01, 0.99);
    }

    [Fact]
    public async Task Requests_stay_within_a_small_frame()
    {
        await using var rig = ActorRig.OverTcp("akka.remote.dot-netty.tcp.maximum-frame-size = 33000b");
        rig.Log.Topics["t"] = 8;
        await using var producer = ProducerClient.Create(rig.Client, rig.Producer());
        var tasks = Enumerable.Range(0, 200).Select(i => producer.ProduceAsync("t", null, new byte[3000], partition: i % 8).AsTask()).ToArray();
        await Task.WhenAll(tasks).WaitAsync(ActorRig.Deadline);
        var large = await Assert.ThrowsAsync<DeliveryException>(async () => await producer.ProduceAsync("t", null, new byte[32_000]));
        Assert.Equal(DeliveryFailure.RecordTooLarge, large.Reason);
        Assert.Contains(FrameBudget.Setting, large.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_acks_0_records_are_delivered_without_offset()
    {
        await using var rig = ActorRig.OverTcp();
        rig.Log.Topics["t"] = 1;
        await using (var producer = ProducerClient.Create(rig.Client, rig.Producer("actorbroker.producer.acks = 0")))
        {
            for (var i = 0; i < 20; i++)
                Assert.Equal(-1, (await producer.ProduceAsync("t", null, Value(i)).AsTask().WaitAsync(ActorRig.Deadline)).Offset.Value);
            await producer.ProduceAsync("t", null, Value(20)).AsTask().WaitAsync(ActorRig.Deadline);
        }

        while (rig.Log.EndOf(P0) < 21)
            await Task.Yield();
        Assert.Equal(Enumerable.Range(0, 21).Select(i => $"v{i}"), rig.Log.Values(P0));
    }

    [Fact]
    public async Task A_missing_topic_and_a_missing_cluster_have_clear_errors()
    {
        await using var rig = ActorRig.OverTcp();
        await using var producer = ProducerClient.Create(rig.Client, rig.Producer("actorbroker.client.unknown.topic.timeout.ms = 300"));
        var missing = await Assert.ThrowsAsync<DeliveryException>(async () => await producer.ProduceAsync("nowhere", null, Value(1)));
        Assert.Equal(DeliveryFailure.InvalidTopicOrPartition, missing.Reason);

        var port = Ports.Next();
        await using var lost = ProducerClient.Create(rig.Client, TestClusters.Producer("actorbroker.client.bootstrap.timeout.ms = 1000").WithBootstrap($"localhost:{port}"));
        var unreachable = await Assert.ThrowsAsync<DeliveryException>(async () => await lost.ProduceAsync("t", null, Value(1)));
        Assert.Equal(DeliveryFailure.Unreachable, unreachable.Reason);
        Assert.Contains($"localhost:{port}", unreachable.Message, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{port}", unreachable.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_called_by_an_alias_is_named_in_the_error()
    {
        await using var rig = ActorRig.OverTcp();
        var settings = TestClusters.Producer("actorbroker.client.bootstrap.timeout.ms = 2000").WithBootstrap($"127.0.0.2:{rig.Log.Port}", $"wrong@127.0.0.1:{rig.Log.Port}");
        await using var producer = ProducerClient.Create(rig.Client, settings);
        var error = await Assert.ThrowsAsync<DeliveryException>(async () => await producer.ProduceAsync("t", null, Value(1)));
        Assert.Contains($"actorbroker@127.0.0.1:{rig.Log.Port}: use that address", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Localhost_finds_a_broker_that_calls_itself_127_0_0_1()
    {
        await using var rig = ActorRig.OverTcp();
        rig.Log.Topics["t"] = 1;
        await using var producer = ProducerClient.Create(rig.Client, TestClusters.Producer().WithBootstrap($"localhost:{rig.Log.Port}"));
        Assert.Equal(0, (await producer.ProduceAsync("t", null, Value(1)).AsTask().WaitAsync(ActorRig.Deadline)).Offset.Value);
    }

    [Fact]
    public async Task A_full_buffer_makes_callers_wait_and_those_beyond_are_told()
    {
        await using var rig = ActorRig.InProcess();
        rig.Log.Topics["t"] = 1;
        var open = 0;
        rig.Log.Judge = request => request is ProduceRequest && Volatile.Read(ref open) == 0 ? ErrorCode.NotEnoughReplicas : ErrorCode.None;
        var settings = rig.Producer("actorbroker.producer.buffer.memory = 20000\nactorbroker.client.retry.backoff.max.ms = 100");
        var producer = ProducerClient.Create(rig.Client, settings);
        var given = new List<Task<RecordMetadata>>();
        do
        {
            given.Add(producer.ProduceAsync("t", null, new byte[1000]).AsTask());
            await producer.GetMetricsAsync();
        }
        while (!given[^1].IsFaulted);

        // The buffer holds as much as it may, as much again waits, and whoever comes then is told at once.
        var metrics = await producer.GetMetricsAsync();
        Assert.InRange(metrics.BufferBytesUsed, 10_000, 20_000);
        Assert.InRange(metrics.BytesWaiting, 10_000, 20_000);
        Assert.Equal(DeliveryFailure.BufferFull, ((DeliveryException)given[^1].Exception!.InnerException!).Reason);
        Volatile.Write(ref open, 1);
        var results = await Task.WhenAll(given.SkipLast(1)).WaitAsync(ActorRig.Deadline);
        Assert.Equal(Enumerable.Range(0, results.Length).Select(i => (long)i), results.Select(result => result.Offset.Value));
        await producer.DisposeAsync();
        var closed = await Assert.ThrowsAsync<DeliveryException>(async () => await producer.ProduceAsync("t", null, Value(1)));
        Assert.Equal(DeliveryFailure.Closed, closed.Reason);
    }

    [Fact]
    public async Task Stopping_the_actor_fails_what_is_unfinished()
    {
        await using var rig = ActorRig.InProcess();
        rig.Log.Topics["t"] = 1;
        rig.Log.Judge = request => request is ProduceRequest ? null : ErrorCode.None;
        var producer = rig.Client.ActorOf(Producer.Props(rig.Producer()));
        var outcome = producer.Ask<DeliveryFailed>(new Produce("t", null, Value(1)), ActorRig.Deadline);
        while (!rig.Log.Seen.Any(request => request is ProduceRequest))
            await Task.Yield();
        await producer.GracefulStop(ActorRig.Deadline);
        Assert.Equal(DeliveryFailure.Closed, (await outcome).Reason);
    }

    private static byte[] Value(int i) => Encoding.UTF8.GetBytes($"v{i}");
}

using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>Golden scripts: what the producer does when, on a clock that only the test moves.</summary>
public class ProducerCoreTests
{
    /// <summary>Batches of one record of 60 bytes, and no room for two of them in a request.</summary>
    internal const string OneBatchEach = "actorbroker.producer.batch.size = 100\nactorbroker.producer.max.request.size = 300";

    private static readonly ClusterImage OneLeader = Image(("t", [One, One, One]));

    [Fact]
    public void A_batch_leaves_when_it_has_lingered()
    {
        var rig = Ready();
        var a = rig.Offer();
        rig.After(3);
        var b = rig.Offer();
        rig.After(1.9);
        Assert.Empty(rig.Sent);
        rig.After(0.1);
        var send = Assert.Single(rig.Sent);
        Assert.Equal(One, send.Broker);
        Assert.Equal([a.Id, b.Id], ProducerRig.IdsOf(Assert.Single(send.Batches).Bytes.Span));
        rig.Answer(0, baseOffset: 70);
        Assert.Equal("t-0@70", a.Outcome);
        Assert.Equal("t-0@71", b.Outcome);
        Assert.Equal(0, rig.Core.BytesUsed);
    }

    [Fact]
    public void A_full_batch_leaves_at_once()
    {
        var rig = Ready("actorbroker.producer.batch.size = 200");
        rig.Offer(bytes: 90);
        Assert.Empty(rig.Sent);
        rig.Offer(bytes: 90);
        Assert.Equal(1, Assert.Single(Assert.Single(rig.Sent).Batches).RecordCount);
    }

    [Fact]
    public void One_request_carries_many_partitions_and_each_once()
    {
        var rig = Ready();
        for (var i = 0; i < 9; i++)
            rig.Offer(partition: i % 3);
        rig.After(5);
        Assert.Equal([0, 1, 2], Assert.Single(rig.Sent).Batches.Select(batch => batch.Queue.Partition.Partition).Order());
    }

    [Fact]
    public void Records_of_an_unknown_topic_wait_for_metadata_in_order()
    {
        var rig = new ProducerRig(Producer());
        var a = rig.Offer();
        var b = rig.Offer();
        Assert.Equal(new ProducerEffect.WantTopic("t"), Assert.Single(rig.Others));
        rig.Metadata(OneLeader);
        var c = rig.Offer();
        rig.After(5);
        Assert.Equal([a.Id, b.Id, c.Id], ProducerRig.IdsOf(rig.Sent[0].Batches[0].Bytes.Span));
    }

    [Fact]
    public void A_missing_topic_fails_after_it_was_doubted_long_enough()
    {
        var rig = new ProducerRig(Producer("actorbroker.client.unknown.topic.timeout.ms = 500"));
        var a = rig.Offer();
        rig.Metadata(Missing("t"));
        rig.After(499);
        Assert.Null(a.Outcome);
        rig.After(1);
        Assert.Equal(DeliveryFailure.InvalidTopicOrPartition, a.Failure);
        Assert.Contains("t does not exist", a.Message, StringComparison.Ordinal);
        Assert.Contains(new ProducerEffect.ForgetTopic("t"), rig.Others);
        Assert.Equal(0, rig.Core.BytesUsed);
    }

    [Fact]
    public void An_unreachable_cluster_fails_what_waits_for_metadata()
    {
        var rig = new ProducerRig(Producer());
        var a = rig.Offer();
        rig.Do(() => rig.Core.OnUnreachable("tried x", rig.Now));
        Assert.Equal(DeliveryFailure.Unreachable, a.Failure);
        Assert.Equal("tried x", a.Message);
    }

    [Fact]
    public void A_partition_that_is_not_there_fails_at_once()
    {
        var rig = Ready();
        var a = rig.Offer(partition: 3);
        Assert.Equal(DeliveryFailure.InvalidTopicOrPartition, a.Failure);
        Assert.Contains("partitions 0 to 2, not 3", a.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2000, 100000, "max.request.size = 1000")]
    [InlineData(2000, 3000, "akka.remote.dot-netty.tcp.maximum-frame-size to at least 42")]
    public void A_record_that_never_fits_says_which_setting_to_raise(int bytes, int frame, string expected)
    {
        var rig = new ProducerRig(Producer("actorbroker.producer.max.request.size = 1000"), new FrameBudget(frame));
        rig.Metadata(OneLeader);
        var a = rig.Offer(bytes: bytes);
        rig.Metadata(OneLeader);
        Assert.Equal(DeliveryFailure.RecordTooLarge, a.Failure);
        Assert.Contains(expected, a.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Requests_are_split_to_the_frame()
    {
        var rig = new ProducerRig(Producer("actorbroker.producer.batch.size = 4000"), new FrameBudget(10000));
        rig.Offer();
        rig.Metadata(Image(("t", [.. Enumerable.Repeat(One, 9)])));
        for (var partition = 0; partition < 9; partition++)
            rig.Offer(partition: partition, bytes: 3000);
        rig.After(5);
        Assert.All(rig.Sent, send => Assert.InRange(send.Batches.Sum(batch => batch.Bytes.Length), 1, 10000 - FrameBudget.Envelope));
        Assert.Equal(5, rig.Sent.Count);
        Assert.Equal(9, rig.Sent.Sum(send => send.Batches.Count));
    }

    [Fact]
    public void Until_a_partition_is_proven_one_batch_is_out_and_then_several()
    {
        var rig = Ready(OneBatchEach);
        for (var i = 0; i < 20; i++)
            rig.Offer(bytes: 60);
        Assert.Single(rig.Sent);
        rig.Answer(0);
        Assert.Equal(6, rig.Sent.Count);
        Assert.Equal(5, rig.Core.RequestsInFlight);
    }

    // Batches wait while the first one proves the partition: then they share a request, and each has an answer of its own.
    [Fact]
    public void Batches_that_wait_share_a_request_in_order()
    {
        var rig = Ready("actorbroker.producer.batch.size = 100");
        var all = Enumerable.Range(0, 6).Select(_ => rig.Offer(bytes: 60)).ToList();
        rig.After(5);
        rig.Answer(0);
        Assert.Equal(2, rig.Sent.Count);
        Assert.Equal([2, 3, 4, 5, 6], rig.Sent[1].Batches.Select(batch => ProducerRig.IdsOf(batch.Bytes.Span).Single() - all[0].Id + 1));
        var first = rig.Sent[1].Batches[0].Number;
        rig.Do(() => rig.Core.OnProduced(rig.Sent[1].RequestId, ProducerRig.Response(rig.Sent[1], batch => (ErrorCode.None, 7 + batch.Number - first)), rig.Now));
        Assert.Equal(["t-0@7", "t-0@8", "t-0@9", "t-0@10", "t-0@11"], all.Skip(1).Select(delivery => delivery.Outcome));
        Assert.Equal(0, rig.Core.BytesUsed);
    }

    // max.in.flight = 1 promises that nothing is ever overtaken: two batches of one request could be, if one of them is refused.
    [Fact]
    public void With_one_request_out_at_a_time_a_request_carries_one_batch_of_a_partition()
    {
        var rig = Ready("actorbroker.producer.batch.size = 100\nactorbroker.producer.max.in.flight.requests.per.connection = 1");
        for (var i = 0; i < 6; i++)
            rig.Offer(bytes: 60);
        rig.Answer(0);
        Assert.Equal([1, 1], rig.Sent.Select(send => send.Batches.Count));
    }

    [Fact]
    public void A_refused_batch_is_repeated_alone_before_its_successors()
    {
        var rig = Ready(OneBatchEach);
        for (var i = 0; i < 8; i++)
            rig.Offer(bytes: 60);
        rig.Answer(0);
        var first = rig.Sent.Count;
        Assert.Equal(6, first);
        for (var i = 1; i < 6; i++)
            rig.Answer(i, ErrorCode.NotLeaderOrFollower);
        Assert.Contains(ProducerEffect.RefreshMetadata.Instance, rig.Others);
        Assert.Equal(first, rig.Sent.Count);
        rig.After(130);
        Assert.Equal(first + 1, rig.Sent.Count);
        Assert.Same(rig.Sent[1].Batches[0], rig.Sent[first].Batches[0]);
        rig.Answer(first);
        Assert.Equal(first + 2, rig.Sent.Count);
        Assert.Same(rig.Sent[2].Batches[0], rig.Sent[first + 1].Batches[0]);
    }

    [Fact]
    public void A_batch_follows_its_leader()
    {
        var rig = Ready();
        var a = rig.Offer();
        rig.After(5);
        rig.Answer(0, ErrorCode.NotLeaderOrFollower);
        rig.Metadata(Image(("t", [Two, Two, Two])));
        rig.After(130);
        Assert.Equal(Two, rig.Sent[1].Broker);
        rig.Answer(1, baseOffset: 4);
        Assert.Equal("t-0@4", a.Outcome);
    }

    [Fact]
    public void Without_leader_a_batch_waits_for_one()
    {
        var rig = new ProducerRig(Producer());
        rig.Metadata(OneLeader);
        rig.Offer();
        rig.Metadata(Image(("t", [BrokerId.None, One, One])));
        rig.After(100);
        Assert.Empty(rig.Sent);
        rig.Metadata(OneLeader);
        Assert.Single(rig.Sent);
    }

    [Fact]
    public void A_final_error_fails_the_batch_and_the_next_goes_on()
    {
        var rig = Ready("actorbroker.producer.batch.size = 100");
        var a = rig.Offer(bytes: 60);
        var b = rig.Offer(bytes: 60);
        rig.After(5);
        rig.Answer(0, ErrorCode.InvalidRecord);
        Assert.Equal(DeliveryFailure.Rejected, a.Failure);
        rig.Answer(1, baseOffset: 1);
        Assert.Equal("t-0@1", b.Outcome);
    }

    [Fact]
    public void Retries_end_at_their_number()
    {
        var rig = Ready("actorbroker.producer.retries = 2");
        var a = rig.Offer();
        rig.After(5);
        for (var i = 0; i < 3; i++)
        {
            Assert.Null(a.Outcome);
            rig.Answer(i, ErrorCode.NotEnoughReplicas);
            rig.After(1300);
        }

        Assert.Equal(DeliveryFailure.TimedOut, a.Failure);
        Assert.Equal(3, rig.Sent.Count);
    }

    [Fact]
    public void What_never_left_does_not_count_as_a_retry()
    {
        var rig = Ready("actorbroker.producer.retries = 0");
        var a = rig.Offer();
        rig.After(5);
        rig.Break(0, RequestFailure.NotSent);
        rig.After(130);
        rig.Answer(1, baseOffset: 9);
        Assert.Equal("t-0@9", a.Outcome);
    }

    [Fact]
    public void The_delivery_timeout_ends_a_batch_in_flight_and_its_late_answer_is_nothing()
    {
        var rig = Ready();
        var a = rig.Offer();
        rig.After(5);
        rig.After(120_000 - 5.001);
        Assert.Null(a.Outcome);
        rig.After(1);
        Assert.Equal(DeliveryFailure.TimedOut, a.Failure);
        Assert.Equal(0, rig.Core.BytesUsed);
        rig.Answer(0);
        var b = rig.Offer();
        rig.After(5);
        rig.Answer(1, baseOffset: 8);
        Assert.Equal("t-0@8", b.Outcome);
    }

    [Fact]
    public void A_full_buffer_refuses_those_that_may_not_wait_and_keeps_the_others_in_order()
    {
        var rig = Ready("actorbroker.producer.batch.size = 100\nactorbroker.producer.buffer.memory = 200\nactorbroker.producer.max.block.ms = 1000");
        var accepted = Enumerable.Range(0, 2).Select(_ => rig.Offer(bytes: 20)).ToList();
        while (rig.Core.BytesUsed + 100 <= 200)
            accepted.Add(rig.Offer(bytes: 30));
        var waiting = rig.Offer(bytes: 60, mayWait: true);
        var refused = rig.Offer(bytes: 1);
        Assert.Equal(DeliveryFailure.BufferFull, refused.Failure);
        Assert.Null(waiting.Outcome);
        for (var i = 0; i < rig.Sent.Count && waiting.Outcome is null; i++)
            rig.Answer(i);
        rig.After(5);
        for (var i = 0; i < rig.Sent.Count; i++)
            rig.Answer(i);
        Assert.All(accepted, delivery => Assert.Null(delivery.Failure));
        Assert.StartsWith("t-0@", waiting.Outcome, StringComparison.Ordinal);
    }

    [Fact]
    public void Records_that_fill_the_buffer_while_they_wait_for_metadata_still_get_into_batches()
    {
        var rig = new ProducerRig(Producer("actorbroker.producer.batch.size = 900\nactorbroker.producer.buffer.memory = 1000"));
        var all = Enumerable.Range(0, 8).Select(_ => rig.Offer(bytes: 100, mayWait: true)).ToList();
        rig.Metadata(OneLeader);
        for (var i = 0; i < 20 && all.Exists(delivery => delivery.Outcome is null); i++)
        {
            rig.After(5);
            if (i < rig.Sent.Count)
                rig.Answer(i);
        }

        Assert.All(all, delivery => Assert.StartsWith("t-0@", delivery.Outcome, StringComparison.Ordinal));
        Assert.Equal(all.Select(delivery => delivery.Id), rig.Delivered);
    }

    [Fact]
    public void A_waiting_record_fails_after_max_block()
    {
        var rig = Ready("actorbroker.producer.batch.size = 100\nactorbroker.producer.buffer.memory = 120\nactorbroker.producer.max.block.ms = 1000");
        rig.Offer(bytes: 35);
        var waiting = rig.Offer(bytes: 35, mayWait: true);
        rig.After(999);
        Assert.Null(waiting.Outcome);
        rig.After(1);
        Assert.Equal(DeliveryFailure.BufferFull, waiting.Failure);
    }

    [Fact]
    public void A_flush_sends_without_lingering_and_ends_when_all_before_it_have_outcomes()
    {
        var rig = Ready();
        rig.Offer();
        rig.Offer(partition: 1);
        rig.Do(() => rig.Core.OnFlush(77, rig.Now));
        rig.Offer(partition: 2);
        Assert.Equal(2, rig.Sent.Sum(send => send.Batches.Count));
        Assert.DoesNotContain(new ProducerEffect.FlushCompleted(77), rig.Others);
        for (var i = 0; i < rig.Sent.Count; i++)
            rig.Answer(i);
        Assert.Contains(new ProducerEffect.FlushCompleted(77), rig.Others);
        rig.Do(() => rig.Core.OnFlush(78, rig.Now));
        Assert.DoesNotContain(new ProducerEffect.FlushCompleted(78), rig.Others);
    }

    [Fact]
    public void A_flush_of_nothing_is_over_at_once()
    {
        var rig = Ready();
        rig.Do(() => rig.Core.OnFlush(5, rig.Now));
        Assert.Contains(new ProducerEffect.FlushCompleted(5), rig.Others);
    }

    [Fact]
    public void With_acks_0_a_record_is_delivered_once_sent_and_the_window_stays_bounded()
    {
        var rig = Ready(OneBatchEach + "\nactorbroker.producer.acks = 0\nactorbroker.producer.max.in.flight.requests.per.connection = 2");
        var all = Enumerable.Range(0, 10).Select(_ => rig.Offer(bytes: 60)).ToList();
        Assert.Single(rig.Sent);
        rig.Do(() => rig.Core.OnSent(rig.Sent[0].RequestId, rig.Now));
        Assert.Equal("t-0@-1", all[0].Outcome);
        Assert.Equal(2, rig.Sent.Count);
        rig.Do(() => rig.Core.OnSent(rig.Sent[1].RequestId, rig.Now));
        Assert.Equal(2, rig.Sent.Count);
        rig.Do(() => rig.Core.OnRequestEnded(rig.Sent[0].RequestId, RequestFailure.None, ErrorCode.None, "", rig.Now));
        Assert.Equal(3, rig.Sent.Count);
    }

    [Fact]
    public void Stopping_fails_everything_once()
    {
        var rig = Ready("actorbroker.producer.batch.size = 100\nactorbroker.producer.buffer.memory = 400");
        var all = Enumerable.Range(0, 6).Select(_ => rig.Offer(bytes: 60, mayWait: true)).ToList();
        all.Add(rig.Offer(topic: "unknown", mayWait: true));
        rig.Do(() => rig.Core.Abort("closed"));
        Assert.All(all, delivery => Assert.Equal(DeliveryFailure.Closed, delivery.Failure));
        Assert.Equal(0, rig.Core.BytesUsed);
    }

    [Fact]
    public void An_answer_that_forgets_a_batch_fails_it()
    {
        var rig = Ready();
        var a = rig.Offer();
        rig.After(5);
        rig.Do(() => rig.Core.OnProduced(rig.Sent[0].RequestId, new ProduceResponse(), rig.Now));
        Assert.Equal(DeliveryFailure.Rejected, a.Failure);
    }

    internal static ProducerRig Ready(string hocon = "")
    {
        var rig = new ProducerRig(Producer(hocon));
        // A first record makes the topic known; it is out of the way before the test begins.
        rig.Offer();
        rig.Metadata(OneLeader);
        rig.After(5);
        rig.Answer(0, ErrorCode.InvalidRecord);
        rig.Sent.Clear();
        rig.SentBytes.Clear();
        rig.Others.Clear();
        return rig;
    }
}

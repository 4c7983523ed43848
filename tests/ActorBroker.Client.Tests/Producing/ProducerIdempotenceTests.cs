using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>Golden scripts: the numbers that batches carry, and what becomes of them when something fails.</summary>
public class ProducerIdempotenceTests
{
    private const string OneBatchEach = ProducerCoreTests.OneBatchEach + "\nactorbroker.producer.enable.idempotence = true\n";

    private static readonly ClusterImage OneLeader = Image(("t", [One, One]));

    [Fact]
    public void The_id_is_asked_for_when_a_first_batch_is_ready_and_once()
    {
        var rig = new ProducerRig(Producer(OneBatchEach));
        rig.Metadata(OneLeader);
        Assert.DoesNotContain(ProducerEffect.AskIdentity.Instance, rig.Others);
        rig.Offer(bytes: 60);
        rig.Offer(bytes: 60, partition: 1);
        rig.Offer(bytes: 60);
        rig.After(5);
        Assert.Single(rig.Others, ProducerEffect.AskIdentity.Instance);
        Assert.Empty(rig.Sent);
        rig.Do(() => rig.Core.OnIdentity(new ProducerId(7), new ProducerEpoch(2), rig.Now));
        Assert.Equal([(7, 2, 0), (7, 2, 0)], rig.SentBytes.Select(batches => Numbers(batches.Single())));
    }

    [Fact]
    public void Without_an_id_batches_wait_and_it_is_asked_for_again()
    {
        var rig = new ProducerRig(Producer(OneBatchEach));
        rig.Metadata(OneLeader);
        var a = rig.Offer(bytes: 60);
        rig.After(5);
        for (var i = 0; i < 3; i++)
        {
            rig.Do(() => rig.Core.OnNoIdentity("no controller", rig.Now));
            rig.After(1300);
        }

        Assert.Equal(4, rig.Others.Count(effect => effect is ProducerEffect.AskIdentity));
        rig.After(120_000);
        Assert.Equal(DeliveryFailure.TimedOut, a.Failure);
        Assert.Contains("no producer id could be had: no controller", a.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_count_records_of_a_partition_and_stay_with_a_batch_when_it_is_repeated()
    {
        var rig = Ready();
        var all = Offer(rig, 4);
        rig.Answer(0);
        Assert.Equal([(7, 0, 0), (7, 0, 1), (7, 0, 2), (7, 0, 3)], rig.SentBytes.SelectMany(batches => batches).Select(Numbers));
        rig.Break(1);
        rig.Break(2);
        rig.Break(3);
        rig.After(130);
        Assert.Equal((7, 0, 1), Numbers(rig.SentBytes[4].Single()));
        rig.Answer(4, baseOffset: 10);
        Assert.Equal((7, 0, 2), Numbers(rig.SentBytes[5].Single()));
        Assert.Equal("t-0@10", all[1].Outcome);
    }

    [Fact]
    public void A_duplicate_is_delivered_even_where_its_offset_is_forgotten()
    {
        var rig = Ready();
        var a = Offer(rig, 2)[0];
        rig.Answer(0, ErrorCode.DuplicateSequenceNumber, baseOffset: -1);
        Assert.Equal("t-0@-1", a.Outcome);
        Assert.Equal((7, 0, 1), Numbers(rig.SentBytes[1].Single()));
    }

    // The leader remembers five batches: of more it could not tell whether it has them.
    [Fact]
    public void No_more_than_five_batches_of_a_partition_are_without_outcome()
    {
        var rig = Ready("actorbroker.producer.max.request.size = 100000");
        for (var i = 0; i < 20; i++)
            rig.Offer(bytes: 60);
        rig.Answer(0);
        Assert.Equal(5, rig.Sent.Skip(1).Sum(send => send.Batches.Count));
    }

    // Its request waits for another partition, say; meanwhile the leader would forget it under those that are answered.
    [Fact]
    public void While_one_batch_has_no_outcome_no_more_than_four_follow_it_though_those_are_answered()
    {
        var rig = Ready();
        Offer(rig, 10);
        rig.Answer(0);
        for (var i = 2; i <= 5; i++)
            rig.Answer(i, baseOffset: i);
        Assert.Equal(6, rig.Sent.Count);
        rig.Answer(1, baseOffset: 1);
        Assert.Equal(10, rig.Sent.Count);
    }

    [Fact]
    public void What_was_refused_behind_a_refused_batch_is_repeated_behind_it_with_its_number()
    {
        var rig = Ready();
        var all = Offer(rig, 4);
        rig.Answer(0);
        rig.Answer(1, ErrorCode.NotEnoughReplicas);
        rig.Answer(2, ErrorCode.OutOfOrderSequenceNumber);
        rig.Answer(3, ErrorCode.OutOfOrderSequenceNumber);
        for (var i = 4; i < 7; i++)
        {
            rig.After(130);
            Assert.Equal((7, 0, i - 3), Numbers(rig.SentBytes[i].Single()));
            rig.Answer(i, baseOffset: i);
        }

        Assert.All(all, delivery => Assert.Null(delivery.Failure));
        Assert.Equal(0, rig.Core.MetricsAt(rig.Now).SequenceEpochsEnded);
    }

    [Fact]
    public void After_a_batch_refused_for_good_those_behind_it_begin_a_new_epoch()
    {
        var rig = Ready();
        var all = Offer(rig, 3);
        rig.Answer(0);
        rig.Answer(1, ErrorCode.InvalidRecord);
        rig.Answer(2, ErrorCode.OutOfOrderSequenceNumber);
        rig.After(130);
        Assert.Equal((7, 1, 0), Numbers(rig.SentBytes[3].Single()));
        rig.Answer(3, baseOffset: 5);
        Assert.Equal([null, DeliveryFailure.Rejected, null], all.Select(delivery => delivery.Failure));
    }

    // a and b may or may not have arrived; a is given up. Had b been written, a repetition under another number would write it twice.
    [Fact]
    public void What_may_be_written_is_not_repeated_under_another_number()
    {
        var rig = Ready("actorbroker.producer.delivery.timeout.ms = 40000");
        rig.Offer(bytes: 60);
        var a = rig.Offer(bytes: 60);
        rig.After(100);
        var b = Offer(rig, 1)[0];
        rig.Answer(0);
        rig.Break(1);
        rig.Break(2);
        rig.Metadata(Image(4, ("t", [BrokerId.None, One])));
        rig.After(39_900);
        Assert.Equal((DeliveryFailure.TimedOut, null), (a.Failure, b.Failure));
        rig.Metadata(Image(5, ("t", [Two, One])));
        Assert.Equal((7, 0, 2), Numbers(rig.SentBytes[3].Single()));
        rig.Answer(3, ErrorCode.OutOfOrderSequenceNumber);
        Assert.Equal(DeliveryFailure.Unresolved, b.Failure);
        rig.Offer(bytes: 60);
        rig.After(5);
        Assert.Equal((7, 1, 0), Numbers(rig.SentBytes[4].Single()));
    }

    [Fact]
    public void A_new_epoch_waits_until_the_old_one_is_resolved()
    {
        var rig = Ready();
        var all = Offer(rig, 4);
        rig.Answer(0);
        rig.Answer(1, ErrorCode.InvalidRecord);
        all.Add(rig.Offer(bytes: 60));
        rig.After(1000);
        Assert.Equal(4, rig.Sent.Count);
        rig.Answer(2, ErrorCode.OutOfOrderSequenceNumber);
        rig.After(1000);
        Assert.Equal(4, rig.Sent.Count);
        rig.Answer(3, ErrorCode.OutOfOrderSequenceNumber);
        rig.After(130);
        Assert.Equal((7, 0, 2), Numbers(rig.SentBytes[4].Single()));
        rig.Answer(4, ErrorCode.OutOfOrderSequenceNumber);
        for (var i = 5; i < 8; i++)
        {
            rig.After(1300);
            rig.Answer(i, baseOffset: i);
        }

        Assert.Equal([(7, 1, 0), (7, 1, 1), (7, 1, 2)], rig.SentBytes.Skip(5).Select(batches => Numbers(batches.Single())));
        Assert.Equal(DeliveryFailure.Rejected, Assert.Single(all, delivery => delivery.Failure is not null).Failure);
    }

    [Fact]
    public void When_somebody_else_uses_the_id_another_one_is_asked_for()
    {
        var rig = Ready();
        var a = rig.Offer(bytes: 60);
        rig.After(5);
        rig.Answer(0, ErrorCode.InvalidProducerEpoch);
        rig.After(130);
        Assert.Single(rig.Others, ProducerEffect.AskIdentity.Instance);
        rig.Do(() => rig.Core.OnIdentity(new ProducerId(8), new ProducerEpoch(0), rig.Now));
        Assert.Equal((8, 0, 0), Numbers(rig.SentBytes[1].Single()));
        rig.Answer(1, baseOffset: 3);
        Assert.Equal("t-0@3", a.Outcome);
    }

    /// <summary>Batches of one record each, all of them closed.</summary>
    private static List<TestDelivery> Offer(ProducerRig rig, int count)
    {
        var all = Enumerable.Range(0, count).Select(_ => rig.Offer(bytes: 60)).ToList();
        rig.After(5);
        return all;
    }

    private static ProducerRig Ready(string hocon = "")
    {
        var rig = new ProducerRig(Producer(OneBatchEach + hocon));
        rig.Offer(partition: 1);
        rig.Metadata(OneLeader);
        rig.After(5);
        rig.Do(() => rig.Core.OnIdentity(new ProducerId(7), new ProducerEpoch(0), rig.Now));
        rig.Answer(0);
        rig.Sent.Clear();
        rig.SentBytes.Clear();
        rig.Others.Clear();
        return rig;
    }

    private static (long Id, int Epoch, int Sequence) Numbers(byte[] batch)
    {
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckProduced(batch, int.MaxValue, out var header));
        return (header.ProducerId.Value, header.ProducerEpoch.Value, header.BaseSequence);
    }
}

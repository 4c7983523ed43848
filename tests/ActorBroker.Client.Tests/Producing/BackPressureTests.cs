using ActorBroker.Log;
using Akka.Actor;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>What a producer holds is bounded, whoever sends and whether he awaits or not; and it says what it holds.</summary>
public class BackPressureTests
{
    [Fact]
    public void Records_that_wait_for_the_producer_are_bounded_by_bytes()
    {
        var intake = new ProducerIntake(maxWaitingBytes: 1000);
        var accepted = new List<TestDelivery>();
        TestDelivery last;
        do
        {
            last = Add(intake, accepted.Count, 100);
            accepted.Add(last);
        }
        while (last.Outcome is null);
        Assert.Equal(DeliveryFailure.BufferFull, last.Failure);
        Assert.InRange(accepted.Count, 5, 10);
        // What was taken out counts until the actor has said that there is room for it.
        Assert.True(intake.TryTake(out var taken));
        Assert.Equal(DeliveryFailure.BufferFull, Add(intake, 50, 100).Failure);
        intake.OnAdmitted(taken.SizeInBytes);
        Assert.Equal(DeliveryFailure.BufferFull, Add(intake, 51, 100).Failure);
        Assert.True(intake.TryTake(out _));
        intake.OnAdmitted(taken.SizeInBytes);
        Assert.Null(Add(intake, 52, 100).Outcome);
        intake.OnAdmitted(0);
        Assert.Null(Add(intake, 53, 100).Outcome);
        intake.Close();
        Assert.All(accepted.Skip(2).SkipLast(1), delivery => Assert.Equal(DeliveryFailure.Closed, delivery.Failure));
    }

    [Fact]
    public void A_record_larger_than_the_bound_is_for_the_producer_to_judge()
    {
        var intake = new ProducerIntake(maxWaitingBytes: 1000);
        Assert.Null(Add(intake, 1, 5000).Outcome);
        Assert.Equal(DeliveryFailure.BufferFull, Add(intake, 2, 10).Failure);
    }

    [Fact]
    public void Metrics_say_what_is_held_and_how_often_records_fail()
    {
        var rig = new ProducerRig(Producer("actorbroker.producer.batch.size = 100\nactorbroker.producer.buffer.memory = 400\nactorbroker.producer.enable.idempotence = false"));
        rig.Metadata(Image(("t", [One])));
        for (var i = 0; i < 4; i++)
            rig.Offer(bytes: 60, mayWait: true);
        rig.Offer(bytes: 60);
        rig.After(0);
        var metrics = rig.Core.MetricsAt(rig.Now);
        Assert.Equal((1, 1, 1), (metrics.RequestsInFlight, metrics.BatchesInFlight, metrics.RecordsFailed));
        Assert.Equal(rig.Core.BytesUsed, metrics.BufferBytesUsed);
        Assert.Equal(400, metrics.BufferBytesTotal);
        Assert.True(metrics.RecordsWaiting > 0 && metrics.BytesWaiting >= metrics.RecordsWaiting * 60);
        Assert.Equal(4, metrics.RecordsWaiting + metrics.BatchesInFlight + metrics.BatchesQueued + metrics.BatchesOpen);
        Assert.Equal(1.0 / RateWindow.Seconds, metrics.RecordErrorRate, 6);
        rig.After(31_000);
        Assert.Equal(0, rig.Core.MetricsAt(rig.Now).RecordErrorRate);
        Assert.Equal((1, -1), (metrics.CompressionRate, metrics.ProducerId));
    }

    [Fact]
    public void Batches_are_packed_as_asked_for()
    {
        foreach (var type in new[] { "gzip", "snappy", "lz4" })
        {
            var rig = new ProducerRig(Producer($"actorbroker.producer.compression.type = {type}\nactorbroker.producer.enable.idempotence = false"));
            rig.Metadata(Image(("t", [One])));
            var all = Enumerable.Range(0, 50).Select(_ => rig.Offer(bytes: 200).Id).ToList();
            rig.After(5);
            var batch = rig.SentBytes[0].Single();
            Assert.True(RecordBatchHeader.TryParse(batch, out var header));
            Assert.Equal(type, header.Compression.ToString(), ignoreCase: true);
            Assert.Equal(all, ProducerRig.IdsOf(batch));
            Assert.Equal(batch.Length, rig.Core.BytesUsed);
            Assert.InRange(rig.Core.MetricsAt(rig.Now).CompressionRate, 0.01, 0.5);
        }
    }

    private static TestDelivery Add(ProducerIntake intake, int id, int bytes)
    {
        var delivery = new TestDelivery(id);
        intake.Add(new OutgoingRecord("t", 0, null, new byte[bytes], null, delivery, default, MayWait: true));
        return delivery;
    }
}

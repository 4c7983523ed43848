using ActorBroker.Log;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication;

/// <summary>Golden scripts of idempotent producers at a leader: duplicates, order within a producer and within a request, rejections by the log.</summary>
public sealed class ProducerOrderTests
{
    [Fact]
    public void A_duplicate_is_answered_under_the_same_acks_rule_as_the_first_one()
    {
        var script = Leader(isr: [1, 2])
            .Append("a", Acks.All, producer: P(0)).Persisted(producer: P(0))
            .Append("a again", Acks.All, producer: P(0))
            .Append("a for the leader alone", Acks.Leader, producer: P(0))
            .Replica(2, 1, 5)
            .Append("a once more", Acks.All, producer: P(0));
        Expect(script, """
            assign epoch 5 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            persisted -> nothing | hw 0 end 1
            append a again -> nothing | hw 0 end 1
            append a for the leader alone -> ack a for the leader alone at 0 | hw 0 end 1
            replica 2 has 1 -> ack a at 0, ack a again at 0 | hw 1 end 1
            append a once more -> ack a once more at 0 | hw 1 end 1
            """);
    }

    [Fact]
    public void A_duplicate_of_what_is_being_written_is_answered_with_it()
    {
        var script = Leader(isr: [1, 2])
            .Append("a", Acks.All, producer: P(0)).Append("b", Acks.All, producer: P(1))
            .Append("b again", Acks.Leader, producer: P(1)).Append("a again", Acks.All, producer: P(0))
            .Persisted(producer: P(0)).Persisted(producer: P(1))
            .Replica(2, 2, 5);
        Expect(script, """
            assign epoch 5 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            append b -> write b | hw 0 end 0
            append b again -> nothing | hw 0 end 0
            append a again -> nothing | hw 0 end 0
            persisted -> nothing | hw 0 end 1
            persisted -> ack b again at 1 | hw 0 end 2
            replica 2 has 2 -> ack a at 0, ack a again at 0, ack b at 1 | hw 2 end 2
            """);
    }

    [Fact]
    public void Gaps_and_epochs_that_are_over_are_refused()
    {
        var script = Leader()
            .Append("a", producer: P(0)).Append("gap", producer: P(2)).Append("next epoch", producer: P(0, epoch: 1)).Append("stale", producer: P(1))
            .Append("within", producer: P(1, epoch: 2));
        Expect(script, """
            assign epoch 5 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            append gap -> refuse gap OutOfOrderSequence | hw 0 end 0
            append next epoch -> write next epoch | hw 0 end 0
            append stale -> refuse stale StaleProducerEpoch | hw 0 end 0
            append within -> refuse within OutOfOrderSequence | hw 0 end 0
            """);
    }

    [Fact]
    public void What_goes_on_behind_a_refused_batch_is_refused_alike()
    {
        var script = Leader(isr: [1])
            .Append("a").Append("b", goesOn: true)
            .MinIsr(1)
            .Append("a again").Append("b again", goesOn: true).Append("c", goesOn: true);
        Expect(script, """
            assign epoch 5 -> nothing | hw 0 end 0
            append a -> refuse a NotEnoughReplicas | hw 0 end 0
            append b -> refuse b NotEnoughReplicas | hw 0 end 0
            min isr 1 -> nothing | hw 0 end 0
            append a again -> write a again | hw 0 end 0
            append b again -> write b again | hw 0 end 0
            append c -> write c | hw 0 end 0
            """);
        // One that can never be written holds nobody up.
        script = Leader().Append("a", bytes: 5000).Append("b", goesOn: true);
        Assert.EndsWith("append b -> write b | hw 0 end 0", script.Transcript, StringComparison.Ordinal);
    }

    /// <summary>The in-sync replicas are too few for a producer's first batch, and enough again when its second comes.</summary>
    [Fact]
    public void A_producers_second_batch_never_passes_for_its_first()
    {
        var script = Leader(isr: [1])
            .Append("first", producer: P(0))
            .Lead(5, 1, [1, 2])
            .Append("second", producer: P(1)).Append("first again", producer: P(0)).Append("second again", producer: P(1));
        Expect(script, """
            assign epoch 5 -> nothing | hw 0 end 0
            append first -> refuse first NotEnoughReplicas | hw 0 end 0
            assign epoch 5 -> nothing | hw 0 end 0
            append second -> refuse second OutOfOrderSequence | hw 0 end 0
            append first again -> write first again | hw 0 end 0
            append second again -> write second again | hw 0 end 0
            """);
    }

    [Fact]
    public void A_rejection_by_the_log_takes_along_all_in_flight_behind_it_and_nothing_later()
    {
        var script = Leader()
            .Append("a", producer: P(0)).Append("b", producer: P(1)).Append("b again", producer: P(1)).Append("other")
            .Rejected()
            .Append("b early", producer: P(1)).Append("a again", producer: P(0))
            .Rejected().Rejected()
            .Persisted(producer: P(0))
            .Append("b late", producer: P(1));
        Expect(script, """
            assign epoch 5 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            append b -> write b | hw 0 end 0
            append b again -> nothing | hw 0 end 0
            append other -> write other | hw 0 end 0
            rejected -> refuse a StorageFull | hw 0 end 0
            append b early -> refuse b early OutOfOrderSequence | hw 0 end 0
            append a again -> write a again | hw 0 end 0
            rejected -> refuse b StorageFull, refuse b again StorageFull | hw 0 end 0
            rejected -> refuse other StorageFull | hw 0 end 0
            persisted -> nothing | hw 0 end 1
            append b late -> write b late | hw 0 end 1
            """);
    }

    [Fact]
    public void A_resigned_leader_still_knows_what_it_is_writing_when_it_leads_again()
    {
        var script = Leader()
            .Append("a", producer: P(0)).Append("a again", Acks.Leader, producer: P(0))
            .LedBy(2, 6, 1, 1, 2)
            .Lead(7, 2, [1, 2])
            .Append("a anew", Acks.All, producer: P(0))
            .Persisted(producer: P(0))
            .Replica(2, 1, 7);
        Expect(script, """
            assign epoch 5 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            append a again -> nothing | hw 0 end 0
            assign epoch 6 -> nothing | hw 0 end 0
            assign epoch 7 -> nothing | hw 0 end 0
            append a anew -> nothing | hw 0 end 0
            persisted -> ack a again at 0 | hw 0 end 1
            replica 2 has 1 -> ack a at 0, ack a anew at 0 | hw 1 end 1
            """);
    }

    /// <summary>Found by the simulation, seed 40: the duplicate was taken for new and written behind the first one.</summary>
    [Fact]
    public void A_follower_that_begins_to_lead_knows_what_it_is_still_writing()
    {
        var script = new PartitionScript(minIsr: 2)
            .LedBy(2, 5, 0, 1, 2)
            .Fetched(5, 0, bytes: 100, highWatermark: 0, producer: P(0))
            .Lead(6, 1, [1, 2])
            .Append("a again", producer: P(0)).Append("b", producer: P(1)).Append("gap", producer: P(3))
            .Persisted(producer: P(0))
            .Append("a once more", Acks.Leader, producer: P(0));
        Expect(script, """
            assign epoch 5 -> nothing | hw 0 end 0
            fetched from 0 -> nothing | hw 0 end 0
            assign epoch 6 -> nothing | hw 0 end 0
            append a again -> refuse a again NotLeader | hw 0 end 0
            append b -> write b | hw 0 end 0
            append gap -> refuse gap OutOfOrderSequence | hw 0 end 0
            persisted -> nothing | hw 0 end 1
            append a once more -> ack a once more at 0 | hw 0 end 1
            """);
    }

    [Fact]
    public void A_failed_write_refuses_duplicates_too()
    {
        var script = Leader().Append("a", producer: P(0)).Append("a again", producer: P(0)).PersistFailed();
        Assert.EndsWith("persist failed -> refuse a StorageFailed, refuse a again StorageFailed | hw 0 end 0", script.Transcript, StringComparison.Ordinal);
    }

    private static PartitionScript Leader(int[]? isr = null) => new PartitionScript(minIsr: 2).Lead(5, 0, isr ?? [1, 2], [1, 2]);

    private static ProducerStamp P(int sequence, short epoch = 0) => new(new ProducerId(7), new ProducerEpoch(epoch), sequence, sequence);

    private static void Expect(PartitionScript script, string transcript) => Assert.Equal(transcript.ReplaceLineEndings("\n"), script.Transcript);
}

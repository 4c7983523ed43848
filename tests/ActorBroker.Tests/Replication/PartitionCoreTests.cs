using ActorBroker.Log;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication;

/// <summary>Golden scripts: inputs to one partition's core, and exactly what it decides.</summary>
public sealed class PartitionCoreTests
{
    [Fact]
    public void With_one_replica_what_is_persisted_is_committed()
    {
        var script = new PartitionScript()
            .Append("early")
            .Lead(0, 0, [1])
            .Wait("reader", 0)
            .Append("a", Acks.All)
            .Append("b", Acks.Leader)
            .Append("c", Acks.None)
            .Persisted(3)
            .Persisted()
            .Persisted(2);
        Expect(script, """
            append early -> refuse early NotLeader | hw 0 end 0
            assign epoch 0 -> nothing | hw 0 end 0
            wait reader -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            append b -> write b | hw 0 end 0
            append c -> write c | hw 0 end 0
            persisted -> ack a at 0, wake reader | hw 3 end 3
            persisted -> ack b at 3 | hw 4 end 4
            persisted -> ack c at 4 | hw 6 end 6
            """);
    }

    [Fact]
    public void The_high_watermark_is_the_lowest_log_end_in_the_isr()
    {
        var script = new PartitionScript(minIsr: 2)
            .Lead(4, 0, [1, 2, 3])
            .Append("a", Acks.All).Append("b", Acks.Leader)
            .Persisted().Persisted()
            .Wait("reader", 0)
            .Replica(2, 2, epoch: 3)
            .Replica(2, 2, epoch: 4)
            .Replica(3, 1, epoch: 4)
            .Lead(4, 1, [1, 2], [1, 2, 3]);
        Expect(script, """
            assign epoch 4 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            append b -> write b | hw 0 end 0
            persisted -> nothing | hw 0 end 1
            persisted -> ack b at 1 | hw 0 end 2
            wait reader -> nothing | hw 0 end 2
            replica 2 has 2 -> nothing | hw 0 end 2
            replica 2 has 2 -> nothing | hw 0 end 2
            replica 3 has 1 -> ack a at 0, wake reader | hw 1 end 2
            assign epoch 4 -> nothing | hw 2 end 2
            """);
    }

    [Fact]
    public void Below_min_isr_acks_all_is_refused_and_nothing_commits_whatever_the_acks()
    {
        var script = new PartitionScript(minIsr: 2)
            .Lead(0, 0, [1], [1, 2, 3])
            .Append("all", Acks.All)
            .Append("one", Acks.Leader)
            .Persisted()
            .MinIsr(1);
        Expect(script, """
            assign epoch 0 -> nothing | hw 0 end 0
            append all -> refuse all NotEnoughReplicas | hw 0 end 0
            append one -> write one | hw 0 end 0
            persisted -> ack one at 0 | hw 0 end 1
            min isr 1 -> nothing | hw 1 end 1
            """);
    }

    [Fact]
    public void Min_isr_never_asks_for_more_replicas_than_there_are()
    {
        var script = new PartitionScript(minIsr: 2).Lead(0, 0, [1]).Append("a").Persisted();
        Assert.EndsWith("ack a at 0 | hw 1 end 1", script.Transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6, "refuse a FencedLeaderEpoch")]
    [InlineData(7, "write a")]
    [InlineData(8, "refuse a UnknownLeaderEpoch")]
    [InlineData(-1, "write a")]
    public void An_append_that_names_an_epoch_must_name_the_leaders_own(int claimed, string outcome)
    {
        var script = new PartitionScript().Lead(7, 0, [1]).Append("a", epoch: claimed);
        Assert.Contains($"append a -> {outcome} |", script.Transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6, "wake r FencedLeaderEpoch")]
    [InlineData(7, "nothing")]
    [InlineData(8, "wake r UnknownLeaderEpoch")]
    public void A_wait_that_names_an_epoch_must_name_the_leaders_own(int claimed, string outcome)
    {
        var script = new PartitionScript().Lead(7, 0, [1]).Wait("r", 0, claimed);
        Assert.Contains($"wait r -> {outcome} |", script.Transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, "write a")]
    [InlineData(101, "refuse a MessageTooLarge")]
    public void A_batch_may_be_as_large_as_max_message_bytes(int bytes, string outcome)
    {
        var script = new PartitionScript(maxMessageBytes: 100).Lead(0, 0, [1]).Append("a", bytes: bytes);
        Assert.Contains($"append a -> {outcome} |", script.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_that_the_log_has_no_room_for_is_refused_and_the_next_is_tried()
    {
        var script = new PartitionScript()
            .Lead(0, 0, [1]).Append("a").Append("b").Persisted().Rejected().Append("c").Persisted();
        Expect(script, """
            assign epoch 0 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            append b -> write b | hw 0 end 0
            persisted -> ack a at 0 | hw 1 end 1
            rejected -> refuse b StorageFull | hw 1 end 1
            append c -> write c | hw 1 end 1
            persisted -> ack c at 1 | hw 2 end 2
            """);
    }

    [Fact]
    public void A_failed_persist_answers_everybody_and_admits_nothing_more()
    {
        var script = new PartitionScript(minIsr: 1)
            .Lead(0, 0, [1, 2])
            .Append("written", Acks.All).Persisted()
            .Append("lost", Acks.Leader).Append("quiet", Acks.None)
            .Wait("reader", 0)
            .PersistFailed()
            .Append("after")
            .Lead(1, 1, [1])
            .Wait("late", 0);
        Expect(script, """
            assign epoch 0 -> nothing | hw 0 end 0
            append written -> write written | hw 0 end 0
            persisted -> nothing | hw 0 end 1
            append lost -> write lost | hw 0 end 1
            append quiet -> write quiet | hw 0 end 1
            wait reader -> nothing | hw 0 end 1
            persist failed -> refuse written StorageFailed, wake reader StorageFailed, refuse lost StorageFailed, refuse quiet StorageFailed | hw 0 end 1
            append after -> refuse after StorageFailed | hw 0 end 1
            assign epoch 1 -> nothing | hw 0 end 1
            wait late -> wake late NotLeader | hw 0 end 1
            """);
    }

    [Fact]
    public void Losing_leadership_answers_what_waits_and_stale_assignments_are_ignored()
    {
        var script = new PartitionScript()
            .Lead(3, 5, [1, 2])
            .Append("a", Acks.All).Append("b", Acks.All).Persisted()
            .Wait("reader", 0)
            .LedBy(2, 4, 6, 1, 2)
            .Persisted()
            .Lead(3, 5, [1])
            .Append("c");
        Expect(script, """
            assign epoch 3 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            append b -> write b | hw 0 end 0
            persisted -> nothing | hw 0 end 1
            wait reader -> nothing | hw 0 end 1
            assign epoch 4 -> refuse a NotLeader, wake reader NotLeader | hw 0 end 1
            persisted -> refuse b NotLeader | hw 0 end 2
            assign epoch 3 -> nothing | hw 0 end 2
            append c -> refuse c NotLeader | hw 0 end 2
            """);
    }

    [Fact]
    public void A_new_leader_forgets_what_replicas_reported_under_the_old_epoch()
    {
        var script = new PartitionScript()
            .Lead(0, 0, [1, 2]).Append("a").Persisted()
            .Replica(2, 1, 0)
            .LedBy(null, 1, 1, 1, 2)
            .Lead(2, 2, [1, 2])
            .Append("b").Persisted()
            .Replica(2, 2, 2);
        Assert.EndsWith("""
            persisted -> nothing | hw 1 end 2
            replica 2 has 2 -> ack b at 1 | hw 2 end 2
            """, script.Transcript, StringComparison.Ordinal);
        Assert.Equal(new Offset(1), script.Core.EpochStart);
    }

    [Fact]
    public void Draining_finishes_what_is_in_flight_and_then_closes()
    {
        var script = new PartitionScript()
            .Lead(0, 0, [1])
            .Append("a").Wait("reader", 0).Wait("gone", 0).Cancel("gone")
            .Drain()
            .Append("b")
            .Persisted()
            .Wait("late", 1)
            .Close();
        Expect(script, """
            assign epoch 0 -> nothing | hw 0 end 0
            append a -> write a | hw 0 end 0
            wait reader -> nothing | hw 0 end 0
            wait gone -> nothing | hw 0 end 0
            cancel gone -> nothing | hw 0 end 0
            drain -> nothing | hw 0 end 0
            append b -> refuse b NotLeader | hw 0 end 0
            persisted -> ack a at 0, wake reader | hw 1 end 1
            wait late -> wake late NotLeader | hw 1 end 1
            close -> nothing | hw 1 end 1
            """);
    }

    [Fact]
    public void A_wait_below_the_high_watermark_is_woken_at_once()
    {
        var script = new PartitionScript().Lead(0, 0, [1]).Append("a").Persisted().Wait("r", 0);
        Assert.EndsWith("wait r -> wake r | hw 1 end 1", script.Transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 10, 7, 7)]
    [InlineData(0, 10, 12, 10)]
    [InlineData(5, 10, 3, 5)]
    public void Recovery_takes_up_the_checkpointed_high_watermark_as_far_as_the_log_reaches(
        long logStart, long logEnd, long checkpoint, long expected)
    {
        var script = new PartitionScript(logStart: logStart, logEnd: logEnd);
        script.Core.OnRecovered(new Offset(checkpoint));
        Assert.Equal(new Offset(expected), script.Core.State.HighWatermark);
        Assert.Equal(new Offset(logEnd), script.Core.State.LogEnd);
    }

    private static void Expect(PartitionScript script, string transcript) =>
        Assert.Equal(transcript.ReplaceLineEndings("\n"), script.Transcript);

    [Fact]
    public void Records_are_deleted_up_to_the_high_watermark_and_the_answer_waits_for_the_log()
    {
        var script = new PartitionScript(showsReplication: true).Lead(epoch: 0, partitionEpoch: 0, isr: [1])
            .Append("a", Acks.Leader).Persisted(records: 5)
            .Delete("x", 6).Delete("y", 2).Delete("z", -1).LogStart(2).Delete("w", 1).LogStart(5)
            .Append("b", Acks.Leader).Persisted(records: 5).Delete("v", 7)
            .LedBy(2, epoch: 1, partitionEpoch: 1, 1, 2).Delete("u", 6);
        Assert.Equal(
            """
            assign epoch 0 -> epoch 0 begins | hw 0 end 0
            append a -> write a | hw 0 end 0
            persisted -> ack a at 0 | hw 5 end 5
            delete x 6 -> refuse x OffsetOutOfRange | hw 5 end 5
            delete y 2 -> delete below 2 | hw 5 end 5
            delete z -1 -> delete below 5 | hw 5 end 5
            log start 2 -> tell y it begins at 2 | hw 5 end 5
            delete w 1 -> tell w it begins at 2 | hw 5 end 5
            log start 5 -> tell z it begins at 5 | hw 5 end 5
            append b -> write b | hw 5 end 5
            persisted -> ack b at 5 | hw 10 end 10
            delete v 7 -> delete below 7 | hw 10 end 10
            assign epoch 1 -> refuse v NotLeader, fetch from 10 | hw 10 end 10
            delete u 6 -> refuse u NotLeader | hw 10 end 10
            """,
            script.Transcript);
    }
}

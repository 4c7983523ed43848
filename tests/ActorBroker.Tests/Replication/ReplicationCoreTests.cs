using ActorBroker.Log;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication;

/// <summary>Golden scripts of what one replica says to others and to the controller.</summary>
public sealed class ReplicationCoreTests
{
    private static readonly BrokerStandings AllActive = Standings((1, 10, true), (2, 20, true), (3, 30, true));

    [Fact]
    public void A_follower_is_answered_at_once_or_when_there_is_more()
    {
        var script = Leader()
            .Fetch(2, from: 0, epoch: 5)
            .Append("a").Persisted()
            .Fetch(3, from: 0, epoch: 5)
            .Fetch(2, from: 1, epoch: 5);
        Expect(script, """
            assign epoch 5 -> epoch 5 begins | hw 0 end 0
            2 fetches from 0 -> accept replica 2 | hw 0 end 0
            append a -> write a | hw 0 end 0
            persisted -> tell replica 2 data | hw 0 end 1
            3 fetches from 0 -> tell replica 3 data | hw 0 end 1
            2 fetches from 1 -> nothing | hw 0 end 1
            """);
    }

    [Theory]
    [InlineData(4, -1, 0, "FencedLeaderEpoch")]
    [InlineData(6, -1, 0, "UnknownLeaderEpoch")]
    [InlineData(5, 4, 7, "diverging at 4:6")]
    [InlineData(5, 3, 5, "diverging at 2:3")]
    [InlineData(5, 9, 9, "diverging at 4:10")]
    [InlineData(5, -1, 11, "OffsetOutOfRange")]
    [InlineData(5, 4, 6, "data")]
    public void A_fetch_counts_only_at_the_leaders_epoch_and_where_the_logs_agree(int epoch, int lastEpoch, int from, string answer)
    {
        var script = new PartitionScript(logEnd: 10, lastEpoch: 4, showsReplication: true);
        script.EpochEnds[4] = new EpochEnd(new LeaderEpoch(4), new Offset(6));
        script.EpochEnds[3] = new EpochEnd(new LeaderEpoch(2), new Offset(3));
        script.Lead(5, 0, [1, 2]).Fetch(2, from, epoch, lastEpoch);
        Assert.Contains($"-> tell replica 2 {answer} |", script.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void Below_the_log_start_only_the_batch_that_reaches_over_it_is_given()
    {
        var script = new PartitionScript(logStart: 5, logEnd: 10, showsReplication: true) { FirstBatchOffset = new Offset(3) };
        script.Lead(5, 0, [1, 2]).Fetch(2, 2, 5).Fetch(2, 3, 5);
        Assert.Contains("2 fetches from 2 -> tell replica 2 OffsetOutOfRange |", script.Transcript, StringComparison.Ordinal);
        Assert.Contains("2 fetches from 3 -> tell replica 2 data |", script.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_has_lagged_for_too_long_is_proposed_to_leave_and_counts_until_that_is_accepted()
    {
        var script = Leader()
            .Fetch(2, 0, 5, brokerEpoch: 20).Fetch(3, 0, 5, brokerEpoch: 30)
            .After(1000)
            .Append("a").Persisted()
            .Fetch(2, 1, 5, brokerEpoch: 20)
            .After(PartitionScript.LagTimeMs).IsrTick()
            .After(1).IsrTick().IsrTick()
            .Lead(5, 1, [1, 2], [1, 2, 3]);
        Assert.EndsWith("""
            2 fetches from 1 -> nothing | hw 0 end 1
            isr tick -> nothing | hw 0 end 1
            isr tick -> propose 1@10+2@20 against 0 | hw 0 end 1
            isr tick -> nothing | hw 0 end 1
            assign epoch 5 -> ack a at 0 | hw 1 end 1
            """.ReplaceLineEndings("\n"), script.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_is_proposed_to_join_counts_before_the_controller_has_answered()
    {
        var script = Leader(isr: [1, 2])
            .Fetch(3, 0, 5, brokerEpoch: 30)
            .Append("a").Persisted()
            .After(1000)
            .Fetch(2, 1, 5, brokerEpoch: 20)
            .IsrRefused(7)
            .IsrRefused(0)
            .Fetch(3, 0, 5, brokerEpoch: 30);
        Assert.Contains("3 fetches from 0 -> accept replica 3, propose 1@10+2@20+3@30 against 0 |", script.Transcript, StringComparison.Ordinal);
        Assert.EndsWith("""
            2 fetches from 1 -> accept replica 2 | hw 0 end 1
            isr refused -> nothing | hw 0 end 1
            isr refused -> ack a at 0 | hw 1 end 1
            3 fetches from 0 -> tell replica 3 data | hw 1 end 1
            """.ReplaceLineEndings("\n"), script.Transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(30, true, true)]
    [InlineData(29, true, false)] // an incarnation that the controller no longer knows
    [InlineData(30, false, false)] // fenced, or leaving
    public void Only_the_known_incarnation_of_an_active_broker_joins(long brokerEpoch, bool isActive, bool joins)
    {
        var script = new PartitionScript(minIsr: 2, showsReplication: true) { Brokers = Standings((1, 10, true), (2, 20, true), (3, 30, isActive)) };
        script.Lead(5, 0, [1, 2], [1, 2, 3]).Fetch(3, 0, 5, brokerEpoch: brokerEpoch);
        Assert.Equal(joins, script.Transcript.Contains("propose", StringComparison.Ordinal));
    }

    [Fact]
    public void An_eligible_leader_holds_the_high_watermark_as_an_isr_member_does()
    {
        var script = new PartitionScript(minIsr: 1, showsReplication: true) { Brokers = AllActive };
        script.Assign(1, 5, 0, [1], [1, 2, 3], eligible: 2).Append("a").Persisted();
        Assert.EndsWith("persisted -> nothing | hw 0 end 1", script.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void A_follower_takes_what_comes_next_and_the_marks_as_far_as_it_reaches()
    {
        var script = new PartitionScript(showsReplication: true)
            .LedBy(2, 5, 0, 1, 2)
            .Fetched(5, 0, bytes: 100, highWatermark: 9)
            .Fetched(5, 0, bytes: 100, highWatermark: 9)
            .Persisted(4)
            .Fetched(5, 4, bytes: 0, highWatermark: 9, logStart: 2)
            .Fetched(4, 4, bytes: 100, highWatermark: 9);
        Expect(script, """
            assign epoch 5 -> fetch from 0 | hw 0 end 0
            fetched from 0 -> write fetched | hw 0 end 0
            fetched from 0 -> nothing | hw 0 end 0
            persisted -> replicated to 4 | hw 4 end 4
            fetched from 4 -> delete below 2 | hw 4 end 4
            fetched from 4 -> nothing | hw 4 end 4
            """);
    }

    [Theory]
    [InlineData(4, 8, "cut from 7")] // its own epoch 4 ends first
    [InlineData(4, 6, "cut from 6")] // the leader's does
    [InlineData(3, 9, "cut from 5")] // it has no epoch 3, and 2 ends at 5
    [InlineData(-1, 4, "cut from 4")] // nothing is shared
    public void A_log_is_cut_where_it_left_the_leaders(int sharedEpoch, int end, string effect)
    {
        var script = new PartitionScript(logEnd: 10, lastEpoch: 5, showsReplication: true);
        script.EpochEnds[4] = new EpochEnd(new LeaderEpoch(4), new Offset(7));
        script.EpochEnds[3] = new EpochEnd(new LeaderEpoch(2), new Offset(5));
        script.LedBy(2, 6, 0, 1, 2).Diverging(6, 10, sharedEpoch, end).Fetched(6, 10, 100, 0);
        Assert.Contains($"-> {effect} |", script.Transcript, StringComparison.Ordinal);
        Assert.EndsWith("fetched from 10 -> nothing | hw 0 end 10", script.Transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 10, 12, "start over at 12")]
    [InlineData(0, 10, 8, "nothing")] // it holds what the leader holds
    [InlineData(10, 10, 4, "start over at 4")] // it holds nothing
    public void A_log_that_ends_below_the_leaders_start_begins_anew(int logStart, int logEnd, int leaderStart, string effect)
    {
        var script = new PartitionScript(logStart: logStart, logEnd: logEnd, showsReplication: true);
        script.LedBy(2, 6, 0, 1, 2).OutOfRange(6, logEnd, leaderStart);
        Assert.Contains($"-> {effect} |", script.Transcript, StringComparison.Ordinal);
    }

    private static PartitionScript Leader(int[]? isr = null) =>
        new PartitionScript(minIsr: 2, showsReplication: true) { Brokers = AllActive }.Lead(5, 0, isr ?? [1, 2, 3], [1, 2, 3]);

    private static BrokerStandings Standings(params (int Id, long Epoch, bool IsActive)[] brokers) =>
        new(brokers.Select(broker => KeyValuePair.Create(new BrokerId(broker.Id), new BrokerStanding(broker.Epoch, broker.IsActive))));

    private static void Expect(PartitionScript script, string transcript) => Assert.Equal(transcript.ReplaceLineEndings("\n"), script.Transcript);
}

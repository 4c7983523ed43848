namespace ActorBroker.Tests.Replication.Simulation;

/// <summary>Random schedules of one replicated partition; see <see cref="ReplicationSimulation"/>. A failure names its seed.</summary>
public sealed class ReplicationSimulationTests
{
    private const int Steps = 175;

    [Fact]
    public void No_schedule_loses_what_was_acknowledged_or_changes_what_was_committed()
    {
        var (acknowledged, elections, cuts, once, again) = (0L, 0L, 0L, 0L, 0L);
        for (var seed = 0; seed < 20_000; seed++)
        {
            var run = new ReplicationSimulation(seed, BrokenRule.None);
            run.Run(Steps);
            (acknowledged, elections, cuts) = (acknowledged + run.Acknowledged, elections + run.Elections, cuts + run.Cuts);
            (once, again) = (once + run.AcknowledgedOnce, again + run.SentAgain);
        }

        // Schedules in which nothing happens prove nothing.
        Assert.True(acknowledged > 20_000 && elections > 20_000 && cuts > 1_000, $"{acknowledged} acknowledged, {elections} elections, {cuts} cuts");
        Assert.True(once > 20_000 && again > 20_000, $"{once} of the idempotent producer's acknowledged, {again} sent again");
    }

    [Theory]
    [InlineData((int)BrokenRule.ProposedIsrIsIgnored)]
    [InlineData((int)BrokenRule.AnyEpochCounts)]
    [InlineData((int)BrokenRule.NothingIsCut)]
    [InlineData((int)BrokenRule.DuplicatesAreNotJudged)]
    [InlineData((int)BrokenRule.ProducersAreForgotten)]
    [InlineData((int)BrokenRule.WhatIsFetchedCountsLate)]
    [InlineData((int)BrokenRule.RejectionsTakeNothingAlong)]
    public void A_rule_that_is_taken_out_is_missed(int rule)
    {
        for (var seed = 0; seed < 20_000; seed++)
        {
            try
            {
                new ReplicationSimulation(seed, (BrokenRule)rule).Run(Steps);
            }
            catch (Exception noticed) when (noticed is SimulationFailedException or InvariantException)
            {
                return;
            }
        }

        Assert.Fail($"nobody noticed that {(BrokenRule)rule}");
    }
}

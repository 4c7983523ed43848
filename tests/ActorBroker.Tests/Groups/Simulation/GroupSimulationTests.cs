namespace ActorBroker.Tests.Groups.Simulation;

/// <summary>Scenario: members and coordinators come and go over a bad network, by many seeds; see <see cref="GroupWorld"/> for what must hold.</summary>
public class GroupSimulationTests
{
    private const int Seeds = 40;
    private const int Seconds = 120;

    [Fact]
    public void Whatever_happens_partitions_have_one_owner_and_commits_are_kept()
    {
        var (failOvers, commits, generations) = (0, 0, 0);
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var world = new GroupWorld(seed, BrokenGroupRule.None);
            try
            {
                world.Run(Seconds);
            }
            catch (GroupViolation violation)
            {
                Assert.Fail($"seed {seed}, {violation.Message}");
            }

            (failOvers, commits, generations) = (failOvers + world.FailOvers, commits + world.Commits, generations + world.Generations);
        }

        Assert.True(failOvers > Seeds && commits > 100 * Seeds && generations > 5 * Seeds, $"too little happened: {failOvers} failovers, {commits} commits, {generations} generations");
    }

    [Theory]
    [InlineData((int)BrokenGroupRule.OldGenerationsCount)]
    [InlineData((int)BrokenGroupRule.AnsweredBeforeCommitted)]
    [InlineData((int)BrokenGroupRule.TimeStandsStill)]
    public void A_rule_that_is_taken_out_is_missed(int rule)
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            try
            {
                new GroupWorld(seed, (BrokenGroupRule)rule).Run(Seconds);
            }
            catch (GroupViolation)
            {
                return;
            }
        }

        Assert.Fail($"nobody noticed that {(BrokenGroupRule)rule}");
    }
}

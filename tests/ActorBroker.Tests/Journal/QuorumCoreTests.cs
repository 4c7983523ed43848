using ActorBroker.Journal.Quorum;

namespace ActorBroker.Tests.Journal;

/// <summary>
/// The pure cores of the quorum under 100,000 seeded schedules: several nodes, two competing writers, messages lost,
/// repeated and reordered, voters that crash between two effects and restart from what is on their disk, writers that
/// are replaced, on nodes that vote and on others; and now and then a node that comes back with a blank disk, a change of
/// the voters, a deletion. <see cref="QuorumRun"/> says what is checked.
/// </summary>
public sealed class QuorumCoreTests
{
    private const int StepsPerNode = 40;

    [Theory]
    [InlineData("3", 10_000)]
    [InlineData("5", 5_000)]
    [InlineData("3 disks", 10_000)]
    [InlineData("5 disks", 5_000)]
    [InlineData("3 of 4 deletes", 10_000)]
    [InlineData("1 of 3 changes", 10_000)]
    [InlineData("3 of 5 changes deletes", 7_000)]
    [InlineData("3 of 5 changes deletes disks", 7_000)]
    public void Committed_entries_stay_for_ever(string schedule, int seeds)
    {
        var options = Parse(schedule);
        var (committed, admitted, changed, deleted, rebased) = (0, 0, 0, 0, 0);
        ForAll(seeds, seed =>
        {
            var run = new QuorumRun(seed, options);
            run.Play(options.Nodes * StepsPerNode);
            Interlocked.Add(ref committed, run.Committed.Count);
            Interlocked.Add(ref admitted, run.Committed.Admissions);
            Interlocked.Add(ref changed, run.Committed.Changes);
            Interlocked.Add(ref deleted, run.Deletions);
            Interlocked.Add(ref rebased, run.Rebases);
            return true;
        });

        // The schedules would prove nothing if nothing of this ever happened.
        Assert.True(committed > seeds, $"only {committed} entries were committed");
        if (options.DisksGetLost) Assert.True(admitted > seeds / 500, $"only {admitted} blank disks were admitted");
        if (options.VotersChange) Assert.True(changed > seeds / 100, $"voters changed only {changed} times");
        if (options.Deletes) Assert.True(deleted > seeds / 5 && rebased > seeds / 500, $"only {deleted} deletions, {rebased} logs begun anew");
    }

    // A writer that begins no epoch with an entry of its own takes an older entry for committed because a majority holds
    // it, and a later writer may still cut that.
    [Fact]
    public void The_schedules_catch_a_writer_that_begins_no_epoch() =>
        AssertCaught("3", new QuorumRules { BeginsEpochs = false });

    // Two changes under way: majorities of the first and the last set need not overlap.
    [Fact]
    public void The_schedules_catch_a_change_of_voters_before_the_last_is_committed() =>
        AssertCaught("3 of 5 changes", new QuorumRules { ChangesOneAtATime = false });

    [Fact]
    public void The_schedules_catch_a_voter_that_counts_before_it_has_caught_up() =>
        AssertCaught("3 of 5 changes", new QuorumRules { CatchesUpFirst = false });

    // A blank disk votes in the place of the one that was lost: it knows nothing of what that one had promised and held.
    [Fact]
    public void The_schedules_catch_a_blank_disk_that_votes_for_the_lost_one() =>
        AssertCaught("3 disks", new QuorumRules { TellsDisksApart = false });

    // Once faults end, a writer gets its entries to all who count.
    [Theory]
    [InlineData("3")]
    [InlineData("3 of 5 changes deletes")]
    [InlineData("3 of 5 changes deletes disks")]
    public void A_quorum_makes_progress_when_faults_end(string schedule)
    {
        var stuck = 0;
        for (var seed = 0; seed < 300; seed++)
        {
            var run = new QuorumRun(seed, Parse(schedule));
            run.Play(steps: 200);
            if (run.LacksMajority) stuck++;
            else Assert.True(run.ReachesAll(), $"seed {seed}: no progress: {run}");
        }

        Assert.True(stuck < 10, $"{stuck} runs ended without a majority");
    }

    private static void AssertCaught(string schedule, QuorumRules broken)
    {
        var options = Parse(schedule) with { Rules = broken };
        var caught = 0;
        ForAll(40_000, seed =>
        {
            try
            {
                new QuorumRun(seed, options).Play(options.Nodes * StepsPerNode);
                return true;
            }
            catch (ScheduleViolatedException)
            {
                Interlocked.Increment(ref caught);
                return false;
            }
        });

        Assert.True(caught > 0);
    }

    /// <summary>
    /// Until one says that it is enough. On threads of its own: those of the pool would be missing in the tests that run
    /// beside this, whose timers would come late.
    /// </summary>
    private static void ForAll(int seeds, Func<int, bool> play)
    {
        var (next, fault) = (-1, (Exception?)null);
        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Play)).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        if (fault is not null) throw new AggregateException(fault);

        void Play()
        {
            try
            {
                while (Interlocked.Increment(ref next) is var seed && seed < seeds && play(seed))
                {
                }
            }
            catch (Exception violation)
            {
                fault = violation;
            }

            Interlocked.Add(ref next, seeds);
        }
    }

    /// <summary>"VOTERS [of NODES] [changes] [deletes] [disks]"</summary>
    private static ScheduleOptions Parse(string schedule)
    {
        var words = schedule.Split(' ');
        var voters = int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture);
        var nodes = words.Contains("of") ? int.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture) : voters;
        return new ScheduleOptions(nodes, voters)
        {
            VotersChange = words.Contains("changes"),
            Deletes = words.Contains("deletes"),
            DisksGetLost = words.Contains("disks"),
        };
    }
}

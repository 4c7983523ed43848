namespace ActorBroker.Log.Tests.Cleaning;

/// <summary>
/// The machine stops at every single operation on the disk that a cleaning does, and what was not flushed is lost in each of the ways
/// that disks have. After it the log holds what it held before the cleaning or what it would have held after it, group by group, never
/// anything between; nothing that an operator must hear of; and the next cleaning brings the same result.
/// </summary>
public sealed class CleaningCrashTests
{
    private static readonly string[] _keys = ["a", "b", "c", "d"];

    [Theory]
    [InlineData(CrashMode.LoseAll)]
    [InlineData(CrashMode.KeepPrefix)]
    [InlineData(CrashMode.KeepAnyPages)]
    public void A_cleaning_that_a_crash_interrupts_anywhere_happens_group_by_group_or_not_at_all(CrashMode mode)
    {
        var (dirty, clean, states) = StatesOfACleaning();
        Assert.True(states.Count >= 3, "the history must take several groups");
        var crashes = 0;
        for (var changes = 0L; ; changes++, crashes++)
        {
            var (fixture, log) = DirtyLog(seed: (int)changes);
            Assert.Equal(dirty, log.ReadKeyed());
            fixture.Disk.ChangesLeft = changes;
            var finished = TryClean(log);
            var recoveryPoint = log.RecoveryPoint;
            fixture.Disk.Crash(mode);
            log.Dispose();
            using var after = fixture.Open(new LogRecoveryInfo(recoveryPoint, Offset.Zero, WasClean: false));

            Assert.False(after.Recovery.IsRemarkable, string.Join("; ", after.Recovery.Notes));
            Assert.Contains(string.Join(" ", after.ReadKeyed()), states);
            AssertReadsAlikeFromEverywhere(after);
            Assert.DoesNotContain(fixture.Disk.ListFiles(fixture.Directory), file => file.Name.EndsWith(".swap", StringComparison.Ordinal) || file.Name.EndsWith(".cleaned", StringComparison.Ordinal));
            Assert.Equal(CleaningState.Done, after.Clean()!.State);
            Assert.Equal(clean, after.ReadKeyed());
            after.Put(5000, "z=last");
            Assert.Equal([.. clean, $"{after.LogEndOffset - 1}:z=last"], after.ReadKeyed());
            if (finished)
                break;
        }

        Assert.True(crashes > 30, $"only {crashes} places to crash at");
    }

    [Fact]
    public void A_fault_of_the_disk_in_a_cleaning_leaves_a_log_that_goes_on_and_no_files()
    {
        var (_, clean, states) = StatesOfACleaning();
        foreach (var operation in (FileOperation[])[FileOperation.Open, FileOperation.Read, FileOperation.Write, FileOperation.Flush, FileOperation.Move, FileOperation.FlushDirectory])
        {
            foreach (var name in (string[])["", ".log.", ".index.", ".timeindex."])
            {
                var (fixture, log) = DirtyLog(seed: 1);
                var before = fixture.Disk.ListFiles(fixture.Directory).Count;
                fixture.Disk.FailNext(operation, name);
                if (TryClean(log))
                    continue;
                fixture.Disk.StopFailing();
                Assert.Contains(string.Join(" ", log.ReadKeyed()), states);
                Assert.DoesNotContain(fixture.Disk.ListFiles(fixture.Directory), file => file.Name.EndsWith(".cleaned", StringComparison.Ordinal));
                Assert.True(fixture.Disk.ListFiles(fixture.Directory).Count <= before);
                log.Put(5000, "z=last");
                Assert.Equal(CleaningState.Done, log.Clean()!.State);
                Assert.Equal([.. clean, $"{log.LogEndOffset - 1}:z=last"], log.ReadKeyed());
                log.CloseCleanly();
            }
        }
    }

    /// <summary>What a log reads like before, between the groups of, and after a cleaning.</summary>
    private static (List<string> Dirty, List<string> Clean, HashSet<string> All) StatesOfACleaning()
    {
        var (_, log) = DirtyLog(seed: 0);
        using (log)
        {
            var dirty = log.ReadKeyed();
            var all = new HashSet<string>(StringComparer.Ordinal) { string.Join(" ", dirty) };
            using var cleaning = log.BeginCleaning(null, log.LogEndOffset, CleaningHarness.Options())!;
            while (cleaning.State != CleaningState.Done)
            {
                if (cleaning.State == CleaningState.SwapDue)
                    Assert.True(log.TrySwapIn(cleaning));
                else
                    cleaning.Step();
                log.SettleSwaps();
                all.Add(string.Join(" ", log.ReadKeyed()));
            }

            return (dirty, log.ReadKeyed(), all);
        }
    }

    /// <summary>No old segment lies beside the one that took its place.</summary>
    private static void AssertReadsAlikeFromEverywhere(PartitionLog log)
    {
        var all = log.ReadRecords();
        for (var from = 0L; from < log.LogEndOffset.Value; from++)
            Assert.Equal(all.Where(record => record.Offset >= from), log.ReadRecords(new Offset(from)));
    }

    private static bool TryClean(PartitionLog log)
    {
        try
        {
            return log.Clean()!.State == CleaningState.Done;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static (LogFixture Fixture, PartitionLog Log) DirtyLog(int seed)
    {
        var fixture = new LogFixture(seed)
        {
            Options = new LogOptions { SegmentBytes = 500, IndexIntervalBytes = 80, CleanupPolicy = CleanupPolicy.Compact },
        };
        var log = fixture.Open();
        // Half as large as they may become, so that each group has several.
        log.Options = fixture.Options with { SegmentBytes = 230 };
        for (var i = 0; i < 24; i++)
            log.Put(1000 + i, $"{_keys[i % 3]}=old{i}", $"once{i}=value{i}{new string('x', i % 5)}");
        log.Put(2000, "d=only", "once3");
        log.Roll(fixture.Time);
        log.Put(3000, "e=active");
        log.Options = fixture.Options;
        log.Flush();
        return (fixture, log);
    }
}

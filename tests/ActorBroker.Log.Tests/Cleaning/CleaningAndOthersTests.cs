namespace ActorBroker.Log.Tests.Cleaning;

/// <summary>Readers, retention, cuts and closing while a cleaning is under way: none of them waits, and none is disturbed.</summary>
public sealed class CleaningAndOthersTests
{
    private readonly LogFixture _fixture = new()
    {
        Options = new LogOptions { SegmentBytes = 300, IndexIntervalBytes = 100, CleanupPolicy = CleanupPolicy.Compact },
    };

    [Fact]
    public void Whoever_reads_a_replaced_segment_reads_on_and_the_names_settle_once_it_lets_go()
    {
        using var log = Dirty();
        var old = log.Segments[1].BaseOffset;
        var region = log.ReadRegion(old, 1000, Offset.Max, minOneBatch: true)!;
        var before = Read(region);
        Assert.Equal(CleaningState.Done, log.Clean()!.State);
        var clean = log.ReadKeyed();
        Assert.Equal(before, Read(region));
        Assert.Contains(Names(), name => name.EndsWith(".log.swap", StringComparison.Ordinal));
        // Its names are taken: the log can't be cleaned again before they are settled.
        Assert.Null(log.BeginCleaning(null, log.LogEndOffset, CleaningHarness.Options()));
        region.Dispose();
        log.TrimIdle();
        Assert.DoesNotContain(Names(), name => name.EndsWith(".swap", StringComparison.Ordinal));
        Assert.Equal(clean, log.ReadKeyed());
        Assert.Equal(log.Segments.Count, Names().Count(name => name.EndsWith(".log", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_log_that_is_closed_before_its_names_settled_opens_with_what_was_swapped_in()
    {
        var log = Dirty();
        var region = log.ReadRegion(log.Segments[1].BaseOffset, 1000, Offset.Max, minOneBatch: true)!;
        log.Clean();
        var clean = log.ReadKeyed();
        log.CloseCleanly();
        region.Dispose();
        Assert.Contains(Names(), name => name.EndsWith(".log.swap", StringComparison.Ordinal));
        using var again = _fixture.OpenClean(log);
        Assert.Equal(clean, again.ReadKeyed());
        Assert.False(again.Recovery.IsRemarkable, string.Join("; ", again.Recovery.Notes));
        Assert.DoesNotContain(Names(), name => name.EndsWith(".swap", StringComparison.Ordinal));
    }

    [Fact]
    public void Segments_that_retention_deletes_meanwhile_end_the_cleaning()
    {
        using var log = Dirty();
        using var cleaning = Begin(log, CleaningState.SwapDue);
        log.AdvanceLogStartOffset(log.Segments[2].BaseOffset);
        log.DeleteOldSegments(log.LogEndOffset);
        var kept = log.ReadKeyed();
        Assert.False(log.TrySwapIn(cleaning));
        Assert.Equal((CleaningState.Abandoned, kept.Count), (cleaning.State, log.ReadKeyed().Count));
        AssertNothingIsLeft(log);
    }

    [Theory]
    [InlineData(CleaningState.Working)]
    [InlineData(CleaningState.SwapDue)]
    public void A_cut_ends_the_cleaning(CleaningState state)
    {
        using var log = Dirty();
        var before = log.ReadKeyed();
        using var cleaning = Begin(log, state);
        log.TruncateTo(log.LogEndOffset - 1);
        Assert.Equal(CleaningState.Abandoned, cleaning.State);
        Assert.False(log.TrySwapIn(cleaning));
        Assert.Equal(0, cleaning.Step());
        Assert.Equal(before[..^1], log.ReadKeyed());
        AssertNothingIsLeft(log);
    }

    [Theory]
    [InlineData(CleaningState.Working)]
    [InlineData(CleaningState.SwapDue)]
    public void Closing_a_log_ends_the_cleaning_and_its_folder_can_go(CleaningState state)
    {
        var log = Dirty();
        using var cleaning = Begin(log, state);
        log.CloseCleanly();
        Assert.Equal(0, cleaning.Step());
        Assert.Equal(CleaningState.Abandoned, cleaning.State);
        AssertNothingIsLeft(log);
        _fixture.Disk.MoveDirectory(_fixture.Directory, "gone"); // fails when a file in it is open
    }

    [Fact]
    public async Task Readers_beside_appends_and_cleanings_see_each_record_that_is_newest_and_only_what_was_written()
    {
        const int Rounds = 300;
        using var log = _fixture.Open();
        log.Put(0, "k0=0");
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() => ReadOverAndOver(log, done.Token))).ToList();
        Offset? cleanedTo = null;
        for (var i = 1; i <= Rounds; i++)
        {
            log.Put(i, $"k{i % 9}={i}", $"m{i % 5}={i}");
            if (i % 10 == 0)
                cleanedTo = log.Clean(cleanedTo)?.CleanedTo ?? cleanedTo;
        }

        await done.CancelAsync();
        Assert.All(await Task.WhenAll(readers), reads => Assert.True(reads > 0));
        log.SettleSwaps();
        AssertNothingIsLeft(log);
    }

    /// <summary>How often it read everything.</summary>
    private static int ReadOverAndOver(PartitionLog log, CancellationToken done)
    {
        var reads = 0;
        while (!done.IsCancellationRequested || reads == 0)
        {
            var highest = -1;
            foreach (var (offset, timestampMs, text) in log.ReadRecords())
            {
                // Round r wrote offsets 2r-1 and 2r, and its number as the value.
                var round = (offset + 1) / 2;
                Assert.EndsWith($"={round}", text, StringComparison.Ordinal);
                Assert.True(timestampMs == round || timestampMs == round + 1);
                highest = Math.Max(highest, (int)round);
            }

            var time = log.OffsetForTimestamp(highest);
            Assert.True(time is null || time.Value.TimestampMs >= highest);
            reads++;
        }

        return reads;
    }

    private PartitionLog Dirty()
    {
        var log = _fixture.Open();
        for (var i = 0; i < 20; i++)
            log.Put(1000 + i, $"a={i}", $"b{i % 3}={i}");
        log.Roll(_fixture.Time);
        log.Put(2000, "z=0");
        log.Put(2001, "z=1");
        Assert.True(log.Segments.Count > 5);
        return log;
    }

    /// <summary>A cleaning that writes to its files, or waits for its swap.</summary>
    private static LogCleaning Begin(PartitionLog log, CleaningState state)
    {
        var cleaning = log.BeginCleaning(null, log.LogEndOffset, CleaningHarness.Options(bufferBytes: 100))!;
        while (cleaning.State != state || cleaning.Target is null)
            cleaning.Step();
        return cleaning;
    }

    private void AssertNothingIsLeft(PartitionLog log)
    {
        Assert.DoesNotContain(Names(), name => name.EndsWith(".swap", StringComparison.Ordinal) || name.EndsWith(".cleaned", StringComparison.Ordinal));
        Assert.Equal(log.Segments.Count, Names().Count(name => name.EndsWith(".log", StringComparison.Ordinal)));
    }

    private List<string> Names() => [.. _fixture.Disk.ListFiles(_fixture.Directory).Select(file => file.Name)];

    private static string Read(LogFileRegion region)
    {
        var bytes = new byte[region.Length];
        Assert.Equal(bytes.Length, region.File.Read(bytes, region.Position));
        return Convert.ToHexString(bytes);
    }
}

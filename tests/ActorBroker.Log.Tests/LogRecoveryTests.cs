namespace ActorBroker.Log.Tests;

/// <summary>What a log is after crashes and damage: everything whole before the first bad byte, nothing behind it.</summary>
public sealed class LogRecoveryTests
{
    [Fact]
    public void A_log_cut_at_every_byte_of_its_last_batches_keeps_what_is_whole()
    {
        var fixture = new LogFixture();
        var ends = new List<int> { 0 };
        using (var log = fixture.Open())
        {
            for (var i = 0; i < 5; i++)
            {
                log.Append(Batches.Of($"v{i}", "w"));
                ends.Add((int)log.SizeInBytes);
            }

            log.CloseCleanly();
        }

        var whole = fixture.ReadFile(fixture.Segment(0));
        for (var length = ends[2]; length <= whole.Length; length++)
        {
            fixture.WriteFile(fixture.Segment(0), whole[..length]);
            using var log = fixture.Open();
            var kept = ends.FindLastIndex(e => e <= length);
            Assert.Equal(kept * 2, log.LogEndOffset.Value);
            Assert.Equal(ends[kept], log.SizeInBytes);
            Assert.Equal(length - ends[kept], log.Recovery.BytesCut);
            Assert.Equal(length == ends[kept] ? null : kept * 2, log.Recovery.FirstBadOffset?.Value);
            Assert.Equal(kept * 2, Batches.ReadAll(log).Count);
            Assert.Equal(ends[kept], fixture.ReadFile(fixture.Segment(0)).Length);
        }
    }

    [Fact]
    public void A_flipped_bit_anywhere_cuts_at_its_batch_and_is_reported()
    {
        var fixture = new LogFixture();
        using (var log = fixture.Open())
        {
            for (var i = 0; i < 3; i++)
                log.Append(Batches.Of($"v{i}"));
            log.CloseCleanly();
        }

        var whole = fixture.ReadFile(fixture.Segment(0));
        var size = whole.Length / 3;
        for (var at = size; at < 2 * size; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                // The leader epoch lies outside the checksum; a higher base offset looks like compaction's gap.
                var inBatch = at - size;
                if (inBatch < 8 || inBatch is >= RecordBatchHeader.LeaderEpochAt and < RecordBatchHeader.MagicAt)
                    continue;
                var damaged = whole.ToArray();
                damaged[at] ^= (byte)(1 << bit);
                fixture.WriteFile(fixture.Segment(0), damaged);
                using var log = fixture.Open();
                Assert.Equal((1L, 1L), (log.LogEndOffset.Value, log.Recovery.FirstBadOffset?.Value));
                Assert.NotEqual(BatchFault.None, log.Recovery.Fault);
                Assert.Equal(size, log.Recovery.FirstBadPosition);
                Assert.Equal(["0=v0"], Batches.ReadAll(log));
            }
        }
    }

    [Fact]
    public void Damage_in_an_earlier_segment_takes_the_later_ones_with_it()
    {
        var fixture = new LogFixture { Options = new LogOptions { SegmentBytes = 200 } };
        using (var log = fixture.Open())
        {
            for (var i = 0; i < 10; i++)
                log.Append(Batches.Of(new string((char)('a' + i), 50)));
            log.CloseCleanly();
        }

        var second = fixture.Disk.ListFiles(fixture.Directory).Select(f => f.Name).Where(n => n.EndsWith(".log", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ElementAt(1);
        fixture.Disk.Damage(fixture.FilePath(second), 100);
        using var again = fixture.Open(new LogRecoveryInfo(Offset.Zero, Offset.Zero, WasClean: false));
        var expected = long.Parse(second.AsSpan(0, 20));
        Assert.Equal(expected, again.LogEndOffset.Value);
        Assert.EndsWith(second, again.Recovery.FirstBadFile);
        Assert.Equal(expected, Batches.ReadAll(again).Count);
        again.Append(Batches.Of("next"));
        Assert.Equal(expected + 1, Batches.ReadAll(again).Count);
    }

    [Fact]
    public void Only_segments_from_the_recovery_point_on_are_scanned_and_none_after_a_clean_close()
    {
        var fixture = new LogFixture { Options = new LogOptions { SegmentBytes = 200 } };
        var log = fixture.Open();
        for (var i = 0; i < 10; i++)
            log.Append(Batches.Of(new string('x', 50)));
        log.CloseCleanly();
        using (var clean = fixture.OpenClean(log))
        {
            Assert.True(clean.Recovery.WasClean);
            Assert.Equal((0, 0L), (clean.Recovery.SegmentsScanned, clean.Recovery.BytesScanned));
            Assert.Equal(10, clean.LogEndOffset.Value);
        }

        using var crashed = fixture.Open(new LogRecoveryInfo(new Offset(10), Offset.Zero, WasClean: false));
        Assert.Equal(1, crashed.Recovery.SegmentsScanned);
        Assert.Equal(10, Batches.ReadAll(crashed).Count);
    }

    [Fact]
    public void Missing_and_damaged_indexes_are_built_anew_on_first_use()
    {
        var fixture = new LogFixture { Options = new LogOptions { SegmentBytes = 3_000, IndexIntervalBytes = 100 } };
        var log = fixture.Open();
        for (var i = 0; i < 100; i++)
            log.Append(Batches.At(1_000 + i, $"v{i}"));
        log.CloseCleanly();
        fixture.Disk.DeleteFile(fixture.Segment(0, ".index"));
        var second = log.Segments[1].BaseOffset.Value;
        fixture.WriteFile(fixture.Segment(second, ".index"), new byte[1024]);
        var third = log.Segments[2].BaseOffset.Value;
        fixture.WriteFile(fixture.Segment(third, ".timeindex"), new byte[13]);
        fixture.Disk.DeleteFile(fixture.Segment(log.Segments[^1].BaseOffset.Value, ".timeindex"));
        using var again = fixture.OpenClean(log);
        Assert.Equal(100, Batches.ReadAll(again, 300).Count);
        for (var i = 0; i < 100; i++)
            Assert.Equal(i, again.OffsetForTimestamp(1_000 + i)?.Offset.Value);
        Assert.True(fixture.Disk.FileExists(fixture.Segment(0, ".index")));
        Assert.Equal(0, fixture.ReadFile(fixture.Segment(third, ".timeindex")).Length % 12);
    }

    [Fact]
    public void A_lost_or_garbled_epoch_file_is_rebuilt_and_said_so()
    {
        var fixture = new LogFixture();
        var log = fixture.Open();
        log.Append([Batches.Of("a", "b")], new LeaderEpoch(1), []);
        log.Append([Batches.Of("c")], new LeaderEpoch(4), []);
        log.CloseCleanly();
        fixture.WriteFile(fixture.FilePath("leader-epoch-checkpoint"), "0\n7\n1 0\n"u8.ToArray());
        using var again = fixture.OpenClean(log);
        Assert.Equal(log.Epochs, again.Epochs);
        Assert.Contains(again.Recovery.Notes, n => n.Contains("leader-epoch-checkpoint", StringComparison.Ordinal));
        Assert.True(again.Recovery.IsRemarkable);
    }

    [Fact]
    public void Flushed_records_that_are_gone_are_called_lost()
    {
        var fixture = new LogFixture();
        var log = fixture.Open();
        log.Append(Batches.Of("a"));
        log.Append(Batches.Of("b"));
        log.CloseCleanly();
        fixture.WriteFile(fixture.Segment(0), fixture.ReadFile(fixture.Segment(0))[..70]);
        using var again = fixture.Open(new LogRecoveryInfo(new Offset(2), Offset.Zero, WasClean: false));
        Assert.True(again.Recovery.LostFlushedRecords);
        Assert.Equal(1, again.LogEndOffset.Value);
    }

    [Fact]
    public void A_clean_marker_that_lies_is_not_believed()
    {
        var fixture = new LogFixture();
        var log = fixture.Open();
        log.Append(Batches.Of("a"));
        log.Append(Batches.Of("b"));
        log.CloseCleanly();
        fixture.WriteFile(fixture.Segment(0), fixture.ReadFile(fixture.Segment(0))[..^5]);
        using var again = fixture.OpenClean(log);
        Assert.False(again.Recovery.WasClean);
        Assert.Equal(["0=a"], Batches.ReadAll(again));
    }

    [Fact]
    public void A_lost_end_of_a_rolled_segment_takes_the_segments_behind_it_with_it()
    {
        // Found by seed 8 of the crash test: the later segment's name survived, the earlier one's last bytes did not.
        var fixture = new LogFixture { Options = new LogOptions { SegmentBytes = 200 } };
        using (var log = fixture.Open())
        {
            for (var i = 0; i < 4; i++)
                log.Append(Batches.Of(new string((char)('a' + i), 20)));
            log.CloseCleanly();
            Assert.Equal(2, log.Segments.Count);
        }

        fixture.WriteFile(fixture.Segment(0), fixture.ReadFile(fixture.Segment(0))[..(int)RecordBatchBuilder.SizeOfSingle(null, new byte[20])]);
        using var again = fixture.Open();
        Assert.Equal((1L, 1L, 1), (again.LogEndOffset.Value, again.Recovery.FirstBadOffset?.Value, again.Segments.Count));
        Assert.Single(Batches.ReadAll(again));
    }

    [Fact]
    public void Indexes_of_a_segment_that_rolled_right_after_a_flush_survive_a_power_loss()
    {
        var fixture = new LogFixture { Options = new LogOptions { SegmentBytes = 2_000, IndexIntervalBytes = 100 } };
        var log = fixture.Open();
        while (log.SizeInBytes < 1_930)
            log.Append(Batches.At(1_000 + log.LogEndOffset.Value, "v"));
        var flushed = log.Flush();
        fixture.Time.Advance(TimeSpan.FromDays(8));
        Assert.True(log.RollIfDue());
        fixture.Disk.FlushDirectory(fixture.Directory);
        fixture.Disk.Crash();
        using var again = fixture.Open(new LogRecoveryInfo(flushed, Offset.Zero, WasClean: false));
        Assert.Equal(flushed, again.LogEndOffset);
        Assert.Equal(flushed - 1, again.OffsetForTimestamp(999 + flushed.Value)?.Offset);
    }

    [Theory]
    [InlineData(CrashMode.LoseAll)]
    [InlineData(CrashMode.KeepPrefix)]
    [InlineData(CrashMode.KeepAnyPages)]
    public void Crashes_at_random_points_lose_nothing_that_was_flushed(CrashMode mode)
    {
        // Model: the list of appended values. After a crash the log is a prefix of it, at least as long as what was flushed.
        for (var seed = 1; seed <= 60; seed++)
        {
            try
            {
                CrashOnce(mode, seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, {mode}: {e.Message}", e);
            }
        }
    }

    private static void CrashOnce(CrashMode mode, int seed)
    {
        var random = new Random(seed);
        var fixture = new LogFixture(seed) { Options = new LogOptions { SegmentBytes = random.Next(300, 3_000), IndexIntervalBytes = random.Next(0, 300) } };
        var model = new List<string>();
        var stored = LogRecoveryInfo.Unknown;
        for (var life = 0; life < 6; life++)
        {
            var log = fixture.Open(stored);
            var found = Batches.ReadAll(log);
            Assert.Equal(log.LogEndOffset.Value, found.Count);
            Assert.Equal(model.Take(found.Count), found);
            Assert.True(found.Count >= stored.RecoveryPoint.Value, $"{found.Count} of {stored.RecoveryPoint} flushed records are left");
            model.RemoveRange(found.Count, model.Count - found.Count);
            AssertTimesAreFound(log);
            for (var steps = random.Next(40); steps > 0; steps--)
                Step(log, random, model, life);
            stored = stored with { RecoveryPoint = log.RecoveryPoint, WasClean = false };
            if (random.Next(4) == 0)
            {
                log.CloseCleanly();
                stored = stored with { RecoveryPoint = log.RecoveryPoint, WasClean = true };
            }

            fixture.Disk.Crash(mode);
        }
    }

    private static void AssertTimesAreFound(PartitionLog log)
    {
        var times = new List<long>();
        for (var at = Offset.Zero; at < log.LogEndOffset;)
        {
            using var read = log.Read(at, 1, Offset.Max, minOneBatch: true);
            foreach (var record in new RecordEnumerator(read.Batches.Span))
                times.Add(record.Timestamp);
            at = read.NextOffset;
        }

        foreach (var time in times.Where((_, i) => i % 7 == 0).Append(long.MaxValue))
            Assert.Equal(times.FindIndex(t => t >= time), log.OffsetForTimestamp(time)?.Offset.Value ?? -1);
    }

    private static void Step(PartitionLog log, Random random, List<string> model, int life)
    {
        switch (random.Next(8))
        {
            case 0:
                log.Flush();
                break;
            case 1:
                log.TrimIdle();
                break;
            default:
                var batches = Enumerable.Range(0, random.Next(1, 4))
                    .Select(_ => Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"{life}{new string('x', random.Next(80))}").ToArray())
                    .ToArray();
                log.Append([.. batches.Select(b => Batches.At(1_000 + (10 * model.Count), b))], new LeaderEpoch(life), []);
                foreach (var value in batches.SelectMany(b => b))
                    model.Add($"{model.Count}={value}");
                break;
        }
    }
}

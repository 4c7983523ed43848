using System.Text;

namespace ActorBroker.Log.Tests;

/// <summary>Appending, reading, rolling and looking things up.</summary>
public sealed class PartitionLogTests
{
    private readonly LogFixture _fixture = new();

    [Fact]
    public void Batches_get_offsets_and_epochs_and_are_read_back()
    {
        using var log = _fixture.Open();
        var appended = new AppendedBatch[2];
        var result = log.Append([Batches.Of("a", "b"), Batches.Of("c")], new LeaderEpoch(4), appended);
        Assert.Equal((AppendStatus.Ok, 0L, 3L), (result.Status, result.FirstOffset.Value, result.LogEndOffset.Value));
        Assert.Equal((0L, 1L, 2L, -1L), (appended[0].BaseOffset.Value, appended[0].LastOffset.Value, appended[1].BaseOffset.Value, appended[1].AppendTimeMs));
        log.Append(Batches.Of("d"));
        Assert.Equal(["0=a", "1=b", "2=c", "3=d"], Batches.ReadAll(log));
        using var read = log.Read(new Offset(1), 1 << 20, Offset.Max, minOneBatch: true);
        Assert.Equal(["0=a", "1=b", "2=c", "3=d"], Batches.Values(read.Batches));
        RecordBatchHeader.TryParse(read.Batches.Span, out var header);
        Assert.Equal(4, header.PartitionLeaderEpoch.Value);
        Assert.Equal(4, read.NextOffset.Value);
    }

    [Fact]
    public void A_read_stops_at_its_limit_and_below_its_upper_bound()
    {
        using var log = _fixture.Open();
        for (var i = 0; i < 20; i++)
            log.Append(Batches.Of($"v{i}", "w"));
        var size = Batches.Of("v1", "w").Length;
        using var two = log.Read(new Offset(2), (size * 2) + 10, Offset.Max, minOneBatch: true);
        Assert.Equal(["2=v1", "3=w", "4=v2", "5=w"], Batches.Values(two.Batches));
        using var small = log.Read(new Offset(2), 10, Offset.Max, minOneBatch: true);
        Assert.Equal(["2=v1", "3=w"], Batches.Values(small.Batches));
        using var none = log.Read(new Offset(2), 10, Offset.Max, minOneBatch: false);
        Assert.Equal((LogReadStatus.Ok, 0, 2L), (none.Status, none.Batches.Length, none.NextOffset.Value));
        using var bounded = log.Read(new Offset(2), 1 << 20, new Offset(5), minOneBatch: true);
        Assert.Equal(["2=v1", "3=w"], Batches.Values(bounded.Batches));
        using var atEnd = log.Read(log.LogEndOffset, 1 << 20, Offset.Max, minOneBatch: true);
        Assert.Equal((LogReadStatus.Ok, 0), (atEnd.Status, atEnd.Batches.Length));
        using var beyond = log.Read(log.LogEndOffset + 1, 1 << 20, Offset.Max, minOneBatch: true);
        Assert.Equal(LogReadStatus.OutOfRange, beyond.Status);
    }

    [Fact]
    public void Every_offset_is_found_by_every_way_of_reading_across_segments()
    {
        // Model: a list. Sizes are mixed so that batches are smaller and larger than the index interval.
        var random = new Random(3);
        _fixture.Options = _fixture.Options with { SegmentBytes = 5_000 };
        using var log = _fixture.Open();
        var baseOf = new List<(long Base, long Next)>();
        while (log.Segments.Count < 6)
        {
            var count = random.Next(1, 6);
            var value = new string('x', random.Next(1, 400));
            var from = log.Append(Batches.Of(Enumerable.Repeat(value, count).ToArray())).FirstOffset.Value;
            for (var i = 0; i < count; i++)
                baseOf.Add((from, from + count));
        }

        var buffer = new byte[4_000];
        for (var offset = 0; offset < baseOf.Count; offset++)
        {
            using var read = log.Read(new Offset(offset), 1, Offset.Max, minOneBatch: true);
            RecordBatchHeader.TryParse(read.Batches.Span, out var header);
            Assert.Equal(baseOf[offset], (header.BaseOffset.Value, read.NextOffset.Value));
            using var region = log.ReadRegion(new Offset(offset), 1, Offset.Max, minOneBatch: true);
            Assert.NotNull(region);
            var bytes = new byte[region.Length];
            region.File.Read(bytes, region.Position);
            Assert.Equal(read.Batches.ToArray(), bytes);
            var into = log.ReadInto(buffer, new Offset(offset), new Offset(baseOf[offset].Next));
            Assert.Equal(read.Batches.ToArray(), into.Batches.ToArray());
        }

        Assert.Equal(baseOf.Count, Batches.ReadAll(log, 900).Count);
    }

    [Fact]
    public void A_region_ends_where_its_upper_bound_lies()
    {
        using var log = _fixture.Open();
        var size = log.Append(Batches.Of("a")).IsOk ? Batches.Of("a").Length : 0;
        log.Append(Batches.Of("b"));
        log.Append(Batches.Of("c"));
        using (var region = log.ReadRegion(Offset.Zero, 1 << 20, new Offset(2), minOneBatch: true))
            Assert.Equal(2 * size, region!.Length);
        Assert.Null(log.ReadRegion(new Offset(3), 100, Offset.Max, minOneBatch: true));
        Assert.Null(log.ReadRegion(new Offset(1), size - 1, Offset.Max, minOneBatch: false));
    }

    [Fact]
    public void Refused_appends_write_nothing_and_say_which_batch()
    {
        _fixture.Options = _fixture.Options with { MaxMessageBytes = 200 };
        using var log = _fixture.Open();
        var torn = Batches.Of("b")[..^1];
        Assert.Equal((AppendStatus.Malformed, BatchFault.TooShort, 1), Seen(log.Append(Batches.Of("a"), torn)));
        var magic = Batches.Of("b");
        magic.Span[RecordBatchHeader.MagicAt] = 1;
        Assert.Equal((AppendStatus.Malformed, BatchFault.BadMagic, 0), Seen(log.Append(magic)));
        Assert.Equal((AppendStatus.TooLarge, BatchFault.TooLarge, 1), Seen(log.Append(Batches.Of("a"), Batches.Of(new string('x', 300)))));
        log.Append([Batches.Of("ok")], new LeaderEpoch(5), []);
        Assert.Equal((AppendStatus.OutOfOrder, BatchFault.None, -1), Seen(log.Append([Batches.Of("old")], new LeaderEpoch(4), [])));
        Assert.Equal(["0=ok"], Batches.ReadAll(log));

        static (AppendStatus, BatchFault, int) Seen(AppendResult r) => (r.Status, r.Fault, r.FaultAt);
    }

    [Fact]
    public void A_follower_takes_the_leaders_bytes_as_they_are()
    {
        using var leader = _fixture.Open();
        leader.Append([Batches.Of("a", "b")], new LeaderEpoch(1), []);
        leader.Append([Batches.Of("c")], new LeaderEpoch(3), []);
        using var read = leader.Read(Offset.Zero, 1 << 20, Offset.Max, minOneBatch: true);
        var other = new LogFixture();
        using var follower = other.Open();
        var cutShort = read.Batches.ToArray().Concat(Batches.Of("partial").ToArray()[..40]).ToArray();
        Assert.Equal((AppendStatus.Ok, 3L), (follower.AppendAsFollower(cutShort).Status, follower.LogEndOffset.Value));
        Assert.Equal(leader.Epochs, follower.Epochs);
        Assert.Equal(_fixture.ReadFile(_fixture.Segment(0)), other.ReadFile(other.Segment(0)));
        Assert.Equal(AppendStatus.OutOfOrder, follower.AppendAsFollower(read.Batches).Status);

        // A gap, as compaction leaves it, is fine; an epoch that goes back is not.
        var later = Batches.Of("z");
        RecordBatchHeader.PatchBaseOffset(later.Span, new Offset(100));
        RecordBatchHeader.PatchLeaderEpoch(later.Span, new LeaderEpoch(2));
        Assert.Equal(AppendStatus.OutOfOrder, follower.AppendAsFollower(later).Status);
        RecordBatchHeader.PatchLeaderEpoch(later.Span, new LeaderEpoch(3));
        Assert.True(follower.AppendAsFollower(later).IsOk);
        using var inGap = follower.Read(new Offset(50), 1 << 20, Offset.Max, minOneBatch: true);
        Assert.Equal(["100=z"], Batches.Values(inGap.Batches));
    }

    [Fact]
    public void An_offset_too_far_from_the_segments_base_starts_a_new_segment()
    {
        using var log = _fixture.Open();
        log.Append(Batches.Of("a"));
        var far = Batches.Of("far");
        RecordBatchHeader.PatchBaseOffset(far.Span, new Offset(5_000_000_000));
        RecordBatchHeader.PatchLeaderEpoch(far.Span, LeaderEpoch.None.Next());
        Assert.True(log.AppendAsFollower(far).IsOk);
        Assert.Equal([0, 5_000_000_000], log.Segments.Select(s => s.BaseOffset.Value));
        Assert.Equal(["0=a", "5000000000=far"], Batches.ReadAll(log));
    }

    [Fact]
    public void The_log_stamps_batches_when_asked_to()
    {
        _fixture.Options = _fixture.Options with { MessageTimestampType = TimestampType.LogAppendTime };
        using var log = _fixture.Open();
        var appended = new AppendedBatch[1];
        log.Append([Batches.At(5, "a")], default, appended);
        Assert.Equal(_fixture.Time.NowMs, appended[0].AppendTimeMs);
        Assert.Equal(["0=a"], Batches.ReadAll(log));
        Assert.Equal(new TimestampedOffset(_fixture.Time.NowMs, Offset.Zero, default), log.OffsetForTimestamp(_fixture.Time.NowMs));
    }

    [Fact]
    public void Segments_roll_by_size_and_by_age_even_without_appends()
    {
        _fixture.Options = _fixture.Options with { SegmentBytes = 200, SegmentTime = TimeSpan.FromHours(1) };
        using var log = _fixture.Open();
        Assert.False(log.RollIfDue());
        log.Append(Batches.Of(new string('a', 60)), Batches.Of(new string('b', 60)), Batches.Of(new string('c', 60)));
        Assert.Equal([0, 1, 2], log.Segments.Select(s => s.BaseOffset.Value));
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        Assert.True(log.RollIfDue());
        Assert.False(log.RollIfDue());
        Assert.Equal(4, log.Segments.Count);
        Assert.Equal(3, Batches.ReadAll(log).Count);
    }

    [Fact]
    public void Times_are_found_as_a_scan_would_find_them()
    {
        var random = new Random(17);
        _fixture.Options = _fixture.Options with { SegmentBytes = 3_000 };
        using var log = _fixture.Open();
        var times = new List<long>();
        for (var i = 0; i < 300; i++)
        {
            using var builder = new RecordBatchBuilder(10_000);
            for (var j = random.Next(1, 4); j > 0; j--)
            {
                times.Add(1_000 + (i * 10) + random.Next(-200, 200));
                builder.TryAppend(times[^1], null, "v"u8.ToArray());
            }

            log.Append(builder.Build().ToArray());
        }

        Assert.True(log.Segments.Count > 5);
        for (var t = 700; t < 4_300; t += 7)
        {
            var expected = times.FindIndex(x => x >= t);
            Assert.Equal(expected, log.OffsetForTimestamp(t)?.Offset.Value ?? -1);
        }

        Assert.Equal(times.IndexOf(times.Max()), log.OffsetOfMaxTimestamp()?.Offset.Value);
        log.CloseCleanly();
        using var again = _fixture.OpenClean(log);
        Assert.True(again.Recovery.WasClean);
        Assert.Equal(times.IndexOf(times.Max()), again.OffsetOfMaxTimestamp()?.Offset.Value);
        Assert.Equal(times.FindIndex(x => x >= 2_000), again.OffsetForTimestamp(2_000)?.Offset.Value);
    }

    [Fact]
    public void Epochs_answer_where_they_end()
    {
        using var log = _fixture.Open();
        Assert.Equal(new EpochEnd(LeaderEpoch.None, Offset.None), log.EndOffsetFor(new LeaderEpoch(1)));
        log.Append([Batches.Of("a", "b")], new LeaderEpoch(2), []);
        log.Append([Batches.Of("c")], new LeaderEpoch(5), []);
        log.AssignEpoch(new LeaderEpoch(7));
        Assert.Equal(new EpochEnd(new LeaderEpoch(1), new Offset(0)), log.EndOffsetFor(new LeaderEpoch(1)));
        Assert.Equal(new EpochEnd(new LeaderEpoch(2), new Offset(2)), log.EndOffsetFor(new LeaderEpoch(2)));
        Assert.Equal(new EpochEnd(new LeaderEpoch(2), new Offset(2)), log.EndOffsetFor(new LeaderEpoch(4)));
        Assert.Equal(new EpochEnd(new LeaderEpoch(5), new Offset(3)), log.EndOffsetFor(new LeaderEpoch(6)));
        Assert.Equal(new EpochEnd(new LeaderEpoch(7), new Offset(3)), log.EndOffsetFor(new LeaderEpoch(7)));
        Assert.Equal(new EpochEnd(LeaderEpoch.None, Offset.None), log.EndOffsetFor(new LeaderEpoch(8)));
        Assert.Equal(5, log.EpochAt(new Offset(2)).Value);
        log.Flush();
        Assert.Equal("0\n3\n2 0\n5 2\n7 3\n", Encoding.UTF8.GetString(_fixture.ReadFile(_fixture.FilePath("leader-epoch-checkpoint"))));
        log.AdvanceLogStartOffset(new Offset(1));
        Assert.Equal(new EpochEntry(new LeaderEpoch(2), new Offset(1)), log.Epochs[0]);
    }

    [Fact]
    public void A_flush_falls_due_by_count_or_age()
    {
        _fixture.Options = _fixture.Options with { FlushMessages = 3, FlushTime = TimeSpan.FromSeconds(10) };
        using var log = _fixture.Open();
        Assert.False(log.IsFlushDue);
        log.Append(Batches.Of("a", "b"));
        Assert.False(log.IsFlushDue);
        log.Append(Batches.Of("c"));
        Assert.True(log.IsFlushDue);
        Assert.Equal(3, log.Flush().Value);
        Assert.False(log.IsFlushDue);
        log.Append(Batches.Of("d"));
        _fixture.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(log.IsFlushDue);
        log.Flush();
        Assert.False(log.IsFlushDue);
    }

    [Fact]
    public async Task Readers_run_while_the_writer_appends_rolls_and_deletes()
    {
        // Two readers walk the log again and again; whatever they see must be in order and whole.
        _fixture.Options = _fixture.Options with { SegmentBytes = 4_000, RetentionBytes = 20_000 };
        using var log = _fixture.Open();
        using var stop = new CancellationTokenSource();
        var steps = new int[2];
        var readers = Enumerable.Range(0, 2).Select(reader => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var at = log.LogStartOffset;
                while (at < log.LogEndOffset)
                {
                    using var read = log.Read(at, 3_000, Offset.Max, minOneBatch: true);
                    if (read.Status == LogReadStatus.OutOfRange)
                        break;
                    foreach (var value in Batches.Values(read.Batches))
                        Assert.Equal($"{value.Split('=')[0]}", value.Split('=')[1]);
                    at = read.NextOffset;
                    Interlocked.Increment(ref steps[reader]);
                }
            }
        })).ToArray();
        for (var i = 0; i < 4_000 || steps.Min() < 500; i++)
        {
            if (Array.Find(readers, r => r.IsFaulted) is { } failed)
                await failed;
            log.Append(Batches.Of(log.LogEndOffset.ToString()));
            if (i % 100 == 0)
                log.DeleteOldSegments(log.LogEndOffset);
            if (i % 150 == 0)
                log.TrimIdle();
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Assert.True(log.LogStartOffset > Offset.Zero);
    }
}

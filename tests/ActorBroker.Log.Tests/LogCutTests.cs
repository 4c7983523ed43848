namespace ActorBroker.Log.Tests;

/// <summary>Truncation, retention, the log start, and disks that fail or fill up.</summary>
public sealed class LogCutTests
{
    private readonly LogFixture _fixture = new() { Options = new LogOptions { SegmentBytes = 300, IndexIntervalBytes = 50 } };

    private static string Value(int i) => $"{i:D3}{new string('x', 40)}";

    private PartitionLog OpenWith(int records, int epochEvery = int.MaxValue)
    {
        var log = _fixture.Open();
        for (var i = 0; i < records; i++)
        {
            Assert.True(log.Append([Batches.At(_fixture.Time.NowMs, Value(i))], new LeaderEpoch(i / epochEvery), []).IsOk);
            _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }

        return log;
    }

    [Fact]
    public void Truncation_to_any_offset_leaves_exactly_what_is_below_and_the_log_goes_on()
    {
        for (var to = 0; to <= 20; to++)
        {
            var cut = new LogCutTests();
            var log = cut.OpenWith(20, epochEvery: 4);
            log.TruncateTo(new Offset(to));
            Assert.Equal(Math.Min(to, 20), log.LogEndOffset.Value);
            Assert.All(log.Epochs, e => Assert.True(e.StartOffset.Value < to));
            Assert.True(log.Append([Batches.Of("after")], new LeaderEpoch(9), []).IsOk);
            Assert.Equal(Enumerable.Range(0, to).Select(i => $"{i}={Value(i)}").Append($"{to}=after"), Batches.ReadAll(log));
            log.Flush();
            cut._fixture.Disk.Crash();
            using var again = cut._fixture.Open();
            Assert.Equal(to + 1, Batches.ReadAll(again).Count);
        }
    }

    [Fact]
    public void Truncation_inside_a_batch_cuts_the_whole_batch()
    {
        using var log = _fixture.Open();
        log.Append(Batches.Of("a", "b"));
        log.Append(Batches.Of("c", "d"));
        log.TruncateTo(new Offset(3));
        Assert.Equal(2, log.LogEndOffset.Value);
        Assert.Equal(["0=a", "1=b"], Batches.ReadAll(log));
    }

    [Fact]
    public void A_cut_stays_cut_after_a_crash_though_nothing_was_flushed_afterwards()
    {
        var log = OpenWith(20);
        log.WriteProducerSnapshot(new Offset(15), []);
        log.WriteProducerSnapshot(new Offset(7), []);
        log.TruncateTo(new Offset(7));
        _fixture.Disk.Crash();
        using var again = _fixture.Open();
        Assert.Equal(7, again.LogEndOffset.Value);
        Assert.Equal(7, again.ReadLatestProducerSnapshot()?.Offset.Value);
    }

    [Fact]
    public void Starting_over_empties_the_log_and_survives_a_crash()
    {
        var log = OpenWith(20);
        log.TruncateFullyAndStartAt(new Offset(500));
        Assert.Equal((500L, 500L, 0L), (log.LogStartOffset.Value, log.LogEndOffset.Value, log.SizeInBytes));
        Assert.Empty(log.Epochs);
        _fixture.Disk.Crash();
        using var again = _fixture.Open(new LogRecoveryInfo(new Offset(500), new Offset(500), WasClean: false));
        Assert.Equal(500, again.LogEndOffset.Value);
        again.Append(Batches.Of("x"));
        Assert.Equal(["500=x"], Batches.ReadAll(again));
    }

    [Fact]
    public void Retention_by_time_deletes_whole_old_segments_below_the_high_watermark()
    {
        _fixture.Options = _fixture.Options with { RetentionTime = TimeSpan.FromMinutes(10) };
        using var log = OpenWith(20);
        log.WriteProducerSnapshot(new Offset(1), []);
        Assert.Equal(0, log.DeleteOldSegments(new Offset(1)).Segments);
        var result = log.DeleteOldSegments(new Offset(20));
        Assert.True(result.ByTime > 0 && result.BytesFreed > 0);
        Assert.Equal(log.Segments[0].BaseOffset, log.LogStartOffset);
        Assert.InRange(log.LogStartOffset.Value, 6, 10);
        Assert.Equal(20 - (int)log.LogStartOffset.Value, Batches.ReadAll(log).Count);
        Assert.Null(log.ReadLatestProducerSnapshot());
        using var gone = log.Read(Offset.Zero, 1000, Offset.Max, minOneBatch: true);
        Assert.Equal(LogReadStatus.OutOfRange, gone.Status);
        Assert.DoesNotContain(_fixture.Disk.ListFiles(_fixture.Directory), f => f.Name.StartsWith("00000000000000000000.", StringComparison.Ordinal));

        // Everything is old now: the active segment goes too, and the offsets go on.
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        log.DeleteOldSegments(new Offset(20));
        Assert.Equal((20L, 20L, 0L), (log.LogStartOffset.Value, log.LogEndOffset.Value, log.SizeInBytes));
        log.Append(Batches.Of("x"));
        Assert.Equal(["20=x"], Batches.ReadAll(log));
    }

    [Fact]
    public void Retention_by_size_keeps_at_least_the_size_asked_for()
    {
        _fixture.Options = _fixture.Options with { RetentionTime = null, RetentionBytes = 1_000 };
        using var log = OpenWith(20);
        var before = log.Segments;
        log.DeleteOldSegments(new Offset(20));
        Assert.True(log.SizeInBytes >= 1_000);
        Assert.True(log.SizeInBytes - log.Segments[0].SizeInBytes < 1_000);
        Assert.True(log.Segments.Count < before.Count);
        _fixture.Options = log.Options = log.Options with { CleanupPolicy = CleanupPolicy.Compact, RetentionBytes = 0 };
        Assert.Equal(0, log.DeleteOldSegments(new Offset(20)).Segments);
    }

    [Fact]
    public void The_log_start_hides_records_and_frees_their_segments()
    {
        _fixture.Options = _fixture.Options with { RetentionTime = null };
        using var log = OpenWith(20);
        Assert.False(log.AdvanceLogStartOffset(new Offset(21)));
        Assert.True(log.AdvanceLogStartOffset(new Offset(9)));
        Assert.True(log.AdvanceLogStartOffset(new Offset(3)));
        Assert.Equal(9, log.LogStartOffset.Value);
        using (var below = log.Read(new Offset(8), 1000, Offset.Max, minOneBatch: true))
            Assert.Equal(LogReadStatus.OutOfRange, below.Status);
        Assert.True(log.DeleteOldSegments(new Offset(20)).ByLogStart > 0);
        Assert.Equal(9, log.LogStartOffset.Value);
        Assert.Equal(11, Batches.ReadAll(log).Count(v => int.Parse(v.Split('=')[0]) >= 9));
    }

    [Fact]
    public void A_held_region_outlives_the_deletion_of_its_segment()
    {
        _fixture.Options = _fixture.Options with { RetentionBytes = 0, RetentionTime = null };
        using var log = OpenWith(20);
        using (var region = log.ReadRegion(Offset.Zero, 1000, Offset.Max, minOneBatch: true))
        {
            log.DeleteOldSegments(new Offset(20));
            Assert.True(_fixture.Disk.FileExists(_fixture.Segment(0)));
            var bytes = new byte[region!.Length];
            Assert.Equal(region.Length, region.File.Read(bytes, region.Position));
        }

        Assert.False(_fixture.Disk.FileExists(_fixture.Segment(0)));
    }

    [Fact]
    public void A_full_disk_refuses_appends_whole_and_takes_them_again_once_there_is_room()
    {
        using var log = OpenWith(5);
        _fixture.Disk.CapacityBytes = _fixture.Disk.UsedBytes + 50;
        var before = log.SizeInBytes;
        Assert.Equal(AppendStatus.DiskFull, log.Append(Batches.Of("a"), Batches.Of("b")).Status);
        Assert.Equal((5L, before), (log.LogEndOffset.Value, log.SizeInBytes));
        Assert.Equal(5, Batches.ReadAll(log).Count);
        _fixture.Disk.CapacityBytes += 10_000;
        Assert.Equal(5, log.Append(Batches.Of("a"), Batches.Of("b")).FirstOffset.Value);
        Assert.Equal(7, Batches.ReadAll(log).Count);
    }

    [Fact]
    public void A_disk_that_fills_up_at_any_byte_of_a_rolling_append_leaves_no_part_of_it()
    {
        for (var room = 0; room < 700; room += 13)
        {
            var cut = new LogCutTests();
            using var log = cut.OpenWith(5);
            cut._fixture.Disk.CapacityBytes = cut._fixture.Disk.UsedBytes + room;
            var batches = Enumerable.Range(5, 6).Select(i => Batches.Of(Value(i))).ToArray();
            var status = log.Append(batches).Status;
            cut._fixture.Disk.CapacityBytes = long.MaxValue;
            if (status == AppendStatus.DiskFull)
                Assert.Equal(5, log.LogEndOffset.Value);
            log.Append(Batches.Of("end"));
            var all = Batches.ReadAll(log);
            Assert.Equal(log.LogEndOffset.Value, all.Count);
            log.Flush();
            cut._fixture.Disk.Crash();
            using var again = cut._fixture.Open();
            Assert.Equal(all, Batches.ReadAll(again));
        }
    }

    [Theory]
    [InlineData(FileOperation.Write)]
    [InlineData(FileOperation.Flush)]
    public void A_failed_write_or_flush_stops_the_log_until_it_is_opened_anew(FileOperation operation)
    {
        var log = OpenWith(3);
        log.Flush();
        log.Append(Batches.Of("maybe"));
        _fixture.Disk.FailNext(operation, ".log");
        Assert.Throws<LogFailedException>(() =>
        {
            log.Append(Batches.Of("lost"));
            log.Flush();
        });
        Assert.Throws<LogFailedException>(() => log.Append(Batches.Of("refused")));
        Assert.Throws<LogFailedException>(() => log.Flush());
        Assert.True(Batches.ReadAll(log).Count >= 4);
        log.Dispose();
        _fixture.Disk.Crash();
        using var again = _fixture.Open(new LogRecoveryInfo(new Offset(3), Offset.Zero, WasClean: false));
        Assert.Equal(3, again.LogEndOffset.Value);
        Assert.True(again.Append(Batches.Of("fine")).IsOk);
    }

    [Fact]
    public void The_topic_id_is_there_at_once_and_durable_with_the_first_flush()
    {
        var id = TopicId.Parse("Cffy9_JoTaW8oe1_LhBwJg");
        var log = OpenWith(1);
        log.SetTopicId(id);
        log.Dispose();
        log = _fixture.Open();
        Assert.Equal(id, log.TopicId);
        log.SetTopicId(new TopicId(new Guid("00000000-0000-0000-0000-000000000007")));
        log.SetTopicId(id);
        log.Flush();
        _fixture.Disk.Crash();
        using var again = _fixture.Open();
        Assert.Equal(id, again.TopicId);
        Assert.Equal(1, again.LogEndOffset.Value);
    }

    [Fact]
    public void A_damaged_batch_is_not_served()
    {
        using var log = OpenWith(3);
        _fixture.Disk.Damage(_fixture.Segment(0), RecordBatchHeader.MagicAt);
        var e = Assert.Throws<LogCorruptException>(() => log.Read(Offset.Zero, 1000, Offset.Max, minOneBatch: true));
        Assert.Contains("00000000000000000000.log", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_producer_snapshot_comes_back_and_an_unsound_one_is_passed_over()
    {
        using var log = OpenWith(10);
        var entry = new ProducerSnapshotEntry(new ProducerId(5), new ProducerEpoch(1), 9, new Offset(3), 2, 1234, -1, Offset.None);
        log.WriteProducerSnapshot(new Offset(4), [entry]);
        log.WriteProducerSnapshot(new Offset(8), [entry, entry]);
        Assert.Equal(2, log.ReadLatestProducerSnapshot()?.Producers.Count);
        _fixture.Disk.Damage(_fixture.Segment(8, ".snapshot"), 20);
        var latest = log.ReadLatestProducerSnapshot();
        Assert.Equal(4, latest?.Offset.Value);
        Assert.Equal(entry, Assert.Single(latest!.Value.Producers));
        Assert.False(_fixture.Disk.FileExists(_fixture.Segment(8, ".snapshot")));
    }
}

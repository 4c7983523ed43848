namespace ActorBroker.Log.Tests.Cleaning;

/// <summary>What a cleaning keeps, what it takes away, and what it leaves behind on the disk.</summary>
public sealed class LogCleaningTests
{
    private readonly LogFixture _fixture = new()
    {
        Options = new LogOptions { SegmentBytes = 1000, IndexIntervalBytes = 100, CleanupPolicy = CleanupPolicy.Compact },
    };

    [Fact]
    public void The_newest_record_of_each_key_stays_with_its_offset_and_timestamp()
    {
        using var log = _fixture.Open();
        log.Put(1000, "a=1", "b=1", "a=2");
        log.Put(2000, "c=1", "b=2");
        log.Roll(_fixture.Time);
        log.Put(3000, "a=3");
        var cleaning = log.Clean()!;
        Assert.Equal((CleaningState.Done, 5L, false), (cleaning.State, cleaning.CleanedTo.Value, cleaning.MapWasFull));
        // The active segment is never cleaned, so what it supersedes stays for now.
        Assert.Equal([(2, 1002, "a=2"), (3, 2000, "c=1"), (4, 2001, "b=2"), (5, 3000, "a=3")], log.ReadRecords());
        Assert.Equal((5, 3, 3), (cleaning.Statistics.RecordsBefore, cleaning.Statistics.RecordsAfter, cleaning.Statistics.Keys));
        Assert.Equal((0, 6), (log.LogStartOffset.Value, log.LogEndOffset.Value));
        for (var from = 0; from <= 2; from++)
            Assert.Equal("2:a=2", log.ReadKeyed(new Offset(from))[0]);
        Assert.Null(log.Clean(cleaning.CleanedTo));
    }

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Gzip)]
    public void A_tombstone_stays_for_its_retention_after_it_was_first_cleaned(CompressionType compression)
    {
        _fixture.Options = _fixture.Options with { DeleteRetention = TimeSpan.FromMinutes(10) };
        using var log = _fixture.Open();
        log.Put(1000, "a=1", "b=1");
        // Long enough for packing to gain something: else it is left as it is.
        var c = "c=" + new string('1', 200);
        log.Append(CleaningHarness.Batch(2000, compression, ProducerId.None, "a", c));
        log.Roll(_fixture.Time);
        log.Put(9000, "z=0");
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        var horizon = _fixture.Time.NowMs + (long)TimeSpan.FromMinutes(10).TotalMilliseconds;
        Assert.Equal(CleaningState.Done, log.Clean()!.State);
        Assert.Equal([(1, 1001, "b=1"), (2, 2000, "a"), (3, 2001, c), (4, 9000, "z=0")], log.ReadRecords());
        var header = Headers(log)[1];
        Assert.Equal((true, compression, horizon, 2001L), (header.HasDeleteHorizon, header.Compression, header.BaseTimestamp, header.MaxTimestamp));

        CleanAgain(TimeSpan.FromMinutes(10) - TimeSpan.FromMilliseconds(2));
        Assert.Contains("2:a", log.ReadKeyed());
        CleanAgain(TimeSpan.FromMilliseconds(10));
        Assert.DoesNotContain("2:a", log.ReadKeyed());
        Assert.Contains((3, 2001, c), log.ReadRecords());

        void CleanAgain(TimeSpan after)
        {
            _fixture.Time.Advance(after);
            var cleanedTo = log.ActiveSegmentBaseOffset;
            log.Roll(_fixture.Time);
            Assert.Equal(CleaningState.Done, log.Clean(cleanedTo)!.State);
            log.Put(_fixture.Time.NowMs, "z=1");
        }
    }

    [Fact]
    public void Small_segments_become_one_and_a_log_takes_space_for_its_live_keys_only()
    {
        _fixture.Options = _fixture.Options with { SegmentBytes = 20_000 };
        using var log = _fixture.Open();
        for (var i = 0; i < 20_000; i += 10)
            log.Put(1000 + i, [.. Enumerable.Range(i, 10).Select(n => $"key{n % 100}=value{n}")]);
        log.Roll(_fixture.Time);
        var before = (log.SizeInBytes, log.Segments.Count);
        Assert.True(before.Count > 20);
        var cleaning = log.Clean()!;
        Assert.Equal((100, 100L), (log.ReadKeyed().Count, cleaning.Statistics.Keys));
        // Each group leaves a header that holds its end; the next cleaning makes one segment of them all.
        log.Clean();
        Assert.Equal(2, log.Segments.Count);
        Assert.Equal(100, log.ReadKeyed().Count);
        Assert.True(log.SizeInBytes < before.SizeInBytes / 100, $"{log.SizeInBytes} of {before.SizeInBytes} bytes are left");
    }

    [Fact]
    public void A_cleaning_with_a_full_map_ends_there_and_the_next_ones_finish_it()
    {
        using var log = _fixture.Open();
        for (var i = 0; i < 100; i++)
            log.Put(1000 + i, $"k{i % 50}={i}", $"only{i}=1");
        log.Roll(_fixture.Time);
        var options = CleaningHarness.Options(mapBytes: 20 * OffsetMap.BytesPerPlace);
        Offset? cleanedTo = null;
        var rounds = 0;
        while (log.Clean(cleanedTo, options: options) is { } cleaning)
        {
            Assert.True(cleaning.CleanedTo > (cleanedTo ?? Offset.Zero), $"no progress at {cleanedTo}");
            Assert.Equal(cleaning.CleanedTo < log.LogEndOffset, cleaning.MapWasFull);
            cleanedTo = cleaning.CleanedTo;
            rounds++;
        }

        Assert.True(rounds > 5);
        Assert.Equal(log.LogEndOffset, cleanedTo);
        Assert.Equal(150, log.ReadKeyed().Count);
    }

    [Fact]
    public void Records_without_a_key_go_and_are_counted()
    {
        using var log = _fixture.Open();
        log.Put(1000, "=x", "a=1", "=y");
        log.Roll(_fixture.Time);
        Assert.Equal(2, log.Clean()!.Statistics.WithoutKey);
        Assert.Equal(["1:a=1"], log.ReadKeyed());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_newest_batch_of_a_live_producer_stays_without_its_records(bool producersAreKnown)
    {
        using var log = _fixture.Open();
        foreach (var producer in (long[])[7, 8, 7])
            log.Append(CleaningHarness.Batch(1000, CompressionType.Gzip, new ProducerId(producer), "a=1", "b=1"));
        log.Put(2000, "a=2", "b=2");
        log.Roll(_fixture.Time);
        var options = CleaningHarness.Options() with { LastBatches = producersAreKnown ? new Dictionary<ProducerId, Offset> { [new(7)] = new(5) } : null };
        log.Clean(options: options);
        Assert.Equal(["6:a=2", "7:b=2"], log.ReadKeyed());
        var emptied = Headers(log).Where(header => header.RecordCount == 0).ToList();
        Assert.Equal(producersAreKnown ? [(7L, 4L)] : [(7, 0), (8, 2), (7, 4)], emptied.Select(header => (header.ProducerId.Value, header.BaseOffset.Value)));
        Assert.All(emptied, header => Assert.Equal((1, 1001L, 0, CompressionType.None), (header.LastOffsetDelta, header.MaxTimestamp, header.BaseSequence, header.Compression)));
        Assert.Equal(6, log.OffsetForTimestamp(1000)?.Offset.Value);
    }

    [Fact]
    public void A_transaction_s_records_are_not_compacted_by_mistake()
    {
        using var log = _fixture.Open();
        using var builder = new RecordBatchBuilder(1000) { ProducerId = new ProducerId(1), ProducerEpoch = new ProducerEpoch(0), BaseSequence = 0, IsTransactional = true };
        builder.TryAppend(1000, "a"u8.ToArray(), "1"u8.ToArray());
        log.Append(builder.Build());
        log.Roll(_fixture.Time);
        Assert.Throws<LogCorruptException>(() => log.Clean());
        Assert.Equal(["0:a=1"], log.ReadKeyed());
        Assert.DoesNotContain(Names(), name => name.EndsWith(".cleaned", StringComparison.Ordinal));
    }

    [Fact]
    public void A_follower_of_a_compacted_log_holds_the_same_records_at_the_same_offsets()
    {
        using var leader = _fixture.Open();
        var other = new LogFixture { Options = _fixture.Options };
        using var follower = other.Open();
        for (var i = 0; i < 30; i++)
            leader.Put(1000 + i, $"k{i % 4}={i}", $"n{i % 7}={i}");
        Follow(until: 21);
        var early = follower.LogEndOffset;
        leader.Roll(_fixture.Time);
        leader.Clean();
        leader.Put(5000, "z=1");
        Follow(until: leader.LogEndOffset.Value);
        Assert.Equal(leader.LogEndOffset, follower.LogEndOffset);
        // The follower has not cleaned what it had got before.
        Assert.Equal(leader.ReadKeyed(early), follower.ReadKeyed(early));
        follower.Flush();
        other.Disk.Crash();
        follower.Dispose();
        using var again = other.Open(new LogRecoveryInfo(follower.RecoveryPoint, Offset.Zero, WasClean: false));
        Assert.False(again.Recovery.IsRemarkable, string.Join("; ", again.Recovery.Notes));
        again.Roll(other.Time);
        again.Clean();
        Assert.Equal(leader.ReadKeyed(), again.ReadKeyed());

        void Follow(long until)
        {
            while (follower.LogEndOffset.Value < until)
            {
                using var read = leader.Read(follower.LogEndOffset, 300, leader.LogEndOffset, minOneBatch: true);
                Assert.True(follower.AppendAsFollower(read.Batches).IsOk);
            }
        }
    }

    [Fact]
    public void With_both_policies_old_segments_go_too()
    {
        _fixture.Options = _fixture.Options with { CleanupPolicy = CleanupPolicy.Compact | CleanupPolicy.Delete, RetentionTime = TimeSpan.FromHours(1) };
        using var log = _fixture.Open();
        log.Put(_fixture.Time.NowMs, "a=1", "a=2", "b=1");
        log.Roll(_fixture.Time);
        log.Clean();
        Assert.Equal(["1:a=2", "2:b=1"], log.ReadKeyed());
        _fixture.Time.Advance(TimeSpan.FromHours(1.5));
        log.Put(_fixture.Time.NowMs, "b=2");
        Assert.Equal(1, log.DeleteOldSegments(log.LogEndOffset).ByTime);
        Assert.Equal(["3:b=2"], log.ReadKeyed());
    }

    [Fact]
    public void A_full_volume_puts_a_cleaning_off_and_nothing_else()
    {
        using var log = _fixture.Open();
        for (var i = 0; i < 20; i++)
            log.Put(1000 + i, $"a={i}");
        log.Roll(_fixture.Time);
        _fixture.Disk.CapacityBytes = _fixture.Disk.UsedBytes + 100;
        Assert.Throws<DiskFullException>(() => log.Clean());
        Assert.Equal(20, log.ReadKeyed().Count);
        log.Put(5000, "b=1");
        // Room for one segment beside the others is enough.
        _fixture.Disk.CapacityBytes = _fixture.Disk.UsedBytes + 1100;
        log.Clean();
        Assert.Equal(2, log.ReadKeyed().Count);
    }

    [Fact]
    public void An_idle_active_segment_rolls_before_the_most_lag_is_over()
    {
        _fixture.Options = _fixture.Options with { MaxCompactionLag = TimeSpan.FromMinutes(1) };
        using var log = _fixture.Open();
        log.Put(_fixture.Time.NowMs, "a=1", "a=2");
        _fixture.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(log.RollIfDue());
        _fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(log.RollIfDue());
        _fixture.Time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.True(log.SurveyForCleaning(null, log.LogEndOffset).IsOverdue);
        log.Clean();
        Assert.Equal(["1:a=2"], log.ReadKeyed());
    }

    private List<string> Names() => [.. _fixture.Disk.ListFiles(_fixture.Directory).Select(file => file.Name)];

    private static List<RecordBatchHeader> Headers(PartitionLog log)
    {
        var headers = new List<RecordBatchHeader>();
        for (var at = log.LogStartOffset; at < log.LogEndOffset;)
        {
            using var read = log.Read(at, 100_000, Offset.Max, minOneBatch: true);
            for (var rest = read.Batches.Span; !rest.IsEmpty; rest = rest[(int)headers[^1].SizeInBytes..])
            {
                Assert.True(RecordBatchHeader.TryParse(rest, out var header));
                headers.Add(header);
            }

            at = read.NextOffset;
        }

        return headers;
    }
}

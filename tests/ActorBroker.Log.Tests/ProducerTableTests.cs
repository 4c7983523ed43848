namespace ActorBroker.Log.Tests;

/// <summary>What a partition makes of a producer's next batch: tables from Kafka's documented behaviour, and a folder that Kafka wrote.</summary>
public sealed class ProducerTableTests
{
    private const long Now = 1000;
    private readonly ProducerTable _table = new();
    private long _end;

    [Theory]
    [InlineData(0, 12, 14, ProducerJudgement.Next)]
    [InlineData(0, 12, 12, ProducerJudgement.Next)]
    [InlineData(0, 10, 11, ProducerJudgement.Duplicate)] // the newest
    [InlineData(0, 2, 3, ProducerJudgement.Duplicate)] // the oldest of five
    [InlineData(0, 0, 1, ProducerJudgement.OutOfOrder)] // the sixth last is forgotten
    [InlineData(0, 10, 12, ProducerJudgement.OutOfOrder)] // begins like the newest, but is another batch
    [InlineData(0, 11, 11, ProducerJudgement.OutOfOrder)]
    [InlineData(0, 13, 14, ProducerJudgement.OutOfOrder)] // a gap
    [InlineData(1, 0, 1, ProducerJudgement.Next)]
    [InlineData(9, 0, 0, ProducerJudgement.Next)] // epochs may be left out
    [InlineData(1, 12, 13, ProducerJudgement.OutOfOrder)] // a new epoch begins at 0
    public void A_batch_is_judged_by_the_last_five(short epoch, int first, int last, ProducerJudgement judgement)
    {
        for (var sequence = 0; sequence < 12; sequence += 2) Store(7, 0, sequence, sequence + 1);
        Assert.Equal(judgement, _table.Judge(Stamp(7, epoch, first, last)).Judgement);
    }

    [Fact]
    public void A_duplicate_is_answered_with_where_the_first_one_lies()
    {
        Store(7, 0, 0, 2);
        Store(8, 0, 0, 0);
        Store(7, 0, 3, 4, timestampMs: 55);
        Assert.Equal(new ProducerVerdict(ProducerJudgement.Duplicate, new Offset(0), new Offset(2), 1), _table.Judge(Stamp(7, 0, 0, 2)));
        Assert.Equal(new ProducerVerdict(ProducerJudgement.Duplicate, new Offset(4), new Offset(5), 55), _table.Judge(Stamp(7, 0, 3, 4)));
    }

    [Fact]
    public void An_epoch_that_is_over_stays_over()
    {
        Store(7, 3, 0, 4);
        Assert.Equal(ProducerJudgement.StaleEpoch, _table.Judge(Stamp(7, 2, 5, 5)).Judgement);
        Assert.Equal(ProducerJudgement.StaleEpoch, _table.Judge(Stamp(7, 2, 0, 0)).Judgement);
        Store(7, 4, 0, 0);
        Assert.Equal(ProducerJudgement.StaleEpoch, _table.Judge(Stamp(7, 3, 0, 4)).Judgement); // also for what it did store
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 4, 1, 1)).Judgement);
    }

    [Fact]
    public void Whoever_is_not_known_may_begin_anywhere()
    {
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 0, 0, 0)).Judgement);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 5, 100, 103)).Judgement);
        Store(7, 5, 100, 103);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 5, 104, 104)).Judgement);
        Assert.Equal(ProducerJudgement.OutOfOrder, _table.Judge(Stamp(7, 5, 99, 99)).Judgement);
    }

    [Fact]
    public void Sequences_wrap_within_a_batch_and_between_batches()
    {
        Store(7, 0, int.MaxValue - 3, int.MaxValue - 2);
        Store(7, 0, int.MaxValue - 1, 1);
        Assert.Equal(new Offset(2), _table.Judge(Stamp(7, 0, int.MaxValue - 1, 1)).BaseOffset);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 0, 2, 2)).Judgement);
        Store(8, 0, int.MaxValue - 1, int.MaxValue);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(8, 0, 0, 0)).Judgement);
        Assert.Equal(ProducerJudgement.OutOfOrder, _table.Judge(Stamp(8, 0, 1, 1)).Judgement);
    }

    [Fact]
    public void What_is_admitted_counts_until_it_is_stored_or_dropped()
    {
        Admit(7, 0, 0, 1, ticket: 40);
        Admit(7, 0, 2, 3, ticket: 41);
        Assert.Equal(new ProducerVerdict(ProducerJudgement.DuplicateInFlight, Ticket: 40), _table.Judge(Stamp(7, 0, 0, 1)));
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 0, 4, 4)).Judgement);
        Store(7, 0, 0, 1);
        Assert.Equal(ProducerJudgement.Duplicate, _table.Judge(Stamp(7, 0, 0, 1)).Judgement);
        Assert.Equal(ProducerJudgement.DuplicateInFlight, _table.Judge(Stamp(7, 0, 2, 3)).Judgement);
        _table.DropAdmitted();
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 0, 2, 3)).Judgement);
        Assert.Equal(ProducerJudgement.OutOfOrder, _table.Judge(Stamp(7, 0, 4, 4)).Judgement);
    }

    [Fact]
    public void A_producers_first_batch_that_was_turned_away_is_awaited()
    {
        _table.Await(Stamp(7, 0, 0, 4), Now);
        Assert.Equal(ProducerJudgement.OutOfOrder, _table.Judge(Stamp(7, 0, 5, 6)).Judgement);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 0, 0, 4)).Judgement);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 1, 0, 0)).Judgement);
        Admit(8, 0, 5, 6, ticket: 1);
        Admit(8, 0, 7, 7, ticket: 2);
        _table.DropAdmitted();
        Assert.Equal(ProducerJudgement.OutOfOrder, _table.Judge(Stamp(8, 0, 7, 7)).Judgement);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(8, 0, 5, 6)).Judgement);
        Assert.Empty(_table.Snapshot());
        // What is known already is not forgotten for it.
        Store(9, 0, 0, 4);
        _table.Await(Stamp(9, 0, 5, 5), Now);
        Assert.Equal(ProducerJudgement.Duplicate, _table.Judge(Stamp(9, 0, 0, 4)).Judgement);
    }

    [Fact]
    public void Producers_that_are_silent_for_long_are_forgotten_unless_something_is_in_flight()
    {
        Store(7, 0, 0, 0);
        Store(8, 0, 0, 0);
        Admit(8, 0, 1, 1, ticket: 1);
        Store(9, 0, 0, 0, seenMs: Now + 1);
        _table.Expire(Now + 500, expirationMs: 500);
        Assert.Equal(2, _table.Count);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 0, 50, 50)).Judgement);
        Assert.Equal(ProducerJudgement.OutOfOrder, _table.Judge(Stamp(9, 0, 50, 50)).Judgement);
        _table.Expire(Now + 501, expirationMs: 500);
        Assert.Equal(1, _table.Count);
    }

    [Fact]
    public void What_is_no_idempotent_producers_leaves_no_trace()
    {
        _table.Apply(new RecordBatchHeader { ProducerId = ProducerId.None, ProducerEpoch = ProducerEpoch.None, BaseSequence = -1 }, Now);
        var marker = RecordBatchHeader.MakeAttributes(CompressionType.None, TimestampType.CreateTime, isTransactional: true, isControl: true);
        _table.Apply(new RecordBatchHeader { ProducerId = new ProducerId(7), BaseSequence = -1, Attributes = marker }, Now);
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void A_snapshot_of_Kafkas_own_keeps_the_epoch_of_producers_without_batches()
    {
        _table.Load(new ProducerSnapshotEntry(new ProducerId(7), new ProducerEpoch(3), -1, Offset.None, 0, 5, -1, Offset.None), Now);
        Assert.Equal(ProducerJudgement.StaleEpoch, _table.Judge(Stamp(7, 2, 0, 0)).Judgement);
        Assert.Equal(ProducerJudgement.OutOfOrder, _table.Judge(Stamp(7, 3, 1, 1)).Judgement);
        Assert.Equal(ProducerJudgement.Next, _table.Judge(Stamp(7, 3, 0, 0)).Judgement);
    }

    /// <summary>Kafka's own log, header by header, gives what Kafka wrote into its snapshots at each roll and at its stop.</summary>
    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(70)]
    public void The_newest_of_each_producer_is_what_Kafka_kept_of_it(long offset)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Data", "kafka-4.3.1", "fixture-0");
        foreach (var path in Directory.GetFiles(folder, "*.log").Order(StringComparer.Ordinal))
        {
            for (var rest = File.ReadAllBytes(path).AsSpan(); RecordBatchHeader.TryParse(rest, out var header); rest = rest[(int)header.SizeInBytes..])
                if (header.NextOffset.Value <= offset) _table.Apply(header, Now);
        }

        Assert.True(ProducerSnapshotFile.TryDecode(File.ReadAllBytes(Path.Combine(folder, $"{offset:D20}.snapshot")), out var kafkas, out var reason), reason);
        var newest = _table.Snapshot().GroupBy(entry => entry.ProducerId).Select(batches => batches.Last());
        Assert.Equal(kafkas.OrderBy(entry => entry.ProducerId.Value), newest);
        var loaded = new ProducerTable();
        foreach (var entry in kafkas) loaded.Load(entry, Now);
        Assert.Equal(kafkas.OrderBy(entry => entry.ProducerId.Value), loaded.Snapshot());
    }

    [Fact]
    public void A_known_producers_batch_costs_no_allocation()
    {
        Admit(7, 0, 0, 0, ticket: 0);
        Store(7, 0, 0, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var sequence = 1; sequence < 100; sequence++)
        {
            var stamp = Stamp(7, 0, sequence, sequence);
            if (_table.Judge(stamp).Judgement == ProducerJudgement.Next) _table.Admit(stamp, sequence, Now);
            Store(7, 0, sequence, sequence);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(ProducerJudgement.Duplicate, _table.Judge(Stamp(7, 0, 99, 99)).Judgement);
    }

    private static ProducerStamp Stamp(long id, short epoch, int first, int last) => new(new ProducerId(id), new ProducerEpoch(epoch), first, last);

    private void Admit(long id, short epoch, int first, int last, long ticket) => _table.Admit(Stamp(id, epoch, first, last), ticket, Now);

    private void Store(long id, short epoch, int first, int last, long timestampMs = 1, long seenMs = Now)
    {
        var delta = last >= first ? last - first : (int)(last - (long)first + int.MaxValue + 1);
        var header = new RecordBatchHeader
        {
            BaseOffset = new Offset(_end),
            LastOffsetDelta = delta,
            MaxTimestamp = timestampMs,
            ProducerId = new ProducerId(id),
            ProducerEpoch = new ProducerEpoch(epoch),
            BaseSequence = first,
        };
        _end = header.NextOffset.Value;
        _table.Apply(header, seenMs);
    }
}

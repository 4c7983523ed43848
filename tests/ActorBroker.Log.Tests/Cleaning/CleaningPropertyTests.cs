namespace ActorBroker.Log.Tests.Cleaning;

/// <summary>
/// A log and a naive model of it (a list of every record) live through the same random history: appends, rolls, cleanings with maps of
/// all sizes that may be broken off at any step, cuts, deletions at the front, passing time, clean restarts and power losses. After
/// each step the log holds nothing that was not written, no superseded record below the clean point, the newest record of every key,
/// and deletions for as long as it promised.
/// </summary>
public sealed class CleaningPropertyTests
{
    private const int Keys = 7;

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_compacted_log_agrees_with_its_model_throughout_a_random_history(int seed)
    {
        var history = new History(seed);
        try
        {
            for (var step = 0; step < 120; step++)
                history.Step();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}: {string.Join("; ", history.Steps)}", e);
        }
    }

    public static TheoryData<int> Seeds
    {
        get
        {
            var seeds = new TheoryData<int>();
            for (var seed = 1; seed <= 60; seed++)
                seeds.Add(seed);
            return seeds;
        }
    }

    private sealed record Written(long Offset, long TimestampMs, string Key, string? Value)
    {
        public string Text => Value is null ? Key : $"{Key}={Value}";
    }

    private sealed class History : ILogCheckpoints
    {
        private static readonly TimeSpan DeleteRetention = TimeSpan.FromHours(1);
        private readonly Random _random;
        private readonly LogFixture _fixture;
        private readonly SortedDictionary<long, Written> _model = [];
        private readonly SortedSet<long> _batchEnds = [];

        /// <summary>When each tombstone was first below a clean point.</summary>
        private readonly Dictionary<long, DateTimeOffset> _cleanSince = [];
        private PartitionLog _log;
        private Offset? _cleanedTo;
        private Offset _highWatermark;
        private Offset _logStart;
        private Offset _recoveryPoint;
        private int _values;

        public History(int seed)
        {
            _random = new Random(seed);
            _fixture = new LogFixture(seed)
            {
                Options = new LogOptions
                {
                    SegmentBytes = 600,
                    IndexIntervalBytes = 80,
                    CleanupPolicy = CleanupPolicy.Compact,
                    DeleteRetention = DeleteRetention,
                },
            };
            _log = Open(wasClean: false);
        }

        public List<string> Steps { get; } = [];

        public void Step()
        {
            switch (_random.Next(20))
            {
                case < 10:
                    Append();
                    break;
                case < 14:
                    Clean();
                    break;
                case 14:
                    Did("time");
                    _fixture.Time.Advance(DeleteRetention * _random.NextDouble());
                    break;
                case 15:
                    Truncate();
                    break;
                case 16:
                    DeleteFront();
                    break;
                case 17:
                    Restart();
                    break;
                case 18:
                    Crash();
                    break;
                default:
                    Did("flush");
                    _recoveryPoint = _log.Flush();
                    break;
            }

            Check();
        }

        void ILogCheckpoints.LowerRecoveryPoint(TopicPartition partition, Offset recoveryPoint)
        {
            _recoveryPoint = Offset.Min(_recoveryPoint, recoveryPoint);
            if (_cleanedTo is { } cleaned)
                _cleanedTo = Offset.Min(cleaned, recoveryPoint);
        }

        void ILogCheckpoints.SetLogStartOffset(TopicPartition partition, Offset logStartOffset) => _logStart = logStartOffset;

        private void Append()
        {
            // Small segments too, so that several become one.
            if (_random.Next(3) == 0 && _log.Segments[^1].SizeInBytes > 0)
                _log.Roll(_fixture.Time);
            var records = new string[_random.Next(1, 5)];
            var offset = _log.LogEndOffset.Value;
            var time = _fixture.Time.NowMs;
            for (var i = 0; i < records.Length; i++)
            {
                var key = $"k{_random.Next(Keys)}";
                var value = _random.Next(5) == 0 ? null : $"v{_values++}{new string('x', _random.Next(40))}";
                _model[offset + i] = new Written(offset + i, time + i, key, value);
                records[i] = _model[offset + i].Text;
            }

            Did($"append {records.Length} at {offset}");
            var packed = _random.Next(3) == 0 ? CompressionType.Gzip : CompressionType.None;
            _batchEnds.Add(offset + records.Length);
            Assert.True(_log.Append(CleaningHarness.Batch(time, packed, ProducerId.None, records)).IsOk);
        }

        private void Clean()
        {
            _highWatermark = Offset.MaxOf(_highWatermark, SomeBatchEnd());
            var steps = _random.Next(3) == 0 ? _random.Next(20) : int.MaxValue;
            Did($"clean to {_highWatermark}, steps {steps}");
            var options = CleaningHarness.Options(mapBytes: OffsetMap.BytesPerPlace * _random.Next(1, 12), bufferBytes: _random.Next(100, 1000));
            using var cleaning = _log.BeginCleaning(_cleanedTo, _highWatermark, options);
            if (cleaning is null)
                return;
            while (steps-- > 0 && cleaning.State is CleaningState.Working or CleaningState.SwapDue)
            {
                if (cleaning.State == CleaningState.Working)
                    cleaning.Step();
                else
                    Assert.True(_log.TrySwapIn(cleaning));
                if (_random.Next(2) == 0)
                    _log.SettleSwaps();
            }

            if (cleaning.State != CleaningState.Done)
                return;
            Assert.True(cleaning.CleanedTo <= _highWatermark || cleaning.CleanedTo == _cleanedTo);
            _cleanedTo = cleaning.CleanedTo;
            foreach (var written in _model.Values.Where(written => written.Value is null && written.Offset < _cleanedTo.Value.Value))
                _cleanSince.TryAdd(written.Offset, _fixture.Time.GetUtcNow());
        }

        /// <summary>Never below the high watermark: what superseded a record that is gone can't be taken back.</summary>
        private void Truncate()
        {
            var to = new Offset(_random.NextInt64(_highWatermark.Value, _log.LogEndOffset.Value + 1));
            Did($"truncate to {to}");
            _log.TruncateTo(to);
            Forget();
        }

        private void DeleteFront()
        {
            var to = new Offset(_random.NextInt64(_log.LogStartOffset.Value, _log.LogEndOffset.Value + 1));
            to = Offset.Min(to, _log.LogStartOffset + 20);
            while (_highWatermark < to)
                _highWatermark = SomeBatchEnd();
            Did($"delete to {to}");
            _recoveryPoint = _log.Flush();
            Assert.True(_log.AdvanceLogStartOffset(to));
            _log.DeleteOldSegments(_log.LogEndOffset);
        }

        private void Restart()
        {
            Did("restart");
            _log.CloseCleanly();
            _recoveryPoint = _log.RecoveryPoint;
            _log = Open(wasClean: true);
            Assert.False(_log.Recovery.IsRemarkable, string.Join("; ", _log.Recovery.Notes));
        }

        private void Crash()
        {
            Did("crash");
            var flushed = _log.RecoveryPoint;
            _fixture.Disk.Crash((CrashMode)_random.Next(3));
            _log.Dispose();
            _log = Open(wasClean: false);
            Assert.False(_log.Recovery.LostFlushedRecords);
            Assert.True(_log.LogEndOffset >= flushed, $"{_log.LogEndOffset} is below {flushed}, which was flushed");
            Assert.True(!(_cleanedTo > _log.LogEndOffset), $"{_log.LogEndOffset} is below {_cleanedTo}, which was cleaned");
            _highWatermark = Offset.Min(_highWatermark, _log.LogEndOffset);
            Forget();
        }

        private PartitionLog Open(bool wasClean)
        {
            if (_fixture.Disk is null)
                _fixture.Open().Dispose();
            return PartitionLog.Open(
                _fixture.Disk!, _fixture.Directory, LogFixture.Partition, _fixture.Options, _fixture.Time, new LogRecoveryInfo(_recoveryPoint, _logStart, wasClean), this);
        }

        /// <summary>What the log lost at its end.</summary>
        private void Forget()
        {
            _batchEnds.RemoveWhere(end => end > _log.LogEndOffset.Value);
            foreach (var offset in _model.Keys.Where(offset => offset >= _log.LogEndOffset.Value).ToList())
            {
                _model.Remove(offset);
                _cleanSince.Remove(offset);
            }
        }

        private void Check()
        {
            var read = _log.ReadRecords();
            foreach (var (offset, timestampMs, text) in read)
                Assert.Equal((offset, _model[offset].TimestampMs, _model[offset].Text), (offset, timestampMs, text));
            var present = read.Select(record => record.Offset).ToHashSet();
            foreach (var key in _model.Values.Where(written => written.Offset >= _log.LogStartOffset.Value).GroupBy(written => written.Key))
                CheckKey(key.Last(), key.Where(written => present.Contains(written.Offset)).ToList());
            CheckLookups(read);
        }

        private void CheckKey(Written newest, List<Written> present)
        {
            if (newest.Value is not null || !_cleanSince.TryGetValue(newest.Offset, out var since) || _fixture.Time.GetUtcNow() - since < DeleteRetention)
                Assert.Equal(newest, present.LastOrDefault());
            // Or a value would come back that was deleted.
            Assert.True(present.Count == 0 || present[^1] == newest, $"{newest.Key} is {present.LastOrDefault()?.Text}, not {newest.Text}");
            var clean = present.Count(written => written.Offset < (_cleanedTo ?? Offset.Zero).Value);
            Assert.True(clean <= 1, $"{newest.Key} is there {clean} times below {_cleanedTo}");
        }

        /// <summary>From any offset and any time on, the log finds what a reader of everything finds.</summary>
        private void CheckLookups(List<(long Offset, long TimestampMs, string Text)> read)
        {
            if (_log.LogEndOffset == _log.LogStartOffset)
                return;
            var from = new Offset(_random.NextInt64(_log.LogStartOffset.Value, _log.LogEndOffset.Value));
            Assert.Equal(read.Where(record => record.Offset >= from.Value), _log.ReadRecords(from));
            if (read.Count == 0)
                return;
            var time = read[_random.Next(read.Count)].TimestampMs + _random.Next(-1, 2);
            var expected = read.Where(record => record.TimestampMs >= time).Select(record => (long?)record.Offset).FirstOrDefault();
            Assert.Equal(expected, _log.OffsetForTimestamp(time)?.Offset.Value);
            Assert.Equal(read.MaxBy(record => record.TimestampMs).Offset, _log.OffsetOfMaxTimestamp()?.Offset.Value);
        }

        private Offset SomeBatchEnd()
        {
            var from = _log.LogStartOffset.Value;
            return new Offset(_batchEnds.Where(end => end >= from).DefaultIfEmpty(from).OrderBy(_ => _random.Next()).First());
        }

        private void Did(string step) => Steps.Add(step);
    }
}

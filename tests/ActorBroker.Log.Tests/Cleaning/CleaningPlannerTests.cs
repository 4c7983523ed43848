namespace ActorBroker.Log.Tests.Cleaning;

/// <summary>What may be cleaned, when it is worth it, and which segments become one. Closed segments of 100 bytes: 0-9, 10-19, ... last written at 10, 20, ... ms.</summary>
public sealed class CleaningPlannerTests
{
    private static readonly LogOptions _options = new() { CleanupPolicy = CleanupPolicy.Compact };

    [Theory]
    [InlineData(null, 100, 0, 0, 50, 0, 500, 1.0)] // never cleaned
    [InlineData(20, 100, 0, 20, 50, 200, 300, 0.6)]
    [InlineData(50, 100, 0, 50, 50, 500, 0, 0.0)] // all is clean
    [InlineData(25, 100, 0, 25, 50, 200, 300, 0.6)] // a full map ended the last cleaning within a segment
    [InlineData(20, 39, 0, 20, 30, 200, 100, 1 / 3.0)] // not past the high watermark
    [InlineData(20, 15, 0, 20, 20, 200, 0, 0.0)]
    [InlineData(60, 100, 0, 0, 50, 0, 500, 1.0)] // the log was cut below the point
    [InlineData(20, 100, 30, 30, 50, 300, 200, 0.4)] // its front went beyond it
    public void Whole_closed_segments_below_the_high_watermark_are_cleanable(
        int? cleanedTo, int highWatermark, int logStart, int firstDirty, int firstUncleanable, long clean, long cleanable, double ratio)
    {
        var survey = Survey(_options, cleanedTo, highWatermark, logStart, nowMs: 60);
        Assert.Equal(
            (new Offset(firstDirty), new Offset(firstUncleanable), clean, cleanable),
            (survey.FirstDirty, survey.FirstUncleanable, survey.CleanBytes, survey.CleanableBytes));
        Assert.Equal(ratio, survey.DirtyRatio, 6);
        Assert.Equal(ratio > 0.5, survey.IsDue(_options));
    }

    [Theory]
    [InlineData(0, 50)]
    [InlineData(10, 50)]
    [InlineData(11, 40)]
    [InlineData(35, 20)]
    [InlineData(60, 0)]
    public void A_segment_with_records_younger_than_the_least_lag_is_left_alone_with_all_behind_it(int lagMs, int firstUncleanable)
    {
        var options = _options with { MinCompactionLag = TimeSpan.FromMilliseconds(lagMs) };
        Assert.Equal(firstUncleanable, Survey(options, null, 100, 0, nowMs: 60).FirstUncleanable.Value);
    }

    [Fact]
    public void Records_from_the_future_are_cleaned_unless_a_lag_is_set() =>
        Assert.Equal(50, Survey(_options, null, 100, 0, nowMs: 0).FirstUncleanable.Value);

    [Theory]
    [InlineData(20, 40, false)]
    [InlineData(20, 41, true)]
    [InlineData(50, 1000, false)] // nothing is dirty
    public void A_log_is_due_when_a_record_has_been_dirty_for_longer_than_the_most_lag(int cleanedTo, long nowMs, bool due)
    {
        var options = _options with { MaxCompactionLag = TimeSpan.FromMilliseconds(20), MinCleanableDirtyRatio = 1 };
        var survey = Survey(options, cleanedTo, 100, 0, nowMs);
        Assert.Equal((due, due), (survey.IsOverdue, survey.IsDue(options)));
    }

    [Theory]
    [InlineData(1 << 30, 10 << 20, 5)]
    [InlineData(250, 10 << 20, 2)]
    [InlineData(300, 10 << 20, 3)]
    [InlineData(10, 10 << 20, 1)] // one that is too large already is rewritten alone
    [InlineData(1 << 30, 36, 2)] // an index entry of 12 bytes for each 61 of log
    public void Segments_become_one_as_long_as_file_and_indexes_keep_their_limits(int segmentBytes, int indexBytes, int expected) =>
        Assert.Equal(expected, CleaningPlanner.NextGroup(Closed(), _options with { SegmentBytes = segmentBytes, SegmentIndexBytes = indexBytes, IndexIntervalBytes = 0 }));

    [Fact]
    public void Segments_become_one_as_long_as_offsets_count_from_the_first() =>
        Assert.Equal(2, CleaningPlanner.NextGroup(
            [new(Offset.Zero, new Offset(10), 100, 0), new(new Offset(10), new Offset(1L << 31), 100, 0), new(new Offset(1L << 31), new Offset((1L << 31) + 1), 100, 0)], _options));

    private static CleaningSurvey Survey(LogOptions options, int? cleanedTo, int highWatermark, int logStart, long nowMs) => CleaningPlanner.Survey(
        Closed(), new Offset(logStart), cleanedTo is { } to ? new Offset(to) : null, new Offset(highWatermark), options, nowMs, i => i * 10);

    private static SegmentFacts[] Closed() =>
        [.. Enumerable.Range(0, 5).Select(i => new SegmentFacts(new Offset(i * 10), new Offset((i * 10) + 10), 100, (i + 1) * 10))];
}

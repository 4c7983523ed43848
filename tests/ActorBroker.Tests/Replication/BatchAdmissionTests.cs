using ActorBroker.Log;
using ActorBroker.Replication;
using ActorBroker.Tests.Api;

namespace ActorBroker.Tests.Replication;

/// <summary>Judging a batch looks at every record of it, and must cost no garbage: it is the append path.</summary>
public sealed class BatchAdmissionTests
{
    [Fact]
    public void Judging_a_batch_allocates_nothing()
    {
        var settings = PartitionScript.Settings(maxMessageBytes: 1 << 20);
        var batch = DataPath.Batch(1000, [.. Enumerable.Range(0, 1000).Select(i => $"record {i}")]);
        Assert.Equal(BatchRefusal.None, BatchAdmission.Judge(batch.Span, settings, 1000, out _));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) BatchAdmission.Judge(batch.Span, settings, 1000, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(long.MaxValue, long.MaxValue, long.MaxValue, true)]
    [InlineData(0, long.MaxValue, long.MaxValue, true)]
    [InlineData(1000, 0, 0, true)]
    [InlineData(1001, 0, 0, false)]
    [InlineData(999, 0, 0, false)]
    [InlineData(1500, 0, 500, true)]
    [InlineData(500, 500, 0, true)]
    [InlineData(499, 500, 0, false)]
    [InlineData(-1, 0, 0, true)]
    public void Timestamps_may_lie_as_far_from_now_as_the_topic_says(long timestampMs, long beforeMs, long afterMs, bool fits)
    {
        var settings = PartitionScript.Settings(maxMessageBytes: 1 << 20) with { TimestampBeforeMaxMs = beforeMs, TimestampAfterMaxMs = afterMs };
        var refusal = BatchAdmission.Judge(DataPath.Batch(timestampMs, "a").Span, settings, nowMs: 1000, out _);
        Assert.Equal(fits ? BatchRefusal.None : BatchRefusal.TimestampOutOfRange, refusal);
    }

    [Theory]
    [InlineData(CleanupPolicy.Delete, false, true)]
    [InlineData(CleanupPolicy.Compact, false, false)]
    [InlineData(CleanupPolicy.Compact | CleanupPolicy.Delete, false, false)]
    [InlineData(CleanupPolicy.Compact, true, true)]
    public void A_compacted_topic_takes_records_with_keys_only(CleanupPolicy policy, bool allKeyed, bool taken)
    {
        var settings = PartitionScript.Settings(maxMessageBytes: 1 << 20);
        settings = settings with { Log = settings.Log with { CleanupPolicy = policy } };
        using var builder = new RecordBatchBuilder(1 << 20);
        builder.TryAppend(1000, "k"u8.ToArray(), null);
        builder.TryAppend(1000, allKeyed ? Array.Empty<byte>() : default(ReadOnlyMemory<byte>?), "v"u8.ToArray());
        Assert.Equal(taken ? BatchRefusal.None : BatchRefusal.MissingKey, BatchAdmission.Judge(builder.Build().Span, settings, nowMs: 1000, out _));
    }
}

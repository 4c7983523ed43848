using ActorBroker.Log;
using static ActorBroker.Client.Tests.TestClusters;

namespace ActorBroker.Client.Tests.Consuming;

/// <summary>What comes out of a fetch's bytes.</summary>
public class FetchedRecordsTests
{
    private static readonly TopicPartition Partition = new("t", 0);

    [Fact]
    public void Records_come_in_portions_across_batches()
    {
        var fetched = Fetched([.. Batch(10, "a", "b", "c"), .. Batch(13, "d", "e")], from: 10);
        Assert.Equal(["a", "b"], Take(fetched, 2));
        Assert.Equal(12, fetched.Next.Value);
        Assert.Equal(["c", "d"], Take(fetched, 2));
        Assert.False(fetched.IsEmpty);
        Assert.Equal(["e"], Take(fetched, 2));
        Assert.Equal(15, fetched.Next.Value);
        Assert.True(fetched.IsEmpty);
    }

    [Fact]
    public void Records_below_the_position_are_skipped()
    {
        var fetched = Fetched([.. Batch(10, "a", "b", "c")], from: 12);
        Assert.Equal(["c"], Take(fetched, 10));
        Assert.Equal(13, fetched.Next.Value);
    }

    [Fact]
    public void A_cut_batch_at_the_end_is_left_for_the_next_fetch()
    {
        var second = Batch(11, "b");
        var fetched = Fetched([.. Batch(10, "a"), .. second.AsSpan(0, second.Length - 1)], from: 10);
        Assert.Equal(["a"], Take(fetched, 10));
        Assert.Equal(11, fetched.Next.Value);
        Assert.Equal(BatchFault.None, fetched.Fault);
        Assert.True(fetched.IsEmpty);
    }

    [Fact]
    public void Damage_is_found_and_what_precedes_it_is_still_read()
    {
        var damaged = Batch(11, "b");
        damaged[^1] ^= 1;
        var fetched = Fetched([.. Batch(10, "a"), .. damaged], from: 10);
        Assert.Equal(["a"], Take(fetched, 10));
        var again = Fetched(damaged, from: 11);
        Assert.Empty(Take(again, 10));
        Assert.Equal(BatchFault.BadCrc, again.Fault);
        Assert.Equal(11, again.Next.Value);
    }

    [Fact]
    public void Null_and_empty_stay_apart_and_headers_come_along()
    {
        using var builder = new RecordBatchBuilder(1000);
        builder.TryAppend(5, null, ReadOnlyMemory<byte>.Empty, [new RecordHeader("h", null), new RecordHeader("h", "x"u8.ToArray())]);
        builder.TryAppend(6, ReadOnlyMemory<byte>.Empty, null);
        var records = Fetched(builder.Build().ToArray(), from: 0).Take(10);
        Assert.Null(records[0].Key);
        Assert.Equal(0, records[0].Value!.Value.Length);
        Assert.Equal(["(null)", "x"], records[0].Headers.Select(header => Text(header.Value)));
        Assert.Equal(5, records[0].TimestampMs);
        Assert.NotNull(records[1].Key);
        Assert.Null(records[1].Value);
    }

    [Fact]
    public void Compressed_and_control_batches_are_read_and_skipped()
    {
        using var packed = new RecordBatchBuilder(1000, CompressionType.Gzip) { BaseOffset = new Offset(1) };
        packed.TryAppend(5, null, "packed"u8.ToArray());
        var control = new RecordBatchBuilder(1000) { IsControl = true };
        control.TryAppend(5, new byte[4], new byte[6]);
        var fetched = Fetched([.. control.Build().Span, .. packed.Build().Span], from: 0);
        Assert.Equal(["packed"], Take(fetched, 10));
        Assert.Equal(2, fetched.Next.Value);
        control.Dispose();
    }

    private static FetchedRecords Fetched(byte[] bytes, long from) =>
        new(Partition, bytes, new Offset(from), new Offset(100), checkCrcs: true);

    private static IEnumerable<string> Take(FetchedRecords fetched, int most) => fetched.Take(most).Select(record => Text(record.Value));
}

using System.Text;
using ActorBroker.Log;

namespace ActorBroker.MultiNode.Tests.Histories;

/// <summary>Replicas made by hand, also read back from files.</summary>
public class ReplicaCheckerTests
{
    private static readonly StoredBatch First = Batch(0, 1, "p:0", "p:1");
    private static readonly StoredBatch Second = Batch(2, 1, "p:2");

    [Fact]
    public void Equal_replicas_pass_also_with_different_ends_above_the_high_watermark()
    {
        Assert.Empty(ReplicaChecker.Compare(0, 3, [new(1, [First, Second]), new(2, [First, Second])]));
        Assert.Empty(ReplicaChecker.Compare(0, 2, [new(1, [First, Second]), new(2, [First, Batch(2, 2, "p:9")]), new(3, [First])]));
    }

    [Fact]
    public void A_replica_that_ends_below_the_high_watermark_is_a_fault() =>
        Assert.Single(ReplicaChecker.Compare(0, 3, [new(1, [First, Second]), new(2, [First])]));

    [Fact]
    public void Replicas_that_differ_below_the_high_watermark_are_a_fault()
    {
        Assert.Single(ReplicaChecker.Compare(0, 3, [new(1, [First, Second]), new(2, [First, Batch(2, 2, "p:2")])]));
        Assert.Single(ReplicaChecker.Compare(0, 3, [new(1, [First, Second]), new(2, [First, Batch(2, 1, "p:3")])]));
    }

    [Fact]
    public void A_hole_in_a_replica_is_a_fault() =>
        Assert.NotEmpty(ReplicaChecker.Compare(0, 3, [new(1, [Second])]));

    [Fact]
    public void A_copy_is_a_whole_batch_that_was_sent_again()
    {
        var copy = Batch(3, 1, "p:0", "p:1");
        Assert.Empty(ReplicaChecker.CheckCopies([First, Second, copy], Again(1)));
        Assert.Contains("sent 0 batches again", Assert.Single(ReplicaChecker.CheckCopies([First, Second, copy], Again(0))), StringComparison.Ordinal);
        Assert.Contains("but not a batch", Assert.Single(ReplicaChecker.CheckCopies([First, Second, Batch(3, 1, "p:1")], Again(1))), StringComparison.Ordinal);
        Assert.Contains("but not a batch", Assert.Single(ReplicaChecker.CheckCopies([First, Second, Batch(3, 1, "p:0", "p:5")], Again(1))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_is_read_from_its_segments_up_to_a_torn_end()
    {
        var folder = Directory.CreateTempSubdirectory("replica-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "00000000000000000000.log"), First.Bytes);
            File.WriteAllBytes(Path.Combine(folder, "00000000000000000002.log"), [.. Second.Bytes, .. Batch(3, 1, "p:3").Bytes[..^2]]);
            var read = ReplicaLog.Read(1, folder);
            Assert.Equal([(0, 2), (2, 3)], read.Batches.Select(batch => (batch.BaseOffset, batch.NextOffset)));
            Assert.Equal(["p:0", "p:1"], read.Batches[0].Values());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Dictionary<string, long> Again(long count) => new(StringComparer.Ordinal) { ["p"] = count };

    private static StoredBatch Batch(long baseOffset, int epoch, params string[] values)
    {
        using var builder = new RecordBatchBuilder(int.MaxValue) { BaseOffset = new Offset(baseOffset), PartitionLeaderEpoch = new LeaderEpoch(epoch) };
        foreach (var value in values) Assert.True(builder.TryAppend(0, null, Encoding.UTF8.GetBytes(value)));
        var bytes = builder.Build().ToArray();
        _ = RecordBatchHeader.TryParse(bytes, out var header);
        return new StoredBatch(baseOffset, header.NextOffset.Value, epoch, header.Crc, bytes);
    }
}

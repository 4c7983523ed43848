using System.Text;

namespace ActorBroker.Log.Tests;

/// <summary>Makes record batches, and reads records back as text.</summary>
internal static class Batches
{
    public static Memory<byte> Of(params string[] values) => At(1000, values);

    public static Memory<byte> At(long timestampMs, params string[] values) => At(timestampMs, CompressionType.None, values);

    public static Memory<byte> At(long timestampMs, CompressionType compression, params string[] values)
    {
        using var builder = new RecordBatchBuilder(int.MaxValue, compression);
        foreach (var value in values)
            Assert.True(builder.TryAppend(timestampMs, null, Encoding.UTF8.GetBytes(value)));
        return builder.Build().ToArray();
    }

    public static AppendResult Append(this PartitionLog log, params Memory<byte>[] batches) => log.Append(batches, new LeaderEpoch(Math.Max(0, log.LatestEpoch.Value)), []);

    public static List<string> Values(ReadOnlyMemory<byte> batches)
    {
        var values = new List<string>();
        while (batches.Length > 0)
        {
            Assert.Equal(BatchFault.None, RecordBatchValidator.CheckChecksum(batches.Span, out var header));
            foreach (var record in new RecordEnumerator(batches.Span))
                values.Add($"{record.Offset}={Encoding.UTF8.GetString(record.Value)}");
            batches = batches[(int)header.SizeInBytes..];
        }

        return values;
    }

    /// <summary>Every record from the log start on, as "offset=value".</summary>
    public static List<string> ReadAll(PartitionLog log, int maxBytes = 4096)
    {
        var values = new List<string>();
        for (var at = log.LogStartOffset; at < log.LogEndOffset;)
        {
            using var read = log.Read(at, maxBytes, Offset.Max, minOneBatch: true);
            Assert.Equal(LogReadStatus.Ok, read.Status);
            Assert.True(read.NextOffset > at, $"no progress at {at}");
            values.AddRange(Values(read.Batches));
            at = read.NextOffset;
        }

        return values;
    }
}

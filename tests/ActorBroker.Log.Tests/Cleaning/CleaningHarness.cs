using System.Text;

namespace ActorBroker.Log.Tests.Cleaning;

/// <summary>Keyed batches, and cleanings from begin to end as the broker drives them.</summary>
internal static class CleaningHarness
{
    public static readonly Guid Secret = new("5f4dcc3b-5aa7-65d6-1d83-27deb882cf99");

    public static CleaningOptions Options(long mapBytes = 1 << 20, int bufferBytes = 512, IReadOnlyDictionary<ProducerId, Offset>? lastBatches = null) =>
        new(mapBytes, bufferBytes, Secret, CompressionCodecs.Default, lastBatches ?? new Dictionary<ProducerId, Offset>());

    /// <summary>"k=v" is a record, "k" a tombstone, "=v" a record without a key.</summary>
    public static byte[] Batch(long timestampMs, params string[] records) => Batch(timestampMs, CompressionType.None, ProducerId.None, records);

    public static byte[] Batch(long timestampMs, CompressionType compression, ProducerId producer, params string[] records)
    {
        using var builder = new RecordBatchBuilder(int.MaxValue, compression);
        builder.ProducerId = producer;
        if (producer.Value >= 0)
        {
            builder.ProducerEpoch = new ProducerEpoch(0);
            builder.BaseSequence = 0;
        }

        foreach (var record in records)
        {
            var at = record.IndexOf('=');
            var key = at == 0 ? default(ReadOnlyMemory<byte>?) : Encoding.UTF8.GetBytes(at < 0 ? record : record[..at]);
            Assert.True(builder.TryAppend(timestampMs++, key, at < 0 ? default(ReadOnlyMemory<byte>?) : Encoding.UTF8.GetBytes(record[(at + 1)..])));
        }

        return builder.Build().ToArray();
    }

    public static void Put(this PartitionLog log, long timestampMs, params string[] records) =>
        Assert.True(log.Append(Batch(timestampMs, records)).IsOk);

    /// <summary>Closes the active segment.</summary>
    public static void Roll(this PartitionLog log, TestTime time)
    {
        var options = log.Options;
        log.Options = options with { SegmentTime = TimeSpan.FromTicks(1) };
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(log.RollIfDue());
        log.Options = options;
    }

    /// <summary>Null when there was nothing to clean.</summary>
    public static LogCleaning? Clean(this PartitionLog log, Offset? cleanedTo = null, Offset? highWatermark = null, CleaningOptions? options = null)
    {
        using var cleaning = log.BeginCleaning(cleanedTo, highWatermark ?? log.LogEndOffset, options ?? Options());
        if (cleaning is null)
            return null;
        while (cleaning.State is CleaningState.Working or CleaningState.SwapDue)
        {
            if (cleaning.State == CleaningState.SwapDue)
            {
                log.TrySwapIn(cleaning);
                log.SettleSwaps();
            }
            else
            {
                cleaning.Step();
            }
        }

        return cleaning;
    }

    /// <summary>Every record, as "offset:k=v", "offset:k" or "offset:=v".</summary>
    public static List<string> ReadKeyed(this PartitionLog log, Offset? from = null)
    {
        var all = new List<string>();
        foreach (var (offset, _, text) in ReadRecords(log, from))
            all.Add($"{offset}:{text}");
        return all;
    }

    public static List<(long Offset, long TimestampMs, string Text)> ReadRecords(this PartitionLog log, Offset? from = null)
    {
        var all = new List<(long, long, string)>();
        for (var at = from ?? log.LogStartOffset; at < log.LogEndOffset;)
        {
            using var read = log.Read(at, 4096, Offset.Max, minOneBatch: true);
            Assert.Equal(LogReadStatus.Ok, read.Status);
            Assert.True(read.NextOffset > at, $"no progress at {at}");
            for (var rest = read.Batches; rest.Length > 0;)
            {
                Assert.Equal(BatchFault.None, RecordBatchValidator.CheckChecksum(rest.Span, out var header));
                foreach (var record in new RecordEnumerator(rest.Span))
                {
                    if (record.Offset >= at)
                        all.Add((record.Offset.Value, record.Timestamp, Text(record)));
                }

                rest = rest[(int)header.SizeInBytes..];
            }

            at = read.NextOffset;
        }

        return all;
    }

    private static string Text(in Record record) =>
        (record.HasKey ? Encoding.UTF8.GetString(record.Key) : "") + (record.HasValue ? "=" + Encoding.UTF8.GetString(record.Value) : "");
}

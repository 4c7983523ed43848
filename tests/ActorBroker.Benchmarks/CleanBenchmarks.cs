using System.Diagnostics;
using System.Globalization;
using System.Text;
using ActorBroker.Log;

namespace ActorBroker.Benchmarks;

/// <summary>Compaction of a log: MB of log cleaned per second (each is read twice, once for its keys) and bytes allocated, by size of records and of keys' number.</summary>
public static class CleanBenchmarks
{
    private const int LogBytes = 64 * 1024 * 1024;

    public static void Run(TextWriter output, int rounds = 5)
    {
        foreach (var (valueBytes, keys) in (ReadOnlySpan<(int, int)>)[(100, 1_000), (100, 500_000), (1024, 10_000)])
        {
            foreach (var compression in (CompressionType[])[CompressionType.None, CompressionType.Gzip])
                Clean(output, valueBytes, keys, compression, rounds);
        }
    }

    private static void Clean(TextWriter output, int valueBytes, int keys, CompressionType compression, int rounds)
    {
        var rates = new List<double>();
        var (allocated, left, bytes) = (0L, 0L, 0L);
        for (var round = 0; round <= rounds; round++)
        {
            var folder = Directory.CreateTempSubdirectory("actorbroker-bench-").FullName;
            try
            {
                var options = LogOptions.Default with { SegmentBytes = LogBytes / 8, CleanupPolicy = CleanupPolicy.Compact };
                using var log = PartitionLog.Open(RealFileSystem.Instance, folder, new TopicPartition("bench", 0), options, TimeProvider.System, LogRecoveryInfo.Unknown);
                Fill(log, valueBytes, keys, compression);
                log.Flush();
                var before = GC.GetAllocatedBytesForCurrentThread();
                var start = Stopwatch.GetTimestamp();
                using var cleaning = log.BeginCleaning(null, log.LogEndOffset, new CleaningOptions(
                    128 * 1024 * 1024, 256 * 1024, new Guid(1, 2, 3, new byte[8]), CompressionCodecs.Default, new Dictionary<ProducerId, Offset>()))!;
                while (cleaning.State != CleaningState.Done)
                {
                    if (cleaning.State == CleaningState.SwapDue)
                        log.TrySwapIn(cleaning);
                    else
                        cleaning.Step();
                    log.SettleSwaps();
                }

                bytes = cleaning.Statistics.BytesBefore;
                left = cleaning.Statistics.BytesAfter;
                rates.Add(bytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e6);
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        // The first round warms up.
        var median = rates.Skip(1).Order().ElementAt((rates.Count - 1) / 2);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"clean {valueBytes,4} B values, {keys,7} keys, {compression,4}: {median:F0} MB/s, {bytes / 1e6:F0} MB to {left / 1e6:F1} MB, {allocated / 1024} KiB allocated"));
    }

    private static void Fill(PartitionLog log, int valueBytes, int keys, CompressionType compression)
    {
        var random = new Random(1);
        var value = new byte[valueBytes];
        using var builder = new RecordBatchBuilder(16 * 1024, compression);
        for (long written = 0; written < LogBytes;)
        {
            random.NextBytes(value.AsSpan(0, valueBytes / 2));
            if (builder.TryAppend(1, Encoding.UTF8.GetBytes($"key-{random.Next(keys)}"), value))
                continue;
            var batch = builder.Build();
            written += batch.Length;
            if (!log.Append([batch], default, []).IsOk)
                throw new InvalidOperationException("append refused");
            builder.Reset();
        }
    }
}

using System.Diagnostics;
using ActorBroker.Log;
using Microsoft.Win32.SafeHandles;

namespace ActorBroker.Benchmarks;

/// <summary>
/// The log against the least that could do the same: plain positional writes and reads of one file. Rounds are interleaved
/// (plain, log, plain, log) and medians are told, so that a busy machine slows both.
/// </summary>
public static class LogBenchmarks
{
    private const long BytesPerRound = 256L * 1024 * 1024;

    public static void Run(TextWriter output, int rounds = 7)
    {
        var directory = Directory.CreateTempSubdirectory("actorbroker-bench-").FullName;
        try
        {
            foreach (var batchBytes in (int[])[4 * 1024, 16 * 1024, 256 * 1024])
                AppendAndRead(output, directory, batchBytes, rounds);
            Checksum(output, rounds);
            Build(output, rounds);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void AppendAndRead(TextWriter output, string directory, int batchBytes, int rounds)
    {
        var plainWrites = new List<double>();
        var logWrites = new List<double>();
        var plainReads = new List<double>();
        var logReads = new List<double>();
        var batch = MakeBatch(batchBytes);
        long allocated = 0;
        for (var round = 0; round <= rounds; round++)
        {
            var path = Path.Combine(directory, $"plain-{batchBytes}-{round}");
            using (var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite))
            {
                plainWrites.Add(Rate(() => PlainWrite(file, batch)));
                plainReads.Add(Rate(() => PlainRead(file)));
            }

            File.Delete(path);
            var folder = Path.Combine(directory, $"log-{batchBytes}-{round}");
            using (var log = PartitionLog.Open(RealFileSystem.Instance, folder, new TopicPartition("bench", 0), LogOptions.Default, TimeProvider.System, LogRecoveryInfo.Unknown))
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                logWrites.Add(Rate(() => LogWrite(log, batch)));
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                logReads.Add(Rate(() => LogRead(log)));
            }

            Directory.Delete(folder, recursive: true);
        }

        var appends = BytesPerRound / batch.Length;
        output.WriteLine($"append {batchBytes / 1024,4} KiB batches: plain {Median(plainWrites):F2} GB/s, log {Median(logWrites):F2} GB/s, ratio {Ratio(logWrites, plainWrites):F2}; {(double)allocated / appends:F0} bytes allocated per append");
        output.WriteLine($"read by 1 MiB, {batchBytes / 1024,4} KiB batches: plain {Median(plainReads):F2} GB/s, log {Median(logReads):F2} GB/s, ratio {Ratio(logReads, plainReads):F2}");
    }

    private static byte[] MakeBatch(int bytes)
    {
        using var builder = new RecordBatchBuilder(bytes);
        var value = new byte[100];
        while (builder.TryAppend(1, null, value))
        {
        }

        return builder.Build().ToArray();
    }

    private static void PlainWrite(SafeFileHandle file, byte[] batch)
    {
        for (long at = 0; at + batch.Length <= BytesPerRound; at += batch.Length)
            RandomAccess.Write(file, batch, at);
    }

    private static void LogWrite(PartitionLog log, byte[] batch)
    {
        Memory<byte>[] batches = [batch];
        for (long at = 0; at + batch.Length <= BytesPerRound; at += batch.Length)
        {
            if (!log.Append(batches, default, []).IsOk)
                throw new InvalidOperationException("append refused");
        }
    }

    private static void PlainRead(SafeFileHandle file)
    {
        var buffer = new byte[1 << 20];
        for (long at = 0; RandomAccess.Read(file, buffer, at) is var read and > 0;)
            at += read;
    }

    private static void LogRead(PartitionLog log)
    {
        for (var at = Offset.Zero; at < log.LogEndOffset;)
        {
            using var read = log.Read(at, 1 << 20, Offset.Max, minOneBatch: true);
            at = read.NextOffset;
        }
    }

    private static void Checksum(TextWriter output, int rounds)
    {
        var bytes = new byte[16 * 1024];
        new Random(1).NextBytes(bytes);
        var rates = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            rates.Add(Rate(() =>
            {
                for (long at = 0; at + bytes.Length <= BytesPerRound; at += bytes.Length)
                    Crc32C.Compute(bytes);
            }));
        }

        output.WriteLine($"CRC-32C of 16 KiB: {Median(rates):F1} GB/s");
    }

    private static void Build(TextWriter output, int rounds)
    {
        const int Records = 1_000_000;
        ReadOnlyMemory<byte> value = new byte[100];
        using var builder = new RecordBatchBuilder(16 * 1024);
        var times = new List<double>();
        long allocated = 0;
        for (var round = 0; round <= rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Records; i++)
            {
                if (builder.TryAppend(i, null, value))
                    continue;
                builder.Build();
                builder.Reset();
            }

            times.Add(Records / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e6);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        output.WriteLine($"build batches of 100-byte records: {Median(times):F1} million records/s, {allocated} bytes allocated per million");
    }

    private static double Rate(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return BytesPerRound / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    /// <summary>Of all rounds but the first, which warms up.</summary>
    private static double Median(List<double> values)
    {
        var sorted = values.Skip(1).Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private static double Ratio(List<double> ours, List<double> theirs) =>
        Median(ours.Zip(theirs, static (a, b) => a / b).ToList());
}

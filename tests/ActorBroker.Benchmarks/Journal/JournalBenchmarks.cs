using System.Diagnostics;
using System.Globalization;
using ActorBroker.Journal;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>
/// PersistAsync of one actor, with a bounded number of events under way: through a journal that stores nothing, and through the
/// commit log (page cache, as a topic's logs are) as any event and as record batches; against the bare append of the same batches.
/// </summary>
internal static class JournalBenchmarks
{
    private const long BytesPerRun = 100_000_000;
    private const int MaxEvents = 300_000;

    public static async Task RunAsync(int rounds)
    {
        foreach (var size in (int[])[100, 1024, 16 * 1024, 64 * 1024, 1_000_000])
        {
            var folder = Directory.CreateTempSubdirectory("actorbroker-bench-").FullName;
            try
            {
                await CompareAsync(folder, size, rounds);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task CompareAsync(string folder, int size, int rounds)
    {
        using var system = ActorSystem.Create("bench", Settings(folder).WithFallback(JournalLogs.DefaultConfig()));
        var events = (int)Math.Min(MaxEvents, BytesPerRun / size);
        var window = Math.Clamp(4_000_000 / size, 8, 1_000);
        var runs = 0;
        await Comparison.RunAsync($"Persist {events:N0} events of {size:N0} B, {window} under way", "events/s", rounds,
            ("bare log append", () => Task.FromResult(Append(folder, ++runs, size, events))),
            ("record batches, commit log", () => PersistBatchesAsync(system, folder, ++runs, size, events, window)),
            ("byte arrays, commit log", () => PersistAsync(system, "actorbroker.journal.commit-log", Id(++runs), _ => new byte[size], events, window)),
            ("byte arrays, no-op journal", () => PersistAsync(system, "bench.journal.no-op", Id(++runs), _ => new byte[size], events, window)));
        await system.Terminate();
    }

    private static Config Settings(string folder) => ConfigurationFactory.ParseString($$"""
        akka.loglevel = WARNING
        bench.journal.no-op {
          class = "ActorBroker.Benchmarks.NoOpJournal, ActorBroker.Benchmarks"
          plugin-dispatcher = "akka.actor.default-dispatcher"
          replay-filter.mode = off
        }
        actorbroker.journal.commit-log {
          directory = "{{folder.Replace("\\", "\\\\", StringComparison.Ordinal)}}"
          flush.messages = 9223372036854775807
        }
        """);

    private static string Id(int run) => string.Create(CultureInfo.InvariantCulture, $"run-{run}");

    private static PartitionLog Open(string folder, int run) => PartitionLog.Open(
        RealFileSystem.Instance, Path.Join(folder, $"log-{Id(run)}"), new TopicPartition("bench", 0),
        LogOptions.Default with { MaxMessageBytes = int.MaxValue }, TimeProvider.System, LogRecoveryInfo.Unknown);

    private static byte[] Batch(int size)
    {
        using var builder = new RecordBatchBuilder(size + 100);
        if (!builder.TryAppend(1, null, new byte[size])) throw new InvalidOperationException("the batch is too small");
        return builder.Build().ToArray();
    }

    private static Sample Append(string folder, int run, int size, int events)
    {
        using var log = Open(folder, run);
        Memory<byte>[] batch = [Batch(size)];
        return Measure(events, () =>
        {
            for (var i = 0; i < events; i++)
                if (!log.Append(batch, default, []).IsOk) throw new InvalidOperationException("append refused");
        });
    }

    private static async Task<Sample> PersistBatchesAsync(ActorSystem system, string folder, int run, int size, int events, int window)
    {
        var id = Id(run);
        var log = Open(folder, run);
        JournalLogs.For(system).Register(id, new JournalLog(log, JournalLogContent.RecordBatches));
        // The log writes into a batch while it is under way: as many as there are places in the window.
        var batches = Enumerable.Range(0, window).Select(_ => Batch(size)).ToArray();
        return await PersistAsync(system, "actorbroker.journal.commit-log", id, i => new RecordBatchEvent(batches[i % window], default), events, window);
    }

    private static async Task<Sample> PersistAsync(ActorSystem system, string journal, string id, Func<int, object> make, int events, int window)
    {
        var recovered = new TaskCompletionSource();
        var actor = system.ActorOf(Props.Create(() => new Persister(journal, id, recovered)));
        await recovered.Task;
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var done = new TaskCompletionSource();
        var started = Stopwatch.GetTimestamp();
        actor.Tell(new Persister.Work(make, events, window, done), ActorRefs.NoSender);
        await done.Task;
        var rate = events / Stopwatch.GetElapsedTime(started).TotalSeconds;
        var perEvent = (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / events;
        await actor.GracefulStop(TimeSpan.FromSeconds(10));
        return new Sample(rate, Allocated: perEvent);
    }

    private static Sample Measure(int events, Action work)
    {
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var started = Stopwatch.GetTimestamp();
        work();
        var rate = events / Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new Sample(rate, Allocated: (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / events);
    }
}

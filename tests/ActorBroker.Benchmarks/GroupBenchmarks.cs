using System.Diagnostics;
using System.Globalization;
using ActorBroker.Groups;
using ActorBroker.Log;

namespace ActorBroker.Benchmarks;

/// <summary>
/// Coordinators of groups: how fast one takes over a partition of __consumer_offsets, as it was written and as it is after
/// cleaning; how many commits a broker in this process takes; and what a million of them leave behind.
/// </summary>
internal static class GroupBenchmarks
{
    private const int Commits = 1_000_000;
    private const int Groups = 100;
    private const int PartitionsPerGroup = 100;
    private const int Requests = 50_000;

    private static readonly GroupOptions Options = new(
        TimeSpan.FromSeconds(6), TimeSpan.FromMinutes(30), TimeSpan.Zero, int.MaxValue, TimeSpan.FromSeconds(5), 4096,
        TimeSpan.FromDays(7), TimeSpan.FromMinutes(10), 5 << 20, 50, -1, 100 << 20);

    public static async Task RunAsync(int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("actorbroker-bench-").FullName;
        try
        {
            const int live = Groups * PartitionsPerGroup;
            await Comparison.RunAsync($"Load a coordinator's partition, {live:N0} offsets live", "records/s", rounds,
                ($"{Commits:N0} commits, one to a batch", Load(Path.Combine(folder, "single"), Commits, perBatch: 1)),
                ($"{Commits:N0} commits, 100 to a batch", Load(Path.Combine(folder, "many"), Commits, perBatch: 100)),
                ("after cleaning", Load(Path.Combine(folder, "clean"), live, perBatch: 100)));
            await CommitAsync(folder, rounds);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Func<Task<double>> Load(string folder, int commits, int perBatch)
    {
        using (var log = Open(folder))
            Fill(log, commits, perBatch);
        return () =>
        {
            using var log = Open(folder);
            var started = Stopwatch.GetTimestamp();
            var core = new CoordinatorCore(Options, Guid.NewGuid);
            var loader = new CoordinatorLoader(log, core, Options.LoadBufferBytes);
            while (loader.TryReadMore(log.LogEndOffset))
            {
            }

            core.OnLoaded(new GroupStep());
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            if (loader.Records != commits || core.GroupCount != Groups) throw new InvalidOperationException("Something else was loaded.");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {commits:N0} records in {seconds * 1000:0} ms"));
            return Task.FromResult(commits / seconds);
        };
    }

    private static PartitionLog Open(string folder) => PartitionLog.Open(
        RealFileSystem.Instance, folder, new TopicPartition(GroupPartitioner.Topic, 0), LogOptions.Default, TimeProvider.System, LogRecoveryInfo.Unknown);

    private static void Fill(PartitionLog log, int commits, int perBatch)
    {
        using var builder = new RecordBatchBuilder(1 << 20);
        var codec = new GroupRecordCodec();
        for (var i = 0; i < commits; i++)
        {
            var (group, partition) = (i % Groups, i / Groups % PartitionsPerGroup);
            var (key, value) = codec.Encode(new OffsetCommitted(
                $"group-{group}", new TopicPartition("flights", partition), new CommittedOffset(new Offset(i), new LeaderEpoch(1), "", 1_767_225_600_000)));
            builder.TryAppend(1_767_225_600_000, key, value);
            if (builder.RecordCount < perBatch && i < commits - 1) continue;
            log.Append([builder.Build()], new LeaderEpoch(0), default);
            builder.Reset();
        }
    }

    private static async Task CommitAsync(string folder, int rounds)
    {
        using (var broker = await CommittingBroker.StartAsync(Path.Combine(folder, "broker"), Groups, PartitionsPerGroup))
        {
            await Comparison.RunAsync($"Commit to one broker in this process, {CommittingBroker.InFlight} requests under way", "requests/s", rounds,
                ("1 offset each", () => RateAsync(broker, 1)),
                ("10 offsets each", () => RateAsync(broker, 10)));
            await broker.StopAsync();
        }

        await CommitAMillionAsync(Path.Combine(folder, "million"));
    }

    private static async Task<double> RateAsync(CommittingBroker broker, int offsets)
    {
        var started = Stopwatch.GetTimestamp();
        await broker.CommitAsync(Requests, offsets);
        return Requests / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>
    /// A million commits through the coordinator of a real broker with one partition of __consumer_offsets; then its segments
    /// roll, the broker's cleaner does its work, and the broker is started again.
    /// </summary>
    private static async Task CommitAMillionAsync(string folder)
    {
        Console.WriteLine($"{Commits:N0} commits of one offset, {Groups * PartitionsPerGroup:N0} different keys, one partition of {GroupPartitioner.Topic}");
        using (var broker = await CommittingBroker.StartAsync(folder, Groups, PartitionsPerGroup, "actorbroker.offsets.topic.num.partitions = 1"))
        {
            var started = Stopwatch.GetTimestamp();
            await broker.CommitAsync(Commits, 1);
            Tell($"committed in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s: {broker.Describe()}");
            await broker.RollAsync();
            started = Stopwatch.GetTimestamp();
            await broker.CleanedAsync();
            Tell($"rolled and cleaned {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s later: {broker.Describe()}");
            await broker.StopAsync();
        }

        using (var broker = await CommittingBroker.StartAsync(folder, Groups, PartitionsPerGroup))
        {
            Tell($"started again: the first committed offset is answered {(await broker.RecoveredAsync(Commits)).TotalMilliseconds:0} ms after the broker is ready");
            await broker.StopAsync();
        }

        static void Tell(FormattableString what) => Console.WriteLine("  " + FormattableString.Invariant(what));
    }
}

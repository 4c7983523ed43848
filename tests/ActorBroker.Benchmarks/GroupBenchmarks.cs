using System.Diagnostics;
using System.Globalization;
using ActorBroker.Groups;
using ActorBroker.Hosting;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>
/// Coordinators of groups: how fast one takes over a partition of __consumer_offsets, as it was written and as it is after
/// cleaning; and how many commits a broker in this process takes.
/// </summary>
internal static class GroupBenchmarks
{
    private const int Commits = 1_000_000;
    private const int Groups = 100;
    private const int PartitionsPerGroup = 100;
    private const int Requests = 50_000;
    private const int InFlight = 64;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

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
        using var system = ActorSystem.Create("bench", ConfigurationFactory.ParseString($$"""
            akka.loglevel = WARNING
            akka.coordinated-shutdown.exit-clr = off
            akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
            actorbroker.data.dir = "{{Path.Combine(folder, "broker").Replace("\\", "\\\\", StringComparison.Ordinal)}}"
            """));
        await Broker.Get(system).Ready.WaitAsync(Deadline);
        var endpoint = await system.ActorSelection("/user/actorbroker").ResolveOne(Deadline);
        await AskAsync(endpoint, new CreateTopicsRequest { Topics = [new() { Name = "flights", NumPartitions = PartitionsPerGroup, ReplicationFactor = 1 }] });
        await AskAsync(endpoint, new FindCoordinatorRequest { CoordinatorKeys = ["group-0"] });
        await Comparison.RunAsync($"Commit to one broker in this process, {InFlight} requests under way", "requests/s", rounds,
            ("1 offset each", () => CommitAsync(system, endpoint, 1)),
            ("10 offsets each", () => CommitAsync(system, endpoint, 10)));
        await CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Deadline);
    }

    private static async Task<double> CommitAsync(ActorSystem system, IActorRef endpoint, int offsets)
    {
        var done = new TaskCompletionSource();
        var started = Stopwatch.GetTimestamp();
        system.ActorOf(Props.Create(() => new Committer(endpoint, offsets, done)));
        await done.Task.WaitAsync(Deadline);
        return Requests / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>One client with so many commits under way.</summary>
    private sealed class Committer : ReceiveActor
    {
        public Committer(IActorRef endpoint, int offsets, TaskCompletionSource done)
        {
            var (sent, answered) = (0, 0);
            Receive<ApiResponse>(response =>
            {
                var error = ((OffsetCommitResponse)response.Body).Topics[0].Partitions[0].ErrorCode;
                if (error == ErrorCode.None) answered++;
                else if (error == ErrorCode.CoordinatorLoadInProgress) sent--;
                else done.TrySetException(new InvalidOperationException($"{error}"));
                if (answered < Requests) Send();
                else if (done.TrySetResult()) Context.Stop(Self);
            });
            Receive<ApiRejected>(rejected => done.TrySetException(new InvalidOperationException(rejected.Message)));
            for (var i = 0; i < InFlight; i++) Send();

            void Send()
            {
                if (sent < Requests) endpoint.Tell(new ApiRequest(++sent, "bench", int.MaxValue, Commit(sent, offsets)), Self);
            }
        }
    }

    private static OffsetCommitRequest Commit(int i, int offsets) => new()
    {
        GroupId = $"group-{i % Groups}",
        Topics =
        [
            new()
            {
                Name = "flights",
                Partitions = [.. Enumerable.Range(0, offsets).Select(p => new OffsetCommitRequest.OffsetCommitRequestPartition { PartitionIndex = p, CommittedOffset = i })],
            },
        ],
    };

    private static async Task<IResponse> AskAsync(IActorRef endpoint, IRequest request) =>
        ((ApiResponse)await endpoint.Ask<object>(new ApiRequest(1, "bench", int.MaxValue, request), Deadline)).Body;
}

using System.Diagnostics;
using System.Globalization;
using ActorBroker.Groups;
using ActorBroker.Hosting;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Benchmarks;

/// <summary>A broker in this process that groups commit to: so many groups, each with so many partitions of one topic.</summary>
internal sealed class CommittingBroker : IDisposable
{
    public const int InFlight = 64;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly ActorSystem _system;
    private readonly IActorRef _endpoint;
    private readonly string _folder;
    private readonly int _groups;
    private readonly int _partitions;

    private CommittingBroker(ActorSystem system, IActorRef endpoint, string folder, int groups, int partitions) =>
        (_system, _endpoint, _folder, _groups, _partitions) = (system, endpoint, folder, groups, partitions);

    private string Partition => Path.Combine(_folder, $"{GroupPartitioner.Topic}-0");

    private int Segments => new DirectoryInfo(Partition).EnumerateFiles("*.log").Count();

    private long Bytes => new DirectoryInfo(Partition).EnumerateFiles("*.log").Sum(file => file.Length);

    public static async Task<CommittingBroker> StartAsync(string folder, int groups, int partitions, string settings = "")
    {
        var system = ActorSystem.Create("bench", ConfigurationFactory.ParseString($$"""
            akka.loglevel = WARNING
            akka.coordinated-shutdown.exit-clr = off
            akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
            actorbroker.data.dir = "{{folder.Replace("\\", "\\\\", StringComparison.Ordinal)}}"
            actorbroker.log.cleaner.backoff.ms = 1000
            {{settings}}
            """));
        await Broker.Get(system).Ready.WaitAsync(Deadline);
        var broker = new CommittingBroker(system, await system.ActorSelection("/user/actorbroker").ResolveOne(Deadline), folder, groups, partitions);
        await broker.AskAsync(new CreateTopicsRequest { Topics = [new() { Name = "flights", NumPartitions = partitions, ReplicationFactor = 1 }] });
        await broker.AskAsync(new FindCoordinatorRequest { CoordinatorKeys = ["group-0"] });
        return broker;
    }

    /// <summary>The groups in turn, of each its partitions in turn; the n-th commit is of offset n.</summary>
    public async Task CommitAsync(int requests, int offsets)
    {
        var done = new TaskCompletionSource();
        _system.ActorOf(Props.Create(() => new Committer(this, requests, offsets, done)));
        await done.Task.WaitAsync(Deadline);
    }

    /// <summary>Has the log begin a new segment, with more commits of offset 0.</summary>
    public async Task RollAsync()
    {
        var altered = (IncrementalAlterConfigsResponse)await AskAsync(new IncrementalAlterConfigsRequest
        {
            Resources =
            [
                new()
                {
                    ResourceType = ConfigResourceType.Topic, ResourceName = GroupPartitioner.Topic,
                    Configs = [new() { Name = "segment.bytes", Value = "1048576" }, new() { Name = "file.delete.delay.ms", Value = "0" }],
                },
            ],
        });
        if (altered.Responses[0].ErrorCode != ErrorCode.None) throw new InvalidOperationException(altered.Responses[0].ErrorMessage);
        // The log hears of it a moment after the answer.
        while (Segments == 1) await CommitAsync(1, 1);
    }

    /// <summary>Waits until the cleaner has noted that it is done.</summary>
    public async Task CleanedAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var notes = Path.Combine(_folder, "cleaner-offset-checkpoint");
        while (!File.Exists(notes) || !(await File.ReadAllTextAsync(notes, deadline.Token)).Contains(GroupPartitioner.Topic, StringComparison.Ordinal))
            await Task.Delay(Look, deadline.Token);
    }

    public string Describe() =>
        string.Create(CultureInfo.InvariantCulture, $"{Bytes / 1e6:0.0} MB in {Segments} segments, {(double)Bytes / (_groups * _partitions):0} bytes for each key");

    /// <summary>How long until every group's offsets are answered, as so many commits before have left them.</summary>
    public async Task<TimeSpan> RecoveredAsync(int commits)
    {
        var started = Stopwatch.GetTimestamp();
        var first = TimeSpan.Zero;
        for (var group = 0; group < _groups;)
        {
            var answer = (OffsetFetchResponse)await AskAsync(new OffsetFetchRequest { Groups = [new() { GroupId = $"group-{group}", Topics = null }] });
            if (answer.Groups[0].ErrorCode is ErrorCode.CoordinatorLoadInProgress or ErrorCode.NotCoordinator or ErrorCode.CoordinatorNotAvailable)
            {
                await Task.Delay(Look);
                continue;
            }

            if (group == 0) first = Stopwatch.GetElapsedTime(started);
            foreach (var partition in answer.Groups[0].Topics.Single().Partitions)
            {
                var last = (commits - 1) / (_groups * _partitions) * (_groups * _partitions) + (partition.PartitionIndex * _groups) + group;
                // Rolling has committed offset 0 of the first group.
                if (partition.CommittedOffset != last && (group, partition.PartitionIndex) != (0, 0))
                    throw new InvalidOperationException($"group-{group} partition {partition.PartitionIndex}: {partition.CommittedOffset} instead of {last}");
            }

            if (answer.Groups[0].Topics.Single().Partitions.Count != _partitions) throw new InvalidOperationException("Offsets are missing.");
            group++;
        }

        return first;
    }

    public Task StopAsync() => CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Deadline);

    public void Dispose() => _system.Dispose();

    private OffsetCommitRequest Commit(int i, int offsets) => new()
    {
        GroupId = $"group-{i % _groups}",
        Topics =
        [
            new()
            {
                Name = "flights",
                Partitions =
                [
                    .. Enumerable.Range(i / _groups, offsets).Select(p => new OffsetCommitRequest.OffsetCommitRequestPartition { PartitionIndex = p % _partitions, CommittedOffset = i }),
                ],
            },
        ],
    };

    private async Task<IResponse> AskAsync(IRequest request)
    {
        var answer = await _endpoint.Ask<object>(new ApiRequest(1, "bench", int.MaxValue, request), Deadline);
        return answer is ApiResponse response ? response.Body : throw new InvalidOperationException($"{answer}");
    }

    /// <summary>One client with so many commits under way.</summary>
    private sealed class Committer : ReceiveActor
    {
        public Committer(CommittingBroker broker, int requests, int offsets, TaskCompletionSource done)
        {
            var (sent, answered) = (0, 0);
            var again = new Queue<int>();
            Receive<ApiResponse>(response =>
            {
                var error = ((OffsetCommitResponse)response.Body).Topics[0].Partitions[0].ErrorCode;
                if (error == ErrorCode.None) answered++;
                else if (error == ErrorCode.CoordinatorLoadInProgress) again.Enqueue(response.CorrelationId);
                else done.TrySetException(new InvalidOperationException($"{error}"));
                if (answered < requests) Send();
                else if (done.TrySetResult()) Context.Stop(Self);
            });
            Receive<ApiRejected>(rejected => done.TrySetException(new InvalidOperationException(rejected.Message)));
            for (var i = 0; i < InFlight; i++) Send();

            void Send()
            {
                if (again.TryDequeue(out var number) || (number = sent++) < requests)
                    broker._endpoint.Tell(new ApiRequest(number, "bench", int.MaxValue, broker.Commit(number, offsets)), Self);
            }
        }
    }
}

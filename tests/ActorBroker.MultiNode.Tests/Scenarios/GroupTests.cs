using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Histories;
using ActorBroker.MultiNode.Tests.Processes;
using Akka.Actor;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>
/// A group reads along while members crash, leave and join and nodes are killed, the group's coordinator among them. Every
/// record is given to some member, no two read a partition at a time, what is committed never moves back nor beyond what
/// was given.
/// </summary>
public class GroupTests(ITestOutputHelper output)
{
    private const string Group = "readers";
    private const int Partitions = 6;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public Task Members_crash_and_join_and_nodes_are_killed() => RunAsync(rounds: 1);

    [Fact]
    [Trait("Category", "Long")]
    public Task Members_crash_and_join_and_nodes_are_killed_for_minutes() => RunAsync(rounds: 10);

    private Task RunAsync(int rounds) => ClusterProcesses.RunAsync(output, new ClusterShape(), async cluster =>
    {
        await using var load = await Workload.StartAsync(cluster, Partitions);
        var group = new GroupRecorder();
        var members = new Queue<IActorRef>();
        var joined = 0;
        Join();
        Join();
        await SharedAsync(2);
        using var stop = new CancellationTokenSource();
        var watching = WatchCommitsAsync(load.View, group, stop.Token);
        for (var round = 0; round < rounds; round++)
        {
            Join();
            await SharedAsync(3);
            members.Dequeue().Tell(new GroupMember.Crash());
            await SharedAsync(2);
            cluster.Say("a member crashed, and the others took over");
            await load.KillAsync(cluster, await CoordinatorAsync(load.View));
            await load.KillAsync(cluster, await load.View.LeaderAsync(Workload.Topic, round % Partitions));
        }

        await load.FinishAsync(judgeMore: async final =>
        {
            await UntilAsync(() => group.Distinct == final.Count, () => $"{group.Distinct} of {final.Count} records were given to the group");
            await stop.CancelAsync();
            await watching;
            cluster.Say($"the group's {joined} members were given {group.Build().Taken.Count} records, {final.Count} different ones");
            return [.. GroupChecker.Check(group.Build(), final.Select(record => (record.Partition, record.Offset))), .. group.Troubles.Select(trouble => $"Trouble: {trouble}")];
        });

        void Join()
        {
            var name = $"member-{++joined}";
            members.Enqueue(load.System.ActorOf(Props.Create(() => new GroupMember(cluster.Bootstrap, Workload.Topic, Group, name, group)), name));
        }

        // Each of so many reads something, together they read all.
        Task SharedAsync(int count) => UntilAsync(
            () => group.Owned.Count == count && group.Owned.Values.Sum() == Partitions,
            () => $"partitions read: {string.Join(", ", group.Owned.Select(member => $"{member.Key} {member.Value}"))}");
    });

    private static async Task<int> CoordinatorAsync(ClusterView view) => (await view.Admin.DescribeGroupsAsync([Group]))[0].Coordinator.Value;

    private static async Task WatchCommitsAsync(ClusterView view, GroupRecorder group, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var offsets = await view.Admin.ListGroupOffsetsAsync(Group, cancellation: stop);
                group.Committed(offsets.Select(offset => new CommitSeen(offset.Key.Partition, offset.Value.Offset.Value)));
                await Task.Delay(TimeSpan.FromMilliseconds(100), stop);
            }
            catch (Exception e) when (e is OperationCanceledException or AdminException)
            {
                // Nobody answers now, or it is time to stop.
            }
        }
    }

    private static async Task UntilAsync(Func<bool> holds, Func<string> tell)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (!holds())
        {
            if (deadline.IsCancellationRequested) throw new TimeoutException($"Not reached within {Patience.TotalSeconds} s; {tell()}");
            await Task.Delay(25);
        }
    }
}

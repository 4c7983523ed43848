using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Clients;
using ActorBroker.MultiNode.Tests.Histories;
using ActorBroker.MultiNode.Tests.Network;
using ActorBroker.MultiNode.Tests.Processes;
using Akka.Actor;
using Xunit.Abstractions;

namespace ActorBroker.MultiNode.Tests.Scenarios;

/// <summary>
/// A group reads along while members crash, leave and join, nodes are killed, the group's coordinator among them, answers
/// are lost on connections that are reset, and the coordinator is cut off from the other nodes. Every record is given to
/// some member, no two read a partition at a time, what is committed never moves back nor beyond what was given.
/// </summary>
public class GroupTests(ITestOutputHelper output)
{
    private const string Group = "readers";
    private const int Partitions = 6;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Longer than a broker's session: another node leads the group's partition meanwhile.</summary>
    private static readonly TimeSpan CutFor = TimeSpan.FromSeconds(6);

    /// <summary>A member commits to the coordinator that is cut off as long as that answers, and goes on with the next.</summary>
    [Fact]
    public Task Members_crash_nodes_are_killed_answers_are_lost_and_the_coordinator_is_cut_off() =>
        RunAsync(rounds: 2, (cluster, load, round) => round == 0 ? KillNodesAsync(cluster, load, round) : LoseAnswersAsync(cluster, load, round));

    [Fact]
    [Trait("Category", "Long")]
    public Task Members_crash_and_join_and_nodes_are_killed_for_minutes() => RunAsync(rounds: 10, KillNodesAsync);

    [Fact]
    [Trait("Category", "Long")]
    public Task Answers_are_lost_and_coordinators_are_cut_off_for_minutes() => RunAsync(rounds: 10, LoseAnswersAsync);

    private static async Task KillNodesAsync(ClusterProcesses cluster, Workload load, int round)
    {
        await load.KillAsync(cluster, await CoordinatorAsync(load.View));
        await load.KillAsync(cluster, await load.View.LeaderAsync(Workload.Topic, round % Partitions));
    }

    private static async Task LoseAnswersAsync(ClusterProcesses cluster, Workload load, int round)
    {
        foreach (var node in cluster.Nodes)
        {
            cluster.Network.Cut([load.System.Name], [ClusterProcesses.Name(node.Id)], LinkState.Refused);
            await Task.Delay(150);
            cluster.Network.Heal();
            await Task.Delay(400);
        }

        var coordinator = await CoordinatorAsync(load.View);
        await load.MeasureAsync($"the group's coordinator {coordinator} cut off", async () =>
        {
            cluster.Network.Isolate(ClusterProcesses.Name(coordinator), load.System.Name);
            await Task.Delay(CutFor);
            cluster.Network.Heal();
        });
        await load.View.WaitInSyncAsync(Workload.Topic);
    }

    private Task RunAsync(int rounds, Func<ClusterProcesses, Workload, int, Task> fault) => ClusterProcesses.RunAsync(output, new ClusterShape(Proxied: true), async cluster =>
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
            await fault(cluster, load, round);
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

using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Histories;
using ActorBroker.MultiNode.Tests.Processes;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.MultiNode.Tests.Clients;

/// <summary>What the cluster says of itself, asked through one client system.</summary>
internal sealed class ClusterView(ClusterProcesses cluster, ActorSystem system, string? bootstrap = null) : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Any node may answer, also one that does not know yet that it is behind: so often in a row all must say so.</summary>
    private const int LooksInSync = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly AdminClient _admin = AdminClient.Create(
        system, ClientSettings.Create(system).WithBootstrap([.. (bootstrap ?? cluster.Bootstrap).Split(',')]) with { BootstrapTimeout = TimeSpan.FromSeconds(30) });

    public AdminClient Admin => _admin;

    public async Task CreateAsync(string topic, int partitions, short replicas)
    {
        var result = (await _admin.CreateTopicsAsync([new NewTopic(topic, partitions, replicas)]))[0];
        Assert.True(result.Succeeded, $"{topic} can't be created: {result.Error} {result.Message}");
    }

    public async Task<IReadOnlyList<PartitionDescription>> PartitionsAsync(string topic) =>
        (await _admin.DescribeTopicsAsync([topic]))[0].Partitions;

    public async Task<int> LeaderAsync(string topic, int partition) =>
        (await PartitionsAsync(topic)).Single(p => p.Index == partition).Leader.Value;

    public async Task<int> ControllerAsync() => (await _admin.DescribeQuorumAsync()).Controller.Value;

    /// <summary>Gives partitions back to their first replicas, and waits until they lead.</summary>
    public async Task ElectPreferredAsync(string topic)
    {
        await _admin.ElectLeadersAsync(ElectionType.Preferred, partitions: null);
        await WaitAsync(topic, partitions => partitions.All(p => p.Leader == p.Replicas[0]), "led by its first replicas", looks: LooksInSync);
    }

    /// <summary>Every partition has a leader and all its replicas in sync.</summary>
    public Task WaitInSyncAsync(string topic, TimeSpan? patience = null) => WaitAsync(
        topic, partitions => partitions.Count > 0 && partitions.All(p => p.Leader.Value >= 0 && p.InSync.Count == p.Replicas.Count), "in sync", patience, LooksInSync);

    public async Task WaitAsync(string topic, Func<IReadOnlyList<PartitionDescription>, bool> isReached, string what, TimeSpan? patience = null, int looks = 1)
    {
        using var deadline = new CancellationTokenSource(patience ?? Patience);
        IReadOnlyList<PartitionDescription> partitions = [];
        var seen = 0;
        try
        {
            while (true)
            {
                partitions = (await _admin.DescribeTopicsAsync([topic], deadline.Token))[0].Partitions;
                seen = isReached(partitions) ? seen + 1 : 0;
                if (seen >= looks) return;
                await Task.Delay(Look, deadline.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or AdminException)
        {
            throw new TimeoutException($"{topic} is not {what} within {(patience ?? Patience).TotalSeconds} s: {Tell(partitions)}", e);
        }
    }

    /// <summary>Takes down who leads, several times a second, until cancelled.</summary>
    public async Task WatchLeadersAsync(string topic, string witness, HistoryRecorder history, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                foreach (var partition in await PartitionsAsync(topic))
                    history.SawLeader(new LeaderSeen(partition.Index, partition.LeaderEpoch.Value, partition.Leader.Value, witness));
                await Task.Delay(Look, stop);
            }
            catch (Exception e) when (e is OperationCanceledException or AdminException)
            {
                // Nobody answers now, or it is time to stop.
            }
        }
    }

    public static string Tell(IReadOnlyList<PartitionDescription> partitions) => string.Join("; ", partitions.Select(p =>
        $"{p.Index}: leader {p.Leader.Value} epoch {p.LeaderEpoch.Value} replicas {string.Join(',', p.Replicas.Select(id => id.Value))} isr {string.Join(',', p.InSync.Select(id => id.Value))}"));

    public ValueTask DisposeAsync() => _admin.DisposeAsync();
}

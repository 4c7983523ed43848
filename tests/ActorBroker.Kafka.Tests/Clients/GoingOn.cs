using System.Collections.Concurrent;
using System.Globalization;
using ActorBroker.Kafka.Tests.Nodes;

namespace ActorBroker.Kafka.Tests.Clients;

/// <summary>All clients that are installed at work on one cluster, at the same time, as most of it is waiting; begun when the first outcome is asked for.</summary>
public sealed class GoingOn : IAsyncLifetime
{
    private const int Partitions = 4;
    private const int Keys = 20;
    private const int KilledNode = 2;
    private static readonly TimeSpan FeedEvery = TimeSpan.FromMilliseconds(50);
    private static readonly PipeClient[] Clients = [PipeClient.Kcat, PipeClient.Confluent, PipeClient.KafkaPython, PipeClient.KafkaJs, PipeClient.Java];

    private readonly Lazy<Task<Dictionary<PipeClient, Task>>> _runs;
    private readonly TaskCompletionSource _killed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _onTheirWay;

    public GoingOn() => _runs = new(StartAsync);

    internal KafkaCluster Cluster { get; } = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Cluster.DisposeAsync();

    /// <summary>Skips where it is not installed.</summary>
    internal async Task OutcomeOfAsync(PipeClient client)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "finds a node's process in /proc");
        await client.Tool.FindAsync();
        await (await _runs.Value)[client];
    }

    private async Task<Dictionary<PipeClient, Task>> StartAsync()
    {
        await Cluster.StartAsync();
        var installed = new List<PipeClient>();
        foreach (var client in Clients)
            if (await client.Tool.IsInstalledAsync())
                installed.Add(client);
        _onTheirWay = installed.Count;
        return installed.ToDictionary(client => client, GoesOnAsync);
    }

    /// <summary>The last to come here kills the broker.</summary>
    private void IsThere()
    {
        if (Interlocked.Decrement(ref _onTheirWay) > 0) return;
        Cluster.Kill(KilledNode);
        _killed.SetResult();
    }

    private async Task GoesOnAsync(PipeClient client)
    {
        var isThere = false;
        try
        {
            await GoesOnAsync(client, () =>
            {
                isThere = true;
                IsThere();
            });
        }
        finally
        {
            if (!isThere) IsThere(); // The others need not wait for it.
        }
    }

    private async Task GoesOnAsync(PipeClient client, Action isThere)
    {
        var topic = $"goes-on-{Guid.NewGuid():N}";
        await Cluster.CreateTopicAsync(topic, Partitions);
        await using var survivor = await client.ConsumeAsync(Cluster.Bootstrap, topic, topic);
        await using var victim = await client.ConsumeAsync(Cluster.Bootstrap, topic, topic);
        await using var producer = await client.ProduceAsync(Cluster.Bootstrap, topic);
        var sent = 0;
        var members = new List<RunningClient> { survivor, victim };
        await FeedAsync(() => !survivor.Lines.IsEmpty && !victim.Lines.IsEmpty, "both members read");

        await using var newcomer = await client.ConsumeAsync(Cluster.Bootstrap, topic, topic);
        members.Add(newcomer);
        var before = sent;
        await FeedAsync(() => sent > before + 20, "the newcomer asks to join");
        isThere();
        await FeedAsync(() => _killed.Task.IsCompleted, "the broker is killed");
        await victim.KillAsync();
        before = sent;
        await FeedAsync(() => sent > before + 200 && !newcomer.Lines.IsEmpty, "the newcomer reads");
        await producer.FinishAsync();

        var read = new ConcurrentDictionary<int, int>();
        var kept = new int[members.Count];
        await Wait.UntilAsync(
            () =>
            {
                for (var i = 0; i < members.Count; i++)
                    foreach (var record in Records(members[i]).Skip(kept[i])) (kept[i], read[Number(record)]) = (kept[i] + 1, record.Partition);
                return read.Count == sent;
            },
            () => $"{sent - read.Count} of {sent} records were not read: {string.Join(' ', Enumerable.Range(0, sent).Where(number => !read.ContainsKey(number)).Take(20))}");
        foreach (var member in members) CheckOrder(member);
        foreach (var key in read.GroupBy(record => record.Key % Keys, record => record.Value)) Assert.Single(key.Distinct());

        async Task FeedAsync(Func<bool> until, string what)
        {
            using var timer = new PeriodicTimer(FeedEvery);
            await Wait.UntilAsync(until, () => $"{what}; {string.Join(", ", members.Select(member => $"{member.Lines.Count} read"))}\n{Cluster.Log}", async () =>
            {
                for (var i = 0; i < 5; i++, sent++) await producer.FeedAsync($"key-{sent % Keys}:{sent}");
                await timer.WaitForNextTickAsync();
            });
        }
    }

    /// <summary>A member may be given a record again, but what is new to it comes in order.</summary>
    private static void CheckOrder(RunningClient member)
    {
        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        var seen = new HashSet<int>();
        foreach (var record in Records(member))
        {
            if (!seen.Add(Number(record))) continue;
            Assert.True(!last.TryGetValue(record.Key!, out var before) || before < Number(record), $"{record} came after {before}");
            last[record.Key!] = Number(record);
        }
    }

    private static IEnumerable<ShownRecord> Records(RunningClient member) => member.Lines.Select(ShownRecord.Parse);

    private static int Number(ShownRecord record) => int.Parse(record.Value!, CultureInfo.InvariantCulture);
}

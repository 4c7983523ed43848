using ActorBroker.Client;
using ActorBroker.MultiNode.Tests.Histories;
using ActorBroker.MultiNode.Tests.Processes;
using Akka.Actor;

namespace ActorBroker.MultiNode.Tests.Clients;

/// <summary>
/// A topic with producers and readers that run throughout a scenario, and the judgement at its end: the history against
/// what is there, the replicas' files against each other.
/// </summary>
internal sealed class Workload : IAsyncDisposable
{
    public const string Topic = "stream";

    /// <summary>The producer whose silences are measured: acks=all, all else as by default.</summary>
    public const string MainWriter = "all";

    private const int FaultsShown = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly ClusterProcesses _cluster;
    private readonly int _partitions;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Writer> _writers = [];
    private readonly Task _watching;
    private readonly ActorSystem _system;

    private Workload(ClusterProcesses cluster, ActorSystem system, ClusterView view, int partitions)
    {
        (_cluster, _system, View, _partitions) = (cluster, system, view, partitions);
        _watching = View.WatchLeadersAsync(Topic, "metadata", History, _stop.Token);
    }

    public HistoryRecorder History { get; } = new();

    public ClusterView View { get; }

    public ActorSystem System => _system;

    /// <summary>Creates the topic, lets the main producer, those asked for besides and a reader run, and returns when records flow in every partition.</summary>
    public static async Task<Workload> StartAsync(ClusterProcesses cluster, int partitions = 6, short replicas = 3, params WriterShape[] writers)
    {
        var system = cluster.NewClient("client");
        var view = new ClusterView(cluster, system);
        await view.CreateAsync(Topic, partitions, replicas);
        await view.WaitInSyncAsync(Topic);
        var workload = new Workload(cluster, system, view, partitions);
        foreach (var shape in (WriterShape[])[new WriterShape(MainWriter), .. writers]) workload.Write(shape);
        workload.Read("reader");
        await workload.FlowsAsync();
        return workload;
    }

    public Writer Write(WriterShape shape, ActorSystem? system = null, string? bootstrap = null)
    {
        var writer = new Writer(system ?? _system, bootstrap ?? _cluster.Bootstrap, Topic, _partitions, shape, History);
        _writers.Add(writer);
        return writer;
    }

    public void Read(string name, ActorSystem? system = null, string? bootstrap = null) =>
        (system ?? _system).ActorOf(Props.Create(() => new Reader(bootstrap ?? _cluster.Bootstrap, Topic, name, History)), name);

    /// <summary>Completes once every partition has acknowledged a record of the main producer that was sent after this call.</summary>
    public async Task FlowsAsync(TimeSpan? patience = null)
    {
        var from = History.Now;
        using var deadline = new CancellationTokenSource(patience ?? Patience);
        while (true)
        {
            var flowing = History.PartitionsFlowing(MainWriter, from);
            if (flowing == _partitions) return;
            if (deadline.IsCancellationRequested)
                throw new TimeoutException($"Records flow in {flowing} of {_partitions} partitions, {(patience ?? Patience).TotalSeconds} s on. {await DescribeAsync()}");
            await Task.Delay(25);
        }
    }

    /// <summary>Runs a fault, waits until records flow again, and says how long each partition was silent.</summary>
    public async Task<IReadOnlyDictionary<int, TimeSpan>> MeasureAsync(string what, Func<Task> fault)
    {
        var from = History.Now;
        await fault();
        await FlowsAsync();
        var silences = History.Silences(MainWriter, from, History.Now);
        _cluster.Say($"{what}: {silences.Values.Max().TotalSeconds:0.00} s without an acknowledgement ({string.Join(", ", silences.OrderBy(p => p.Key).Select(p => $"{p.Value.TotalSeconds:0.00}"))})");
        return silences;
    }

    /// <summary>Heals, lets all replicas catch up, reads everything, stops the nodes and judges.</summary>
    /// <param name="allowedTroubles">Errors that clients may have been told of.</param>
    /// <param name="judgeMore">Given all records that are there, while the nodes still run; says what else is wrong.</param>
    public async Task FinishAsync(Func<string, bool>? allowedTroubles = null, Func<IReadOnlyList<Seen>, Task<IReadOnlyList<string>>>? judgeMore = null)
    {
        _cluster.Network.Heal();
        await FlowsAsync();
        foreach (var writer in _writers) await writer.StopAsync();
        await View.WaitInSyncAsync(Topic);
        await _stop.CancelAsync();
        await _watching;
        var final = await ReadAllAsync();
        await ReadersCatchUpAsync(final.Count);
        var history = History.Build(final);
        _cluster.Say($"{history.Sends.Count} sent, {History.Acknowledged} acknowledged, {final.Count} there, {history.Seen.Count} seen, {history.Leaders.Count} leaders seen, "
            + string.Join(", ", History.Metrics.Select(m => $"{m.Key} sent {m.Value.BatchesRetried} batches again and reordered {m.Value.BatchesReordered}")));
        var faults = HistoryChecker.Check(history).Select(fault => fault.ToString()).ToList();
        faults.AddRange(History.Troubles.Where(trouble => allowedTroubles?.Invoke(trouble) != true).Select(trouble => $"Trouble: {trouble}"));
        if (judgeMore is not null) faults.AddRange(await judgeMore(final));
        faults.AddRange(await CompareReplicasAsync(final));
        foreach (var fault in faults.Take(FaultsShown)) _cluster.Say(fault);
        Assert.True(faults.Count == 0, $"{faults.Count} faults, the first: {faults.FirstOrDefault()}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var writer in _writers) await writer.DisposeAsync();
        await View.DisposeAsync();
    }

    private async Task<List<Seen>> ReadAllAsync()
    {
        var records = new List<Seen>();
        await using var consumer = ConsumerClient.Create(_system, ConsumerSettings.Create(_system).WithBootstrap([.. _cluster.Bootstrap.Split(',')]).Subscribe(Topic).StartAt(StartPosition.Beginning));
        using var deadline = new CancellationTokenSource(Patience);
        await foreach (var record in consumer.ReadToEndAsync(deadline.Token))
        {
            var (producer, number) = RecordText.Parse(record.Value!.Value.Span);
            records.Add(new Seen("final", record.Partition.Partition, record.Offset.Value, producer, number, 0));
        }

        return records;
    }

    /// <summary>A reader that quietly stopped is a fault too.</summary>
    private async Task ReadersCatchUpAsync(int records)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (History.SeenBy.Values.Any(seen => seen < records))
        {
            if (deadline.IsCancellationRequested)
                throw new TimeoutException($"Of {records} records only {string.Join(", ", History.SeenBy.Select(reader => $"{reader.Key} got {reader.Value}"))}, {Patience.TotalSeconds} s after the last was written.");
            await Task.Delay(25);
        }
    }

    private async Task<IReadOnlyList<string>> CompareReplicasAsync(List<Seen> final)
    {
        var partitions = await View.PartitionsAsync(Topic);
        var running = _cluster.Nodes.Where(node => node.IsRunning).ToList();
        foreach (var node in running) node.SendTerminate();
        var faults = new List<string>();
        foreach (var node in running) await node.EndedAsync();
        faults.AddRange(_cluster.Nodes.SelectMany(node => node.Crashes));

        var batches = new List<StoredBatch>();
        foreach (var partition in partitions)
        {
            var replicas = partition.Replicas.Select(id => ReplicaLog.Read(id.Value, Path.Combine(_cluster[id.Value].Data, $"{Topic}-{partition.Index}"))).ToList();
            faults.AddRange(ReplicaChecker.Compare(partition.Index, final.LongCount(record => record.Partition == partition.Index), replicas));
            batches.AddRange(replicas[0].Batches);
        }

        faults.AddRange(ReplicaChecker.CheckCopies(batches, History.Metrics.ToDictionary(m => m.Key, m => m.Value.BatchesRetried, StringComparer.Ordinal)));
        return faults;
    }

    private async Task<string> DescribeAsync()
    {
        try
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            return ClusterView.Tell((await View.Admin.DescribeTopicsAsync([Topic], soon.Token))[0].Partitions);
        }
        catch (Exception e) when (e is OperationCanceledException or AdminException)
        {
            return $"No description: {e.Message}";
        }
    }
}

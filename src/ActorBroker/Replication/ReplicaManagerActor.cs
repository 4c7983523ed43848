using ActorBroker.Cleaning;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Metadata;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace ActorBroker.Replication;

/// <summary>
/// Keeps the partitions of this broker: follows the metadata, opens logs in the background, creates their actors, makes
/// them anew when they fail, and looks after segments and checkpoints. Performs what <see cref="ReplicaManagerCore"/>
/// decides.
/// </summary>
internal sealed partial class ReplicaManagerActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ReplicaManagerSetup _setup;
    private readonly ReplicaManagerCore _core = new();
    private readonly List<ReplicaEffect> _effects = [];
    private readonly Dictionary<ReplicaKey, OpenReplica> _open = [];
    private readonly Dictionary<string, ReplicaKey> _byPersistenceId = new(StringComparer.Ordinal);
    private readonly Dictionary<IActorRef, ReplicaKey> _byActor = [];
    private readonly IActorRef[] _workers;
    private readonly JournalLogs _logs;
    private readonly IActorRef _journal;
    private IActorRef _controller = ActorRefs.Nobody;

    /// <summary>By folder, of replicas that serve or served here: what the next checkpoint says.</summary>
    private readonly Dictionary<TopicPartition, Offset> _highWatermarks = [];

    private IActorRef? _shutdownAsker;
    private bool _knowsMetadata;
    private bool _isClosing;

    public ReplicaManagerActor(ReplicaManagerSetup setup)
    {
        _setup = setup;
        _logs = JournalLogs.For(Context.System);
        _journal = Persistence.Instance.Apply(Context.System).JournalFor(PartitionPersistence.JournalPluginId);
        _workers = new IActorRef[setup.Options.Workers];
        for (var i = 0; i < _workers.Length; i++)
            _workers[i] = Context.ActorOf(LogWorkerActor.Props(setup.Directory, setup.NewId), $"log-worker-{i}");
        Context.ActorOf(CleanerActor.Props(setup.Directory, setup.Partitions, setup.Options.Cleaner, setup.NewId, setup.Time), "cleaner");
        Receive<CleanerProtocol.SwapIn>(OnSwapIn);
        Receive<MetadataChanged>(OnMetadata);
        Receive<LogWorkerProtocol.Opened>(OnOpened);
        Receive<LogWorkerProtocol.OpenFailed>(OnOpenFailed);
        Receive<LogWorkerProtocol.Closed>(OnClosed);
        Receive<PartitionProtocol.Serving>(OnServing);
        Receive<PartitionProtocol.Failed>(OnFailed);
        Receive<Terminated>(OnTerminated);
        Receive<JournalProtocol.LogReleased>(OnReleased);
        Receive<JournalProtocol.LogWorkCompleted>(OnHousekeeping);
        Receive<JournalProtocol.LogWorkFailed>(OnHousekeepingFailed);
        Receive<ReplicaManagerProtocol.Retry>(retry => Step(effects => _core.OnRetry(retry.Key, effects)));
        Receive<ReplicaManagerProtocol.Tick>(OnTick);
        Receive<ReplicaManagerProtocol.Shutdown>(_ => OnShutdown());
        Receive<ReplicaManagerProtocol.ShutdownCompleted>(completed => _shutdownAsker?.Tell(completed));
        _fetchers = new FetcherPool(MakeFetcher);
        ReceiveReplication();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(ReplicaManagerSetup setup) => Akka.Actor.Props.Create(() => new ReplicaManagerActor(setup));

    protected override void PreStart()
    {
        Every(ReplicaManagerProtocol.Tick.Housekeeping, _setup.Options.HousekeepingInterval);
        Every(ReplicaManagerProtocol.Tick.HighWatermarks, _setup.Options.HighWatermarkInterval);
        Every(ReplicaManagerProtocol.Tick.RecoveryPoints, _setup.Options.RecoveryPointInterval);
        Every(ReplicaManagerProtocol.Tick.Producers, _setup.Options.ProducerExpirationInterval);
        Every(ReplicaManagerProtocol.Tick.Isr, _setup.Options.LagTime / 2);
    }

    /// <summary>A partition that breaks is opened anew from its log, never resumed with what it had in memory.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Every(ReplicaManagerProtocol.Tick tick, TimeSpan interval) => Timers.StartPeriodicTimer(tick, tick, interval);

    private void OnMetadata(MetadataChanged changed)
    {
        _controller = Sender;
        _brokers = _brokers.Follow(changed.Image);
        _fetchers.OnImage(changed.Image);
        var wanted = LocalReplicas.In(changed.Image, _setup.Self, _setup.Defaults, _brokers);
        if (!_knowsMetadata) _workers[0].Tell(new LogWorkerProtocol.ReportStrays(wanted.Keys.Select(key => key.Partition).ToHashSet()));
        _knowsMetadata = true;
        Step(effects => _core.OnMetadata(changed.Image.Version, wanted, effects));
    }

    private void OnOpened(LogWorkerProtocol.Opened opened)
    {
        _open[opened.Key] = new OpenReplica(opened.Log, opened.HighWatermark);
        Step(effects => _core.OnOpened(opened.Key, effects));
    }

    private void OnOpenFailed(LogWorkerProtocol.OpenFailed failed)
    {
        _log.Error(failed.Cause, "{0} can't be opened", failed.Key.Partition);
        Step(effects => _core.OnOpenFailed(failed.Key, effects));
    }

    private void OnServing(PartitionProtocol.Serving serving)
    {
        var key = KeyOf(serving.Handle);
        if (!_core.OnServing(key)) return;
        _setup.Partitions.Add(serving.Handle);
        ReportCompleted();
    }

    private void OnFailed(PartitionProtocol.Failed failed)
    {
        _setup.Partitions.Remove(failed.Handle);
        _core.OnActorFailed(KeyOf(failed.Handle));
    }

    private void OnTerminated(Terminated terminated)
    {
        if (!_byActor.Remove(terminated.ActorRef, out var key))
        {
            OnFetcherStopped(terminated.ActorRef);
            return;
        }

        var handle = _open[key].Handle!;
        _setup.Partitions.Remove(handle);
        _fetchers.Unfollow(key);
        _highWatermarks[key.Partition] = handle.CommittedOffset;
        Step(effects => _core.OnActorStopped(key, effects));
    }

    private void OnReleased(JournalProtocol.LogReleased released)
    {
        _logs.Unregister(released.PersistenceId);
        _byPersistenceId.Remove(released.PersistenceId, out var key);
        Step(effects => _core.OnReleased(key, effects));
    }

    private void OnClosed(LogWorkerProtocol.Closed closed)
    {
        _open.Remove(closed.Key);
        if (closed.Fault is { } fault) _log.Warning("{0} was not closed well: {1}", closed.Key.Partition, fault.Message);
        Step(effects => _core.OnClosed(closed.Key, isClean: closed.Fault is null, effects));
    }

    private void OnShutdown()
    {
        _shutdownAsker = Sender;
        Timers.CancelAll();
        Step(_core.OnShutdown);
    }

    /// <summary>One input to the core, then all that it decided.</summary>
    private void Step(Action<List<ReplicaEffect>> input)
    {
        input(_effects);
        foreach (var effect in _effects) Perform(effect);
        _effects.Clear();
        ReportCompleted();
        if (_shutdownAsker is null || _isClosing || !_core.IsShutDown) return;
        _isClosing = true;
        _workers[0].Tell(new LogWorkerProtocol.CloseDirectory(_highWatermarks, _core.IsClean));
    }

    private void ReportCompleted()
    {
        foreach (var version in _core.TakeCompleted()) _controller.Tell(new ReplicasReconciled(version));
    }

    private void Perform(in ReplicaEffect effect)
    {
        var key = effect.Key;
        switch (effect.Kind)
        {
            case ReplicaEffectKind.Open:
                Worker(key).Tell(new LogWorkerProtocol.Open(key, _core.Wanted(key)!.Settings.Log));
                break;
            case ReplicaEffectKind.Start:
                Start(key);
                break;
            case ReplicaEffectKind.Assign:
                Assign(key);
                break;
            case ReplicaEffectKind.Drain:
                _setup.Partitions.Remove(_open[key].Handle!);
                _fetchers.Unfollow(key);
                _open[key].Actor!.Tell(new PartitionProtocol.Drain(SaveSnapshot: _core.Wanted(key) is not null));
                break;
            case ReplicaEffectKind.Cut:
                Cut(key);
                break;
            case ReplicaEffectKind.Release:
                _journal.Tell(new JournalProtocol.ReleaseLog(PartitionPersistence.Id(key.Partition)));
                break;
            case ReplicaEffectKind.Close:
                Worker(key).Tell(new LogWorkerProtocol.Close(key, LogWorkerProtocol.CloseMode.Clean));
                break;
            case ReplicaEffectKind.Abandon:
                Worker(key).Tell(new LogWorkerProtocol.Close(key, LogWorkerProtocol.CloseMode.Abandon));
                break;
            case ReplicaEffectKind.Delete:
                _highWatermarks.Remove(key.Partition);
                Worker(key).Tell(new LogWorkerProtocol.Close(key, LogWorkerProtocol.CloseMode.Delete));
                break;
            case ReplicaEffectKind.Retry:
                Timers.StartSingleTimer(key, new ReplicaManagerProtocol.Retry(key), Pause(effect.Failures));
                break;
        }
    }

    private void Start(ReplicaKey key)
    {
        var open = _open[key];
        var wanted = _core.Wanted(key)!;
        var handle = new PartitionHandle(key.Topic, key.Partition, open.Log, wanted.Settings);
        var id = PartitionPersistence.Id(key.Partition);
        _logs.Register(id, new JournalLog(open.Log, JournalLogContent.RecordBatches, () => handle.CommittedOffset));
        _byPersistenceId[id] = key;
        Configure(key, open, wanted.Settings.Log); // they may have changed while it was opened
        var actor = Context.ActorOf(PartitionActor.Props(handle, new PartitionStart(
            wanted.Assignment, wanted.Settings, open.HighWatermark, _setup.Time, _setup.Options)));
        open.Handle = handle;
        open.Actor = actor;
        _byActor[actor] = key;
        Context.Watch(actor);
    }

    private void Assign(ReplicaKey key)
    {
        var open = _open[key];
        var wanted = _core.Wanted(key)!;
        Configure(key, open, wanted.Settings.Log);
        _fetchers.UnfollowUnless(key, wanted.Assignment.LeadsHere ? null : wanted.Assignment.Leader);
        open.Actor!.Tell(new PartitionProtocol.Assign(wanted.Assignment, wanted.Settings));
    }

    /// <summary>Before the actor hears of it, so that the log takes whatever the actor admits under a raised limit.</summary>
    private void Configure(ReplicaKey key, OpenReplica open, LogOptions options)
    {
        if (open.LogOptions == options) return;
        open.LogOptions = options;
        RunOnLog(key, log => log.Options = options);
    }

    private void OnTick(ReplicaManagerProtocol.Tick tick)
    {
        if (tick == ReplicaManagerProtocol.Tick.RecoveryPoints)
            _workers[0].Tell(new LogWorkerProtocol.Checkpoint(null));
        else if (tick == ReplicaManagerProtocol.Tick.HighWatermarks)
            CheckpointHighWatermarks();
        else if (tick == ReplicaManagerProtocol.Tick.Producers)
            foreach (var key in _core.Serving) _open[key].Actor!.Tell(PartitionProtocol.ExpireProducers.Instance);
        else if (tick == ReplicaManagerProtocol.Tick.Isr)
            CheckIsrs();
        else if (tick == ReplicaManagerProtocol.Tick.Proposals)
            SendProposals();
        else
            foreach (var key in _core.Serving) Housekeep(_open[key].Handle!);
    }

    private void Housekeep(PartitionHandle handle) => RunOnLog(KeyOf(handle), log =>
    {
        log.RollIfDue();
        log.DeleteOldSegments(handle.CommittedOffset);
        log.TrimIdle();
        return null;
    });

    private void OnHousekeeping(JournalProtocol.LogWorkCompleted done)
    {
        if (!_byPersistenceId.TryGetValue(done.PersistenceId, out var key) || !_open.TryGetValue(key, out var open)) return;
        var logStart = open.Log.LogStartOffset;
        if (_core.PhaseOf(key) == ReplicaPhase.Serving && logStart > open.Handle!.View.LogStart)
            open.Actor!.Tell(new PartitionProtocol.LogStartMoved(logStart));
    }

    /// <summary>If the log is broken, its next write says so and it is opened anew; if not, the next tick tries again.</summary>
    private void OnHousekeepingFailed(JournalProtocol.LogWorkFailed failed) =>
        _log.Warning("Rolling and deleting segments of {0} failed: {1}", failed.PersistenceId, failed.Cause.Message);

    /// <summary>Here, since the journal would take up a log that it was told to let go of.</summary>
    private void OnSwapIn(CleanerProtocol.SwapIn swap)
    {
        var cleaning = swap.Cleaning;
        if (IsCurrent(swap.Handle))
            _journal.Tell(new JournalProtocol.RunOnLog(PartitionPersistence.Id(swap.Handle.Partition), log => new CleanerProtocol.Swapped(cleaning, log.TrySwapIn(cleaning))), Sender);
        else
            Sender.Tell(new CleanerProtocol.Swapped(cleaning, IsIn: false));
    }

    private void CheckpointHighWatermarks()
    {
        foreach (var key in _core.Serving) _highWatermarks[key.Partition] = _open[key].Handle!.CommittedOffset;
        _workers[0].Tell(new LogWorkerProtocol.Checkpoint(new Dictionary<TopicPartition, Offset>(_highWatermarks)));
    }

    private void RunOnLog(ReplicaKey key, Func<PartitionLog, object?> work) =>
        _journal.Tell(new JournalProtocol.RunOnLog(PartitionPersistence.Id(key.Partition), work));

    /// <summary>The same worker for all topics that ever have this name, so that a folder's work keeps its order.</summary>
    private IActorRef Worker(ReplicaKey key)
    {
        var hash = (uint)key.Partition.Partition;
        foreach (var c in key.Partition.Topic) hash = (hash * 31) + c;
        return _workers[hash % (uint)_workers.Length];
    }

    private static ReplicaKey KeyOf(PartitionHandle handle) => new(handle.TopicId, handle.Partition);

    private TimeSpan Pause(int failures)
    {
        var doubled = FirstPause * Math.Pow(2, Math.Min(failures - 1, 16));
        return (doubled < LongestPause ? doubled : LongestPause) * (0.5 + (0.5 * _setup.NextJitter()));
    }

    /// <summary>A log that is open, and the actor on it once there is one.</summary>
    /// <param name="highWatermark">As of the last checkpoint before it was opened.</param>
    private sealed class OpenReplica(PartitionLog log, Offset highWatermark)
    {
        /// <summary>As far as known when it was opened or last cut.</summary>
        public Offset HighWatermark { get; set; } = highWatermark;

        /// <summary>What its actor has asked for.</summary>
        public LogCut? Cut { get; set; }

        /// <summary>What the log was last told, which it may not have heard yet: its own could be those before.</summary>
        public LogOptions LogOptions { get; set; } = log.Options;

        public PartitionLog Log => log;

        public PartitionHandle? Handle { get; set; }

        public IActorRef? Actor { get; set; }
    }
}

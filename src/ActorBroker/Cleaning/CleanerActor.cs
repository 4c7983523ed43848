using System.Globalization;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Replication;
using Akka.Actor;
using Akka.Event;
using static ActorBroker.Cleaning.CleanerProtocol;

namespace ActorBroker.Cleaning;

/// <summary>
/// Compacts this node's logs in the background, one at a time, a buffer's worth per message, at a bounded rate. It reads logs as
/// readers do; only the swap is done by the log's writer. Every replica is cleaned by its own node, so replicas of a
/// compacted partition hold the same newest records at the same offsets, but not the same bytes.
/// </summary>
internal sealed class CleanerActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan SwapPatience = TimeSpan.FromMinutes(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LogDirectory _directory;
    private readonly PartitionDirectory _partitions;
    private readonly CleanerOptions _options;
    private readonly Func<Guid> _newId;
    private readonly TimeProvider _time;
    private readonly CleanerCore _core = new();
    private readonly CleaningThrottle _throttle;
    private PartitionHandle? _handle;
    private LogCleaning? _cleaning;

    public CleanerActor(LogDirectory directory, PartitionDirectory partitions, CleanerOptions options, Func<Guid> newId, TimeProvider time)
    {
        (_directory, _partitions, _options, _newId, _time) = (directory, partitions, options, newId, time);
        _throttle = new CleaningThrottle(options.BytesPerSecond);
        Receive<Tick>(OnTick);
        Receive<Swapped>(OnSwapped);
        Receive<JournalProtocol.LogWorkCompleted>(done => OnSwapped((Swapped)done.Result!));
        Receive<JournalProtocol.LogWorkFailed>(OnSwapFailed);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(LogDirectory directory, PartitionDirectory partitions, CleanerOptions options, Func<Guid> newId, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new CleanerActor(directory, partitions, options, newId, time)).WithDispatcher(LogWorkerActor.Dispatcher);

    protected override void PreStart() => After(_options.Backoff, Tick.Look);

    protected override void PostStop() => _cleaning?.Dispose();

    private void After(TimeSpan wait, Tick tick)
    {
        if (wait > TimeSpan.Zero) Timers.StartSingleTimer(tick, tick, wait);
        else Self.Tell(tick);
    }

    private void OnTick(Tick tick)
    {
        switch (tick)
        {
            case Tick.Look when _cleaning is null:
                Look();
                break;
            case Tick.Step when _cleaning is not null:
                Guarded(Step);
                break;
            case Tick.SwapLost when _cleaning is { State: CleaningState.SwapDue }:
                End(_options.Backoff); // the log's journal restarted with our request
                break;
        }
    }

    private void Look()
    {
        var handles = _partitions.All.Where(handle => handle.IsBound && handle.Settings.Log.IsCompacted).ToList();
        var open = handles.Select(handle => (object)handle.Log).ToHashSet(ReferenceEqualityComparer.Instance);
        _core.Keep(open.Contains);
        var candidates = new List<CleanerCore.Candidate>();
        foreach (var handle in handles)
        {
            _handle = handle;
            var survey = default(CleaningSurvey);
            if (!_core.IsSetAside(handle.Log)) Guarded(() => survey = handle.Log.SurveyForCleaning(CleanedTo(handle), handle.CommittedOffset), goesOn: false);
            candidates.Add(new CleanerCore.Candidate(handle.Log, handle.Log.Options, survey));
        }

        var chosen = _core.Choose(candidates);
        if (chosen < 0)
        {
            After(_options.Backoff, Tick.Look);
            return;
        }

        _handle = handles[chosen];
        Guarded(() => Begin(_handle, candidates[chosen].Survey));
    }

    private void Begin(PartitionHandle handle, CleaningSurvey survey)
    {
        var options = new CleaningOptions(
            _options.MapBytes, _options.BufferBytes / 2, _newId(), CompressionCodecs.Default, LastBatches(handle.Log, survey.FirstUncleanable));
        _cleaning = handle.Log.BeginCleaning(CleanedTo(handle), handle.CommittedOffset, options);
        if (_cleaning is not null)
        {
            Self.Tell(Tick.Step);
            return;
        }

        // Readers still hold what the last cleaning replaced.
        _core.Postpone(handle.Log);
        Self.Tell(Tick.Look);
    }

    /// <summary>From the newest snapshot of the log's producers, if it knows of every batch that may be cleaned; else null.</summary>
    private static Dictionary<ProducerId, Offset>? LastBatches(PartitionLog log, Offset end) =>
        log.ReadLatestProducerSnapshot() is { } snapshot && snapshot.Offset >= end
            ? snapshot.Producers.ToDictionary(producer => producer.ProducerId, producer => producer.LastOffset)
            : null;

    private void Step()
    {
        var bytes = _cleaning!.Step();
        switch (_cleaning.State)
        {
            case CleaningState.Working:
                After(_throttle.After(bytes, _time.GetElapsedTime(0)), Tick.Step);
                break;
            case CleaningState.SwapDue:
                Timers.StartSingleTimer(Tick.SwapLost, Tick.SwapLost, SwapPatience);
                Context.Parent.Tell(new SwapIn(_handle!, _cleaning));
                break;
            case CleaningState.Done:
                OnDone(_cleaning);
                break;
            default:
                End(_options.Backoff);
                break;
        }
    }

    private void OnSwapped(Swapped swapped)
    {
        if (!ReferenceEquals(swapped.Cleaning, _cleaning)) return;
        Timers.Cancel(Tick.SwapLost);
        if (!swapped.IsIn)
        {
            End(_options.Backoff);
            return;
        }

        Guarded(() =>
        {
            _handle!.Log.SettleSwaps();
            Self.Tell(Tick.Step);
        });
    }

    private void OnSwapFailed(JournalProtocol.LogWorkFailed failed)
    {
        if (_cleaning is { State: CleaningState.SwapDue } && failed.PersistenceId == PartitionPersistence.Id(_cleaning.Partition))
            OnFault(failed.Cause, goesOn: true);
    }

    private void OnDone(LogCleaning cleaning)
    {
        _directory.SetCleanedTo(_handle!.Log, cleaning.CleanedTo);
        var done = cleaning.Statistics;
        _log.Info(
            "{0} is compacted up to offset {1}: {2} are left.{3}{4}",
            cleaning.Partition,
            cleaning.CleanedTo,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{done.RecordsAfter} of {done.RecordsBefore} records and {done.BytesAfter} of {done.BytesBefore} bytes, in {done.SegmentsAfter} segments of {done.SegmentsBefore}"),
            cleaning.MapWasFull ? " It has more keys than log.cleaner.dedupe.buffer.size holds at a time: another round follows." : "",
            done.WithoutKey > 0 ? $" {done.WithoutKey} records without a key, from before the topic was compacted, are gone." : "");
        End(TimeSpan.Zero);
    }

    private void End(TimeSpan pause)
    {
        _cleaning?.Dispose();
        _cleaning = null;
        After(pause, Tick.Look);
    }

    /// <param name="goesOn">Whether to look for the next log after a fault.</param>
    private void Guarded(Action work, bool goesOn = true)
    {
        try
        {
            work();
        }
#pragma warning disable CA1031 // Whatever one log's cleaning meets must not keep the others from being cleaned.
        catch (Exception cause)
#pragma warning restore CA1031
        {
            OnFault(cause, goesOn);
        }
    }

    private void OnFault(Exception cause, bool goesOn)
    {
        var handle = _handle!;
        if (!ReferenceEquals(_partitions.Find(handle.TopicId, handle.Partition.Partition), handle))
        {
            // Its log was closed or deleted under the cleaning: no fault.
        }
        else if (cause is DiskFullException)
        {
            _core.Postpone(handle.Log);
            _log.Warning("{0} can't be compacted now: the volume of {1} has no room for another copy of a segment; it is tried again", handle.Partition, handle.Log.Directory);
        }
        else
        {
            _core.SetAside(handle.Log);
            _log.Error(cause, "{0} can't be compacted and is left as it is until it is opened again; other logs are compacted all the same", handle.Partition);
        }

        // At once: none of these comes up again before the others had their turn.
        if (goesOn) End(TimeSpan.Zero);
    }

    private Offset? CleanedTo(PartitionHandle handle) => _directory.CleanedTo(handle.Partition);
}

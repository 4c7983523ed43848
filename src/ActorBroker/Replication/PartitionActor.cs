using System.Runtime.InteropServices;
using ActorBroker.Journal;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace ActorBroker.Replication;

/// <summary>
/// One replica of a partition: its events are record batches, its journal is the log. Performs what
/// <see cref="PartitionCore"/> decides, in one order: persist, apply, reply. Its log is open before it is created, and one
/// incarnation ends with the first failed persist; the replica manager makes the next.
/// </summary>
internal sealed partial class PartitionActor : ReceivePersistentActor, IWithTimers
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly PartitionHandle _handle;
    private readonly PartitionStart _start;
    private readonly List<PartitionEffect> _effects = [];
    private readonly List<RecordBatchHeader> _headers = [];
    private readonly Action<RecordBatchEvent> _onPersisted;
    private readonly PartitionSnapshotter _snapshots;
    private PartitionState? _recovering;
    private PartitionCore _core = null!;
    private PartitionProtocol.Drain? _drain;
    private bool _isClosed;

    /// <summary>The last batch was rejected: said once, not once per batch.</summary>
    private bool _isRefusing;

    public PartitionActor(PartitionHandle handle, PartitionStart start)
    {
        _handle = handle;
        _start = start;
        _onPersisted = OnPersisted;
        _snapshots = new PartitionSnapshotter(handle.Log);
        JournalPluginId = PartitionPersistence.JournalPluginId;
        SnapshotPluginId = PartitionPersistence.SnapshotPluginId;
        PersistenceId = PartitionPersistence.Id(handle.Partition);
        Recover<SnapshotOffer>(OnSnapshot);
        Recover<RecordBatchEvent>(OnReplayed);
        Recover<RecoveryCompleted>(_ => OnRecovered());
        Command<PartitionProtocol.Append>(OnAppend);
        Command<PartitionProtocol.AwaitData>(OnAwaitData);
        Command<PartitionProtocol.CancelWait>(cancel => _core.OnCancelWait(cancel.Key));
        Command<PartitionProtocol.Assign>(OnAssign);
        Command<PartitionProtocol.LogStartMoved>(OnLogStartMoved);
        Command<PartitionProtocol.DeleteRecords>(OnDeleteRecords);
        Command<PartitionProtocol.DescribeProducers>(OnDescribeProducers);
        Command<PartitionProtocol.ExpireProducers>(_ => _core.OnExpireProducers(NowMs, _start.Options.ProducerExpiration));
        ReceiveReplication();
        Command<PartitionProtocol.Drain>(OnDrain);
        Command<SaveSnapshotSuccess>(saved => OnSnapshotSaved(saved.Metadata));
        Command<SaveSnapshotFailure>(OnSnapshotFailed);
    }

    public override string PersistenceId { get; }

    public ITimerScheduler Timers { get; set; } = null!;

    private long NowMs => (long)_start.Time.GetElapsedTime(0).TotalMilliseconds;

    public static Props Props(PartitionHandle handle, PartitionStart start) =>
        Akka.Actor.Props.Create(() => new PartitionActor(handle, start));

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "{0}: a write failed at offset {1}; reopening the log", _handle.Partition, _core.State.LogEnd);
        _core.OnPersistFailed(_effects);
        Finish();
        Context.Parent.Tell(new PartitionProtocol.Failed(_handle, cause));
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        if (!_isRefusing) _log.Warning("{0} refuses batches: {1}", _handle.Partition, cause.Message);
        _isRefusing = true;
        _core.OnPersistRejected(ErrorOf(cause), _effects);
        Finish();
        if (@event is RecordBatchEvent { IsFetched: true }) ReleaseFetched();
        StopIfDrained();
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        _log.Error(reason, "{0}: recovery failed", _handle.Partition);
        Context.Parent.Tell(new PartitionProtocol.Failed(_handle, reason));
    }

    private static PartitionError ErrorOf(Exception rejection) => rejection switch
    {
        JournalFullException => PartitionError.StorageFull,
        EventRefusedException { IsBehindRejected: true } => PartitionError.BehindRefused,
        EventRefusedException { Status: AppendStatus.TooLarge } => PartitionError.MessageTooLarge, // a lowered limit reaches the log first
        _ => PartitionError.BatchRefused,
    };

    private PartitionState Recovering => _recovering ??=
        new PartitionState(_handle.Log.LogStartOffset, _handle.Log.LogStartOffset, LeaderEpoch.None);

    private void OnSnapshot(SnapshotOffer offer)
    {
        var at = new Offset(offer.Metadata.SequenceNr);
        _recovering = new PartitionState(_handle.Log.LogStartOffset, at, _handle.Log.EpochAt(at - 1));
        foreach (var producer in ((PartitionSnapshot)offer.Snapshot).Producers) _recovering.Producers.Load(producer, SeenMs(producer.TimestampMs));
        _snapshots.OnSaved(at);
    }

    private void OnReplayed(RecordBatchEvent batch)
    {
        // Retention may have moved the log start into the first batch that is left.
        if (batch.LastOffset < Recovering.LogEnd) return;
        var headers = HeadersOf(batch);
        Recovering.Apply(Applied(batch), headers, SeenMs(headers[^1].MaxTimestamp));
    }

    private void OnRecovered()
    {
        var log = _handle.Log;
        Invariant.Check(Recovering.LogEnd == log.LogEndOffset, $"{_handle.Partition} replayed to {Recovering.LogEnd}, its log ends at {log.LogEndOffset}");
        _core = new PartitionCore(Recovering, _start.Settings, new ReplicaLog(log), (long)_start.Options.LagTime.TotalMilliseconds);
        _core.OnRecovered(_start.HighWatermark);
        _core.OnAssignment(_start.Assignment, NowMs, _effects);
        _handle.Bind(Self);
        Finish();
        Context.Parent.Tell(new PartitionProtocol.Serving(_handle));
    }

    private void OnAppend(PartitionProtocol.Append append)
    {
        for (var next = append; next is not null; next = next.Next)
        {
            Invariant.Check(RecordBatchHeader.TryParse(next.Batch.Span, out var header), "what is appended was found well-formed");
            var decided = _effects.Count;
            _core.OnAppend(
                new AppendInput(next.Key, next.Acks, next.ExpectedEpoch, next.Batch.Length, ProducerStamp.Of(header), GoesOn: next != append), NowMs, _effects);
            if (_effects.Count > decided && _effects[decided].Kind == PartitionEffectKind.Append)
                Store(new RecordBatchEvent(next.Batch, _core.LeaderEpoch));
        }

        Finish();
    }

    private void Store(RecordBatchEvent batch)
    {
        batch.RejectionsHeard = _core.Rejections;
        PersistAsync(batch, _onPersisted);
    }

    private void OnPersisted(RecordBatchEvent batch)
    {
        _isRefusing = false;
        _core.OnPersisted(Applied(batch), HeadersOf(batch), NowMs, _effects);
        Finish();
        if (batch.IsFetched) ReleaseFetched();
        if (_snapshots.IsDue) LeaveSnapshot();
        StopIfDrained();
    }

    private void OnAwaitData(PartitionProtocol.AwaitData wait)
    {
        _core.OnWait(new WaitInput(wait.Key, wait.ExpectedEpoch, wait.SeenHighWatermark), _effects);
        Finish();
    }

    private void OnAssign(PartitionProtocol.Assign assign)
    {
        _handle.Publish(assign.Settings);
        _core.OnSettings(assign.Settings, NowMs, _effects);
        _core.OnAssignment(assign.Assignment, NowMs, _effects);
        Finish();
    }

    private void OnLogStartMoved(PartitionProtocol.LogStartMoved moved)
    {
        _core.OnLogStart(moved.LogStart, _effects);
        Finish();
        // The snapshots below went with their segments, and the log can't tell any more what they knew.
        if (_snapshots.Newest < moved.LogStart && !_snapshots.IsSaving && _core.State.Producers.Count > 0) LeaveSnapshot();
    }

    private void OnDeleteRecords(PartitionProtocol.DeleteRecords delete)
    {
        _core.OnDeleteRecords(delete.Key, delete.Before, _effects);
        Finish();
    }

    private void OnDescribeProducers(PartitionProtocol.DescribeProducers describe)
    {
        var key = describe.Key;
        ((IActorRef)key.Client).Tell(_core.IsLeader
            ? new PartitionProtocol.Producers(key.Call, key.Slot, PartitionError.None, _core.State.Producers.Newest())
            : new PartitionProtocol.Producers(key.Call, key.Slot, PartitionError.NotLeader, []));
    }

    private void OnDrain(PartitionProtocol.Drain drain)
    {
        _drain = drain;
        _core.OnDrain();
        StopIfDrained();
    }

    private void StopIfDrained()
    {
        if (_drain is null || _core.InFlight > 0) return;
        if (!_isClosed)
        {
            _isClosed = true;
            _core.OnClose(_effects);
            Finish();
            if (_drain.SaveSnapshot && _core.State.AppliedBytes > 0 && _snapshots.Newest < _core.State.LogEnd) LeaveSnapshot();
        }

        if (!_snapshots.IsSaving) Context.Stop(Self);
    }

    private void LeaveSnapshot()
    {
        _snapshots.OnSaving();
        SaveSnapshot(new PartitionSnapshot(_core.State.Producers.Snapshot()));
    }

    private void OnSnapshotSaved(SnapshotMetadata saved)
    {
        _snapshots.OnSaved(new Offset(saved.SequenceNr));
        StopIfDrained();
    }

    /// <summary>Nothing is lost by it: the log rebuilds what a snapshot would have said.</summary>
    private void OnSnapshotFailed(SaveSnapshotFailure failed)
    {
        _log.Warning("{0}: no snapshot at {1}: {2}", _handle.Partition, failed.Metadata.SequenceNr, failed.Cause.Message);
        _snapshots.OnSaveFailed();
        StopIfDrained();
    }

    private static BatchAppended Applied(RecordBatchEvent batch) =>
        new(batch.BaseOffset, batch.LastOffset, batch.Epoch, batch.AppendTimeMs, batch.SizeInBytes);

    private ReadOnlySpan<RecordBatchHeader> HeadersOf(RecordBatchEvent batch)
    {
        _headers.Clear();
        batch.AddHeadersTo(_headers);
        return CollectionsMarshal.AsSpan(_headers);
    }

    /// <summary>
    /// When a producer that recovery finds counts as heard of. Its records' timestamps tell, but they are its own and may be
    /// ancient though it is sending now: so it is kept for one more interval at least.
    /// </summary>
    private long SeenMs(long timestampMs)
    {
        var age = _start.Time.GetUtcNow().ToUnixTimeMilliseconds() - timestampMs;
        var oldest = (long)(_start.Options.ProducerExpiration - _start.Options.ProducerExpirationInterval).TotalMilliseconds;
        return NowMs - Math.Clamp(age, 0, Math.Max(oldest, 0));
    }

    /// <summary>Publishes what changed before anybody who is answered could look.</summary>
    private void Finish()
    {
        Publish();
        foreach (var effect in _effects) Perform(effect);
        _effects.Clear();
    }

    private void Perform(in PartitionEffect effect)
    {
        var key = effect.Key;
        switch (effect.Kind)
        {
            case PartitionEffectKind.Append or PartitionEffectKind.AppendFetched:
                return; // by whoever has the bytes
            case PartitionEffectKind.ProduceReply:
                ((IActorRef)key.Client).Tell(new PartitionProtocol.AppendReply(
                    key.Call, key.Slot, effect.Error, effect.Offset, effect.AppendTimeMs, _core.State.LogStart));
                return;
            case PartitionEffectKind.DeletionReply:
                ((IActorRef)key.Client).Tell(new PartitionProtocol.RecordsDeleted(key.Call, key.Slot, effect.Error, effect.Offset));
                return;
            case PartitionEffectKind.WakeFetch:
                ((IActorRef)key.Client).Tell(new PartitionProtocol.DataReady(key.Call, key.Slot, effect.Error));
                return;
            default:
                PerformReplication(effect);
                return;
        }
    }

    private void Publish()
    {
        var state = _core.State;
        var view = new PartitionView(
            _core.IsLeader, _core.LeaderEpoch, _core.EpochStart, state.LogStart, state.HighWatermark, state.LogEnd, state.AppliedBytes);
        if (!_handle.IsBound || view != _handle.View) _handle.Publish(view);
    }
}

using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// Decides for a producer: where records go, when batches leave, what their answers mean.
/// <code>
/// record   waiting (no memory) -> pending (topic unknown) -> open batch -> closed -> in flight -> succeeded or failed
///                                                                            ^----- retry ----'
/// </code>
/// Invariants: each record offered gets exactly one outcome, within delivery.timeout.ms of being offered (plus
/// max.block.ms while it waits); a partition's batches leave in order; no more than max.in.flight requests per broker are
/// out; buffer.memory bounds all that is held here except records that wait for it, which still lie with their callers.
/// Left to others: sending and clocks (the actor), connections and metadata (<see cref="ClusterCore"/>).
/// </summary>
internal sealed partial class ProducerCore
{
    private readonly ProducerSettings _settings;
    private readonly FrameBudget _frame;
    private readonly Random _random;
    private readonly Backoff _backoff;
    private readonly RecordAccumulator _accumulator;
    private readonly ProducerIdentity? _identity;
    private readonly List<ProducerEffect> _effects;
    private readonly Dictionary<string, ProducerTopic> _topics = new(StringComparer.Ordinal);
    private readonly Dictionary<BrokerId, BrokerLane> _lanes = [];
    private readonly Dictionary<long, (BrokerLane Lane, List<ProducerBatch> Batches)> _inFlight = [];
    private readonly Queue<(OutgoingRecord Record, FlushGroup Group)> _waiting = new();
    private readonly PriorityQueue<PartitionQueue, TimeSpan> _backingOff = new();
    private readonly Queue<FlushGroup> _groups = new();
    private FlushGroup _group = new();
    private ClusterImage _image = ClusterImage.Empty;
    private ProducerTopic? _lastTopic;
    private long _lastRequest;
    private long _bytesWaiting;

    /// <param name="settings">All of them.</param>
    /// <param name="frame">What one message may hold.</param>
    /// <param name="random">For the sticky partitioner and jitter.</param>
    /// <param name="effects">Where decisions go; the caller performs and clears them after each call.</param>
    public ProducerCore(ProducerSettings settings, FrameBudget frame, Random random, List<ProducerEffect> effects)
    {
        _settings = settings;
        _frame = frame;
        _random = random;
        _effects = effects;
        _backoff = new Backoff(settings.Client.RetryBackoff, settings.Client.RetryBackoffMax, random);
        _accumulator = new RecordAccumulator(settings, frame, List);
        _identity = settings.IsIdempotent ? new ProducerIdentity() : null;
        _groups.Enqueue(_group);
    }

    /// <summary>When <see cref="Advance"/> is needed though nothing else happens.</summary>
    public TimeSpan NextWakeup
    {
        get
        {
            var next = _accumulator.NextLinger;
            if (_accumulator.Oldest is { } oldest && oldest.FirstTaken + _settings.DeliveryTimeout < next)
                next = oldest.FirstTaken + _settings.DeliveryTimeout;
            if (_backingOff.TryPeek(out _, out var until) && until < next)
                next = until;
            if (_waiting.TryPeek(out var waiting) && waiting.Record.Taken + _settings.MaxBlock < next)
                next = waiting.Record.Taken + _settings.MaxBlock;
            if (_identity is { IsWanted: true } && !_isIdentityAsked && _askIdentityAt < next)
                next = _askIdentityAt;
            foreach (var topic in _pendingTopics)
            {
                if (PendingDeadline(topic) < next)
                    next = PendingDeadline(topic);
            }

            return next;
        }
    }

    public long BytesUsed => _accumulator.BytesUsed;

    /// <summary>Of records that wait for memory and still lie with their callers.</summary>
    public long BytesWaiting => _bytesWaiting;

    public int RequestsInFlight => _inFlight.Count;


    /// <summary>Takes a record up. Call <see cref="Advance"/> after the last of several.</summary>
    /// <param name="record">The record.</param>
    /// <param name="now">Monotonic.</param>
    /// <param name="timestampMs">Its timestamp, milliseconds since 1970 UTC.</param>
    public void OnRecord(in OutgoingRecord record, TimeSpan now, long timestampMs)
    {
        record.Delivery.TimestampMs = timestampMs;
        _counters.Accepted++;
        _group.Outstanding++;
        if (_waiting.Count == 0 && TryAccept(record, _group, now))
            return;
        if (record.MayWait)
        {
            _waiting.Enqueue((record, _group));
            _bytesWaiting += record.SizeInBytes;
            return;
        }

        FailRecord(
            record, _group, DeliveryFailure.BufferFull, ErrorCode.None,
            $"buffer.memory = {_settings.BufferMemory} bytes is in use: wait for outcomes before sending more");
    }

    /// <summary>Every record offered so far is sent without lingering; the token comes back when each has its outcome.</summary>
    public void OnFlush(long token, TimeSpan now)
    {
        if (_group.Outstanding == 0 && _groups.Count == 1)
        {
            _effects.Add(new ProducerEffect.FlushCompleted(token));
            return;
        }

        _group.Tokens.Add(token);
        _groups.Enqueue(_group = new FlushGroup());
        _accumulator.CloseAll();
        Advance(now);
    }

    /// <summary>Does what has become due: closes lingering batches, gives up old ones, sends.</summary>
    public void Advance(TimeSpan now)
    {
        ExpireWaiting(now);
        ExpirePending(now);
        ExpireBatches(now);
        _accumulator.CloseLingering(now);
        while (_backingOff.TryPeek(out _, out var until) && until <= now)
            List(_backingOff.Dequeue());
        AdmitPending(now);
        AdmitWaiting(now);
        foreach (var lane in _lanes.Values)
            Drain(lane, now);
        AskIdentity(now);
        _errors.Add(_failedSince, now);
        _failedSince = 0;
    }

    /// <summary>The producer stops: everything that has no outcome fails now.</summary>
    public void Abort(string message)
    {
        _bytesWaiting = 0;
        while (_waiting.TryDequeue(out var waiting))
            FailRecord(waiting.Record, waiting.Group, DeliveryFailure.Closed, ErrorCode.None, message);
        foreach (var topic in _topics.Values)
            FailPending(topic, DeliveryFailure.Closed, ErrorCode.None, message);
        while (_accumulator.Oldest is { } batch)
            Fail(batch, DeliveryFailure.Closed, ErrorCode.None, message);
    }

    /// <summary>True if the record is in a batch, pending or failed for good; false if there is no memory for it.</summary>
    private bool TryAccept(in OutgoingRecord record, FlushGroup group, TimeSpan now)
    {
        var topic = TopicOf(record.Topic);
        if (!topic.IsKnown || topic.Pending.Count > 0)
            return TryPend(topic, record, group, now);
        return Append(topic, record, group, now) != Acceptance.Full;
    }

    private Acceptance Append(ProducerTopic topic, in OutgoingRecord record, FlushGroup group, TimeSpan now)
    {
        var free = record.Partition < 0;
        var partition = free ? topic.Partitioner.Choose(record.Key, now) : record.Partition;
        if (topic.QueueOf(partition) is not { } queue)
        {
            _effects.Add(ProducerEffect.RefreshMetadata.Instance);
            FailRecord(
                record, group, DeliveryFailure.InvalidTopicOrPartition, ErrorCode.UnknownTopicOrPartition,
                $"topic {topic.Name} has partitions 0 to {topic.Queues.Length - 1}, not {partition}");
            return Acceptance.NoSuchPartition;
        }

        var acceptance = _accumulator.TryAppend(queue, record, group, now, record.Delivery.TimestampMs, out var bytes);
        if (acceptance == Acceptance.TooLarge)
        {
            _accumulator.FitsAtAll(record, out var fault);
            FailRecord(record, group, DeliveryFailure.RecordTooLarge, ErrorCode.MessageTooLarge, fault);
        }
        else if (acceptance == Acceptance.Accepted)
        {
            if (free)
                topic.Partitioner.OnAppended(record.Key, bytes, now);
            if (group.IsSealed)
                _accumulator.Close(queue);
        }

        return acceptance;
    }

    /// <summary>Memory may have come free: takes waiting records up, in order.</summary>
    private void AdmitWaiting(TimeSpan now)
    {
        while (_waiting.TryPeek(out var waiting))
        {
            if (!TryAccept(waiting.Record, waiting.Group, now))
            {
                // What lingers holds the memory that others wait for.
                _accumulator.CloseAll();
                if (!TryAccept(waiting.Record, waiting.Group, now))
                    return;
            }

            _waiting.Dequeue();
            _bytesWaiting -= waiting.Record.SizeInBytes;
        }
    }

    private void ExpireWaiting(TimeSpan now)
    {
        while (_waiting.TryPeek(out var waiting) && waiting.Record.Taken + _settings.MaxBlock <= now)
        {
            _waiting.Dequeue();
            _bytesWaiting -= waiting.Record.SizeInBytes;
            FailRecord(
                waiting.Record, waiting.Group, DeliveryFailure.BufferFull, ErrorCode.None,
                $"buffer.memory = {_settings.BufferMemory} bytes stayed in use for max.block.ms = {_settings.MaxBlock.TotalMilliseconds:0}");
        }
    }

    private ProducerTopic TopicOf(string name)
    {
        if (_lastTopic is { } last && (ReferenceEquals(last.Name, name) || last.Name == name))
            return last;
        if (!_topics.TryGetValue(name, out var topic))
        {
            topic = new ProducerTopic(name, _settings, _random, LoadOf, _identity);
            _topics.Add(name, topic);
        }

        return _lastTopic = topic;
    }

    private PartitionLoad LoadOf(PartitionQueue queue, TimeSpan now) => new(
        queue.Waiting,
        _settings.PartitionerAvailabilityTimeout > TimeSpan.Zero
            && _lanes.TryGetValue(queue.Leader, out var lane)
            && lane.FullSince + _settings.PartitionerAvailabilityTimeout <= now);

    private void List(PartitionQueue queue)
    {
        if (queue.Leader == BrokerId.None)
            return;
        if (!_lanes.TryGetValue(queue.Leader, out var lane))
            _lanes.Add(queue.Leader, lane = new BrokerLane(queue.Leader));
        lane.List(queue);
    }

    private void FailRecord(in OutgoingRecord record, FlushGroup group, DeliveryFailure reason, ErrorCode error, string message)
    {
        CountFailed(1);
        _effects.Add(new ProducerEffect.FailRecord(record, reason, error, message));
        Finished(group, 1);
    }

    /// <summary>Records of a group have their outcome; may end flushes.</summary>
    private void Finished(FlushGroup group, long records)
    {
        group.Outstanding -= records;
        while (_groups.TryPeek(out var first) && first.IsSealed && first.Outstanding == 0)
        {
            foreach (var token in first.Tokens)
                _effects.Add(new ProducerEffect.FlushCompleted(token));
            _groups.Dequeue();
        }
    }
}

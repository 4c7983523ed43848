using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// Decides for a consumer: what is read and from where, when to fetch, what to hand over.
/// Invariants: at most one batch is out to the target; a partition's records are handed over in offset order, each once
/// between two seeks; a partition is fetched only while nothing of it is buffered, so one fetch ahead of the target; an
/// answer from before a seek is ignored.
/// Left to others: <see cref="PartitionReader"/> knows how far a partition is; sending and clocks (the actor); connections
/// and metadata (<see cref="ClusterCore"/>).
/// </summary>
internal sealed partial class ConsumerCore
{
    /// <summary>
    /// Requests to one broker at a time, for disjoint partitions: a partition with data must not wait for the long poll
    /// of one without.
    /// </summary>
    private const int RequestsPerBroker = 4;

    private readonly ConsumerSettings _settings;
    private readonly FrameBudget _frame;
    private readonly Backoff _backoff;
    private readonly List<ConsumerEffect> _effects;
    private readonly Dictionary<TopicPartition, PartitionReader> _readers = [];
    private readonly List<PartitionReader> _turns = [];
    private readonly Dictionary<long, Question> _questions = [];
    private readonly Dictionary<BrokerId, int> _requestsOut = [];
    private readonly Dictionary<string, TopicProgress> _topics = new(StringComparer.Ordinal);
    private ClusterImage _image = ClusterImage.Empty;
    private ConsumerBatch? _outstanding;
    private int _turn;
    private long _lastRequest;

    public ConsumerCore(ConsumerSettings settings, FrameBudget frame, Random random, List<ConsumerEffect> effects)
    {
        _settings = settings;
        _frame = frame;
        _effects = effects;
        _backoff = new Backoff(settings.Client.RetryBackoff, settings.Client.RetryBackoffMax, random);
        foreach (var topic in settings.Topics)
            _topics.TryAdd(topic, new TopicProgress { IsWhole = !settings.IsMember });
        foreach (var partition in settings.Partitions)
            _topics.TryAdd(partition.Topic, new TopicProgress());
    }

    /// <summary>When <see cref="Advance"/> is needed though nothing else happens.</summary>
    public TimeSpan NextWakeup(TimeSpan now)
    {
        var next = TimeSpan.MaxValue;
        foreach (var reader in _turns)
        {
            if (reader.IsBackingOff(now) && reader.NotBefore < next)
                next = reader.NotBefore;
            if (reader.Redelivery is { } redelivery && redelivery.NotBefore > now && redelivery.NotBefore < next)
                next = redelivery.NotBefore;
        }

        foreach (var topic in _topics.Values)
        {
            if (topic.MissingSince is { } since && !topic.IsReported && since + _settings.Client.UnknownTopicTimeout < next)
                next = since + _settings.Client.UnknownTopicTimeout;
        }

        return next;
    }

    public ConsumerPositions Positions
    {
        get
        {
            var positions = new List<ConsumerPosition>(_turns.Count);
            foreach (var reader in _turns)
                positions.Add(new ConsumerPosition(reader.Partition, reader.Processed, reader.HighWatermark, reader.IsPaused));
            return new ConsumerPositions(positions);
        }
    }

    public void Start() => _effects.Add(new ConsumerEffect.WantTopics([.. _topics.Keys]));

    public void OnMetadata(ClusterImage image, TimeSpan now)
    {
        _image = image;
        foreach (var reader in _turns)
            reader.OnLeader(image.EpochOf(reader.Partition));
        var before = _readers.Count;
        foreach (var (name, progress) in _topics)
        {
            if (image.Topics.TryGetValue(name, out var view))
                OnTopic(view, progress, now);
        }

        if (_readers.Count > before && !_settings.IsMember)
            _effects.Add(new ConsumerEffect.Notify(new PartitionsAssigned([.. _readers.Keys])));
        FailImpossible();
        Advance(now);
    }

    public void OnUnreachable(string message) => _effects.Add(new ConsumerEffect.Notify(new ClusterUnreachable(message)));

    /// <summary>The target has done with what is out to it; an answer for anything else is ignored.</summary>
    public void OnProcessed(ConsumerBatch batch, TimeSpan now)
    {
        if (_outstanding is null || !ReferenceEquals(batch, _outstanding))
            return;
        BecomeIdle();
        if (_readers.TryGetValue(batch.Partition, out var reader) && reader.Generation == batch.Generation)
            OnDone(reader, batch);
        Advance(now);
    }

    public Sought OnSeek(TopicPartition partition, StartPosition position, TimeSpan now)
    {
        if (!_readers.TryGetValue(partition, out var reader))
            return new Sought(partition, IsAssigned: false, Generation: 0);
        reader.Seek(position);
        _effects.Add(new ConsumerEffect.Notify(new PartitionSought(partition, reader.Generation)));
        Advance(now);
        return new Sought(partition, IsAssigned: true, reader.Generation);
    }

    public void OnPause(IReadOnlyList<TopicPartition> partitions, bool paused, TimeSpan now)
    {
        foreach (var partition in partitions)
        {
            if (_readers.TryGetValue(partition, out var reader))
                reader.IsPaused = paused;
        }

        Advance(now);
    }

    /// <summary>Hands over what may be, and asks for what is missing.</summary>
    public void Advance(TimeSpan now)
    {
        ReportMissing(now);
        Deliver(now);
        Bury(now);
        Ask(now, QuestionKind.Place);
        Ask(now, QuestionKind.EpochEnd);
        Ask(now, QuestionKind.Records);
    }

    private void OnTopic(TopicView view, TopicProgress progress, TimeSpan now)
    {
        if (view.Error == ErrorCode.None && !view.Partitions.IsEmpty)
        {
            var late = progress.WasSeen;
            (progress.MissingSince, progress.IsReported, progress.WasSeen) = (null, false, true);
            if (progress.IsWhole)
            {
                foreach (var partition in view.Partitions)
                    Assign(new TopicPartition(view.Name, partition.Index), late);
            }

            AssignSingle(view);
        }
        else if (view.Error == ErrorCode.UnknownTopicOrPartition)
        {
            progress.MissingSince ??= now;
        }
        else if (!view.Error.IsRetriable() && view.Error != ErrorCode.None && !progress.IsReported)
        {
            progress.IsReported = true;
            _effects.Add(new ConsumerEffect.Notify(new TopicFailed(view.Name, view.Error, view.Error.Describe())));
        }
    }

    private void AssignSingle(TopicView view)
    {
        foreach (var partition in _settings.Partitions)
        {
            if (partition.Topic == view.Name)
                Assign(partition, late: false);
        }
    }

    /// <summary>Partitions asked for that their topic doesn't have, and those without any place to begin.</summary>
    private void FailImpossible()
    {
        foreach (var reader in _turns)
        {
            if (reader.HasFailed || reader.IsAwaitingCommitted || !_image.Topics.TryGetValue(reader.Partition.Topic, out var view) || view.Partitions.IsEmpty)
                continue;
            if ((uint)reader.Partition.Partition >= (uint)view.Partitions.Length)
            {
                Fail(
                    reader, ErrorCode.UnknownTopicOrPartition,
                    $"topic {view.Name} has partitions 0 to {view.Partitions.Length - 1}, not {reader.Partition.Partition}");
            }
            else if (reader.Start is null && reader.Position == Offset.None)
            {
                Fail(reader, ErrorCode.OffsetOutOfRange, $"no offset to begin {reader.Partition} at is given, and auto.offset.reset is none");
            }
        }
    }

    /// <param name="partition">One to read from now on.</param>
    /// <param name="late">Added to a topic already being read: nothing in it is older than this consumer, so all of it is read.</param>
    private void Assign(TopicPartition partition, bool late)
    {
        if (_readers.ContainsKey(partition))
            return;
        StartPosition? start = _settings.StartOffsets.TryGetValue(partition, out var own) ? own
            : late ? StartPosition.Beginning
            : _settings.Start ?? ResetPosition;
        var reader = new PartitionReader(partition, start, GenerationOf(partition)) { IsAwaitingCommitted = _settings.GroupId.Length > 0 };
        reader.OnLeader(_image.EpochOf(partition));
        if (start is StartPosition.FromOffset && !reader.IsAwaitingCommitted)
            reader.Restart(start);
        _readers.Add(partition, reader);
        _turns.Add(reader);
    }

    /// <summary>Where <c>auto.offset.reset</c> leads; null where it is none.</summary>
    private StartPosition? ResetPosition => _settings.AutoOffsetReset switch
    {
        AutoOffsetReset.Earliest => StartPosition.Beginning,
        AutoOffsetReset.Latest => StartPosition.End,
        _ => null,
    };

    private void ReportMissing(TimeSpan now)
    {
        foreach (var (name, progress) in _topics)
        {
            if (progress.IsReported || progress.MissingSince + _settings.Client.UnknownTopicTimeout > now || progress.MissingSince is null)
                continue;
            progress.IsReported = true;
            _effects.Add(new ConsumerEffect.Notify(new TopicFailed(name, ErrorCode.UnknownTopicOrPartition, $"topic {name} does not exist")));
        }
    }

    /// <summary>In turn among the partitions that have something.</summary>
    private void Deliver(TimeSpan now)
    {
        for (var i = 0; i < _turns.Count && _outstanding is null; i++)
        {
            _turn = (_turn + 1) % _turns.Count;
            var reader = _turns[_turn];
            if (!reader.MayDeliver(now))
                continue;
            if (reader.Redelivery is { } redelivery)
                HandOver(redelivery.Batch(reader.Partition, BuriesFailures, reader.Generation), now);
            else
                Deliver(reader, now);
        }
    }

    private void Deliver(PartitionReader reader, TimeSpan now)
    {
        var fetched = reader.Buffered!;
        var records = fetched.Take(_settings.MaxPollRecords);
        reader.Advance(fetched.Next, fetched.Epoch);
        if (fetched.IsEmpty)
            reader.Buffered = null;
        if (fetched.Fault != BatchFault.None && records.Length == 0)
        {
            OnBadBatch(reader, fetched.Fault, now);
            return;
        }

        reader.Succeeded();
        if (records.Length > 0)
        {
            HandOver(new ConsumerBatch(reader.Partition, records, reader.Position, fetched.HighWatermark, reader.Generation) { Epoch = fetched.Epoch }, now);
        }
        else
        {
            reader.OnProcessed(reader.Position, fetched.Epoch);
        }

        ReportEnd(reader);
    }

    private void HandOver(ConsumerBatch batch, TimeSpan now)
    {
        (_outstanding, OutstandingSince) = (batch, now);
        _effects.Add(new ConsumerEffect.Deliver(batch));
    }

    private void ReportEnd(PartitionReader reader)
    {
        if (reader.Position < reader.HighWatermark || reader.EndReported == reader.Position)
            return;
        reader.EndReported = reader.Position;
        _effects.Add(new ConsumerEffect.Notify(new ReachedEnd(reader.Partition, reader.Position, reader.Generation)));
    }

    private void Fail(PartitionReader reader, ErrorCode error, string message)
    {
        reader.BecomeFailed();
        _effects.Add(new ConsumerEffect.Notify(new PartitionFailed(reader.Partition, reader.Position, error, message)));
    }

    private sealed class TopicProgress
    {
        /// <summary>All of its partitions are read, not just single ones.</summary>
        public bool IsWhole { get; init; }

        public bool WasSeen { get; set; }

        public TimeSpan? MissingSince { get; set; }

        public bool IsReported { get; set; }
    }
}

using System.Text.RegularExpressions;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// Joins a consumer's reading to its group: what the group assigns is read from where the group left off, what the target is
/// done with is committed, what the group revokes is drained and committed before it goes.
/// <code>
/// revoking  draining (what is out to the target) -> committing -> handing over (manual commits: the target's Released) -> gone
/// closing   draining -> committing -> leaving -> stopped
/// </code>
/// Each step of both ends at a deadline too: a group must not wait for ever for a target.
/// Left to others: <see cref="MembershipCore"/> (the group's protocol), <see cref="OffsetsCore"/> (commits and their
/// errors), <see cref="ConsumerCore"/> (reading).
/// </summary>
internal sealed partial class GroupSession
{
    /// <summary>Of the last commit and of leaving, when a consumer closes.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(3);

    private readonly ConsumerSettings _settings;
    private readonly ConsumerCore _reading;
    private readonly List<ConsumerEffect> _effects;
    private readonly List<GroupEffect> _own = [];
    private readonly CoordinatorFinder _coordinator;
    private readonly MembershipCore? _membership;
    private readonly OffsetsCore _offsets;
    private readonly Regex? _pattern;
    private readonly Dictionary<TopicPartition, Offset> _committed = [];

    /// <summary>What a reader said it is done with, ahead of the target: no automatic commit goes back behind it.</summary>
    private readonly Dictionary<TopicPartition, Offset> _further = [];
    private TimeSpan _commitAt;
    private Revocation? _revocation;
    private Closing? _closing;

    public GroupSession(ConsumerSettings settings, FrameBudget frame, Random random, ConsumerCore reading, List<ConsumerEffect> effects)
    {
        _settings = settings;
        _reading = reading;
        _effects = effects;
        var ids = new RequestIds();
        _coordinator = new CoordinatorFinder(settings, ids, random, _own);
        _membership = settings.IsMember ? new MembershipCore(settings, _coordinator, ids, random, _own) : null;
        _offsets = new OffsetsCore(settings, frame, _coordinator, _membership, ids, random, _own);
        // Whole names, as Kafka takes it.
        _pattern = settings.TopicPattern is null ? null : new Regex($@"\A(?:{settings.TopicPattern})\z", RegexOptions.CultureInvariant);
    }

    private enum Stage
    {
        Draining,
        Committing,
        HandingOver,
        Leaving,
    }

    private sealed record Revocation(HashSet<TopicPartition> Partitions, TimeSpan Deadline)
    {
        public Stage Stage { get; set; }

        public PartitionsRevoked? Notice { get; set; }

        public bool IsReleased { get; set; }
    }

    private sealed record Closing(HashSet<TopicPartition> Partitions)
    {
        public Stage Stage { get; set; }

        public TimeSpan Deadline { get; set; }
    }

    /// <summary>The group's name for this member; empty while it has none.</summary>
    public string MemberId => _membership?.MemberId ?? "";

    public int Generation => _membership?.Generation ?? -1;

    public Offset CommittedOf(TopicPartition partition) => _committed.GetValueOrDefault(partition, Offset.None);

    /// <summary>When <see cref="Advance"/>, which must have been called for this moment, is needed again though nothing else happens.</summary>
    public TimeSpan NextWakeup(TimeSpan now)
    {
        var next = TimeSpan.MaxValue;
        Consider(_offsets.NextWakeup);
        if (_membership is null or { IsOver: false, IsStalled: false })
            Consider(_coordinator.NextWakeup);
        if (_membership is { IsOver: false, IsStalled: false })
        {
            Consider(_membership.NextWakeup);
            if (_reading.OutstandingSince is { } since)
                Consider(since + _settings.MaxPollInterval);
        }

        if (_settings.EnableAutoCommit)
            Consider(_commitAt);
        if (_revocation is not null)
            Consider(_revocation.Deadline);
        if (_closing is not null)
            Consider(_closing.Deadline);
        return next;

        // What was due already has been done, or waits for something else.
        void Consider(TimeSpan at)
        {
            if (at > now && at < next)
                next = at;
        }
    }

    public void Start(TimeSpan now)
    {
        _commitAt = now + _settings.AutoCommitInterval;
        if (_pattern is not null)
            _effects.Add(ConsumerEffect.WantAllTopics.Instance);
        else
            _membership?.Subscribe(_settings.Topics, now);
    }

    public void OnMetadata(ClusterImage image, TimeSpan now)
    {
        if (_pattern is not null && _closing is null)
        {
            var topics = image.Topics.Values
                .Where(topic => topic.Error == ErrorCode.None && !(topic.IsInternal && _settings.ExcludeInternalTopics) && _pattern.IsMatch(topic.Name))
                .Select(topic => topic.Name).ToArray();
            if (topics.Length > 0)
                _effects.Add(new ConsumerEffect.WantTopics(topics));
            _membership!.Subscribe(topics, now);
        }

        _membership?.OnMetadata(image, now);
    }

    public void OnResponse(long requestId, IResponse response, TimeSpan now)
    {
        if (response is FindCoordinatorResponse found)
            _coordinator.TryTake(requestId, found, now);
        else if (_membership?.TryTake(requestId, response, now) != true)
            _offsets.TryTake(requestId, response, now);
    }

    public void OnRequestFailed(long requestId, ErrorCode error, string message, TimeSpan now)
    {
        if (!_coordinator.TryTakeFailure(requestId, error, message, now) && _membership?.TryTakeFailure(requestId, error, message, now) != true)
            _offsets.TryTakeFailure(requestId, error, message, now);
    }

    /// <summary>The target gave a sign of life.</summary>
    public void OnTargetHeard(TimeSpan now)
    {
        _membership?.OnPolled(now);
    }

    /// <param name="commit">What.</param>
    /// <param name="asker">Gets <see cref="OffsetsCommitted"/>.</param>
    /// <param name="now">Monotonic.</param>
    public void OnCommit(CommitOffsets commit, object asker, TimeSpan now)
    {
        var offsets = commit.Offsets;
        if (offsets is null)
        {
            var processed = Uncommitted(within: null);
            foreach (var (partition, offset) in commit.Further)
            {
                if (CommittedOf(partition) >= offset.Offset)
                    continue;
                processed[partition] = offset;
                _further[partition] = offset.Offset;
            }

            offsets = processed;
        }

        _offsets.Store(offsets, (asker, commit.Correlation), now);
    }

    public void OnReleased(PartitionsRevoked notice)
    {
        if (_revocation is not null && ReferenceEquals(_revocation.Notice, notice))
            _revocation.IsReleased = true;
    }

    /// <summary>The application moves this partition elsewhere: what it commits next may be less than what it committed before.</summary>
    public void OnSought(TopicPartition partition) => Forget(partition);

    /// <summary>Ends with <see cref="ConsumerEffect.Stop"/>.</summary>
    public void Close(bool drain, TimeSpan now)
    {
        if (_closing is not null)
            return;
        var partitions = _reading.Positions.Partitions.Select(position => position.Partition).ToHashSet();
        _reading.Hold(partitions);
        _closing = new Closing(partitions) { Deadline = now + (drain ? _settings.MaxPollInterval : TimeSpan.Zero) };
    }

    /// <summary>Does what is due: to be called after each input of this or of the reading.</summary>
    public void Advance(TimeSpan now)
    {
        if (_membership is not null && _reading.OutstandingSince + _settings.MaxPollInterval <= now)
            _membership.OnPollTimeout(now);
        foreach (var partition in _reading.TakeMoved())
            Forget(partition);
        do
        {
            Perform(now);
            _offsets.Fetch(_reading.AwaitingCommitted, now);
            if (_closing is null)
            {
                AdvanceRevocation(now);
                CommitByItself(now);
                _membership?.Advance(now);
            }
            else
            {
                _membership?.KeepAlive(now);
                AdvanceClosing(now);
            }

            _offsets.Advance(now);
        }
        while (_own.Count > 0);
    }

    private void CommitByItself(TimeSpan now)
    {
        if (!_settings.EnableAutoCommit || now < _commitAt || !_offsets.IsIdle)
            return;
        _commitAt = now + _settings.AutoCommitInterval;
        Store(Uncommitted(within: null), now);
    }

    private void Store(Dictionary<TopicPartition, CommittedOffset> offsets, TimeSpan now)
    {
        if (offsets.Count > 0)
            _offsets.Store(offsets, token: null, now);
    }

    /// <summary>What the target is done with beyond what is committed, or asked to be.</summary>
    private Dictionary<TopicPartition, CommittedOffset> Uncommitted(IReadOnlySet<TopicPartition>? within)
    {
        var uncommitted = new Dictionary<TopicPartition, CommittedOffset>();
        foreach (var (partition, offset) in _reading.Processed)
        {
            if ((within is null || within.Contains(partition)) && CommittedOf(partition) < offset.Offset
                && _further.GetValueOrDefault(partition, Offset.None) < offset.Offset && _membership?.Owned.Contains(partition) != false)
                uncommitted.Add(partition, offset);
        }

        return uncommitted;
    }

    private void AdvanceRevocation(TimeSpan now)
    {
        if (_revocation is not { } revocation)
            return;
        var isLate = now >= revocation.Deadline;
        if (revocation.Stage == Stage.Draining && (isLate || !_reading.IsBusyWith(revocation.Partitions)))
        {
            revocation.Stage = Stage.Committing;
            if (_settings.EnableAutoCommit)
                Store(Uncommitted(revocation.Partitions), now);
        }

        if (revocation.Stage == Stage.Committing && (isLate || _offsets.IsIdle))
        {
            revocation.Stage = Stage.HandingOver;
            revocation.IsReleased = _settings.EnableAutoCommit;
            revocation.Notice = new PartitionsRevoked([.. revocation.Partitions]);
            _effects.Add(new ConsumerEffect.Notify(revocation.Notice));
        }

        if (revocation.Stage == Stage.HandingOver && (isLate || (revocation.IsReleased && _offsets.IsIdle)))
        {
            _revocation = null;
            GiveUp(revocation.Partitions);
            _membership!.OnRevoked(now);
        }
    }

    private void AdvanceClosing(TimeSpan now)
    {
        var closing = _closing!;
        if (closing.Stage == Stage.Draining && (now >= closing.Deadline || !_reading.IsBusyWith(closing.Partitions)))
        {
            closing.Stage = Stage.Committing;
            closing.Deadline = now + ClosePatience;
            if (_settings.EnableAutoCommit)
                Store(Uncommitted(within: null), now);
        }

        if (closing.Stage == Stage.Committing && (now >= closing.Deadline || _offsets.IsIdle))
        {
            closing.Stage = Stage.Leaving;
            closing.Deadline = now + ClosePatience;
            if (_membership is null or { IsOver: true })
                _effects.Add(ConsumerEffect.Stop.Instance);
            else
                _membership.Leave(now);
        }

        if (closing.Stage == Stage.Leaving && now >= closing.Deadline)
            _effects.Add(ConsumerEffect.Stop.Instance);
    }

    private void GiveUp(IReadOnlyCollection<TopicPartition> partitions)
    {
        _offsets.Drop(partitions);
        foreach (var partition in partitions)
            Forget(partition);
        _reading.Unassign(partitions);
    }

    private void Forget(TopicPartition partition)
    {
        _committed.Remove(partition);
        _further.Remove(partition);
    }
}

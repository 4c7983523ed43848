using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// Decides for a member of a consumer group (Kafka's classic protocol): joins, assigns if it leads, keeps itself alive,
/// gives up what others are to have.
/// <code>
/// unjoined -- a subscription --> [revoke all, if not cooperative] -> joining -> (leads: assigning ->) syncing -> stable
/// stable   -- rebalance, subscription or partition counts changed --> as above
/// stable   -- cooperative: assigned less than owned --> revoke the difference, then join again
/// any      -- unknown member, old generation --> partitions lost -> unjoined -> joins anew
/// any      -- coordinator lost --> found again; a join or sync that was out is repeated
/// stable   -- target silent for max.poll.interval.ms --> partitions lost, leaves; joins when it is heard again
/// any      -- fenced, refused --> failed; left --> left
/// </code>
/// Invariants: a join or a sync is out, never both, one at a time; nothing that is being revoked is joined with before
/// <see cref="OnRevoked"/>; what is owned changes only by an assignment, a finished revocation or a loss.
/// Left to others: reading, draining and committing (<see cref="GroupSession"/>), sending and clocks (the actor).
/// </summary>
internal sealed partial class MembershipCore
{
    private const string NoMember = "";
    private const int NoGeneration = -1;

    /// <summary>On top of the rebalance timeout, for which a coordinator may keep a join waiting: as Kafka.</summary>
    private static readonly TimeSpan JoinGrace = TimeSpan.FromSeconds(5);

    private readonly ConsumerSettings _settings;
    private readonly CoordinatorFinder _coordinator;
    private readonly RequestIds _ids;
    private readonly List<GroupEffect> _effects;
    private readonly Backoff _backoff;
    private readonly bool _isCooperative;
    private readonly HashSet<TopicPartition> _owned = [];
    private readonly Dictionary<long, Question> _questions = [];
    private State _state = State.Unjoined;
    private string[] _topics = [];
    private string[] _joinedTopics = [];
    private TopicPartition[] _previous = [];
    private HashSet<TopicPartition>? _revoking;
    private string? _rejoinReason;
    private ClusterImage _image = ClusterImage.Empty;
    private AssignmentStrategy _strategy;
    private List<GroupMember>? _members;
    private Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private TimeSpan _assignBy;
    private TimeSpan _heartbeatAt;
    private TimeSpan _lastHeard;
    private TimeSpan _notBefore;
    private int _failures;
    private bool _isStalled;

    public MembershipCore(ConsumerSettings settings, CoordinatorFinder coordinator, RequestIds ids, Random random, List<GroupEffect> effects)
    {
        _settings = settings;
        _coordinator = coordinator;
        _ids = ids;
        _effects = effects;
        _backoff = new Backoff(settings.Client.RetryBackoff, settings.Client.RetryBackoffMax, random);
        _isCooperative = Assignors.IsCooperative(settings.PartitionAssignmentStrategy);
    }

    private enum State
    {
        Unjoined,
        Joining,

        /// <summary>Leads, and waits for the metadata of what others subscribe to.</summary>
        Assigning,
        Syncing,
        Stable,
        Failed,
        Left,
    }

    private enum QuestionKind
    {
        Join,
        Sync,
        Heartbeat,
        Leave,
    }

    /// <summary>A request out, and who the member was when it asked.</summary>
    private readonly record struct Question(QuestionKind Kind, BrokerId Broker, string Member, int Generation);

    public string MemberId { get; private set; } = NoMember;

    public int Generation { get; private set; } = NoGeneration;

    /// <summary>What this member may read and commit: what is being revoked included, until that is done.</summary>
    public IReadOnlySet<TopicPartition> Owned => _owned;

    /// <summary>In a generation that has been handed out in full.</summary>
    public bool IsStable => _state == State.Stable;

    public bool IsLeader { get; private set; }

    /// <summary>Neither trying to be a member nor one.</summary>
    public bool IsOver => _state is State.Failed or State.Left;

    /// <summary>Out of the group until its target is heard of again.</summary>
    public bool IsStalled => _isStalled;

    private string? InstanceId => _settings.GroupInstanceId.Length == 0 ? null : _settings.GroupInstanceId;

    /// <summary>When <see cref="Advance"/> is needed though nothing else happens.</summary>
    public TimeSpan NextWakeup
    {
        get
        {
            if (IsOver || _isStalled)
                return TimeSpan.MaxValue;
            var next = _state switch
            {
                State.Unjoined when WantsToJoin && _coordinator.IsKnown => _notBefore,
                State.Assigning => _assignBy,
                _ => TimeSpan.MaxValue,
            };
            return IsAlive && !IsOut(QuestionKind.Heartbeat) && _coordinator.IsKnown && _heartbeatAt < next ? _heartbeatAt : next;
        }
    }

    /// <summary>Whether the group counts on its heartbeats.</summary>
    private bool IsAlive => _state is State.Assigning or State.Syncing or State.Stable;

    private bool WantsToJoin => _rejoinReason is not null && _revoking is null;

    /// <summary>What it wants to read from now on; a change makes it join again.</summary>
    public void Subscribe(IEnumerable<string> topics, TimeSpan now)
    {
        var wanted = topics.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        if (wanted.AsSpan().SequenceEqual(_topics))
            return;
        _topics = wanted;
        _rejoinReason = "the subscription changed";
        Advance(now);
    }

    public void OnMetadata(ClusterImage image, TimeSpan now)
    {
        _image = image;
        if (_state == State.Stable && IsLeader)
            CheckCounts();
        Advance(now);
    }

    /// <summary>What was to be revoked is drained and committed.</summary>
    public void OnRevoked(TimeSpan now)
    {
        if (_revoking is null)
            return;
        _owned.ExceptWith(_revoking);
        _revoking = null;
        Advance(now);
    }

    /// <summary>The target has not answered for longer than the group may wait for it: whoever else is alive goes on with its partitions.</summary>
    public void OnPollTimeout(TimeSpan now)
    {
        if (IsOver || _isStalled)
            return;
        _isStalled = true;
        Lose($"the target has not answered for max.poll.interval.ms = {_settings.MaxPollInterval.TotalMilliseconds:0}");
        SendLeave("the target has not answered in time");
        Forget();
        _state = State.Unjoined;
        Advance(now);
    }

    /// <summary>The target is heard of again.</summary>
    public void OnPolled(TimeSpan now)
    {
        if (!_isStalled)
            return;
        _isStalled = false;
        _rejoinReason = "the target answers again";
        Advance(now);
    }

    /// <summary>Out of the group for good, once what is owned is drained and committed. A static member stays one, for who comes back in its name.</summary>
    public void Leave(TimeSpan now)
    {
        if (IsOver)
            return;
        SendLeave("the consumer is closing");
        _state = State.Left;
        if (!IsOut(QuestionKind.Leave))
            _effects.Add(GroupEffect.Left.Instance);
    }

    /// <summary>A commit was refused: the coordinator no longer takes this member for what it was.</summary>
    public void OnCommitRefused(ErrorCode error, string member, int generation, TimeSpan now)
    {
        if (member == MemberId && generation == Generation)
            OnFenced(error, now);
        Advance(now);
    }

    /// <summary>A commit was refused because others are joining.</summary>
    public void OnRebalance(TimeSpan now)
    {
        if (_state == State.Stable)
            _rejoinReason ??= "the group is rebalancing";
        Advance(now);
    }

    /// <summary>Does what is due.</summary>
    public void Advance(TimeSpan now)
    {
        if (IsOver || _isStalled || (_rejoinReason is null && _state == State.Unjoined))
            return;
        _coordinator.Seek(now);
        if (_state == State.Assigning)
            TryAssign(now);
        KeepAlive(now);
        if (_state is State.Unjoined or State.Stable && WantsToJoin)
            BeginJoin(now);
    }

    /// <summary>Only sends heartbeats, of a member that will not join again.</summary>
    public void KeepAlive(TimeSpan now)
    {
        if (!IsAlive)
            return;
        if (now - _lastHeard >= _settings.SessionTimeout)
        {
            // The coordinator will have put it out if it lives: whoever coordinates now must say so.
            _coordinator.Lose(_coordinator.Broker);
            _coordinator.Seek(now);
            _lastHeard = now;
        }

        if (now < _heartbeatAt || IsOut(QuestionKind.Heartbeat) || !_coordinator.IsKnown)
            return;
        _heartbeatAt = now + _settings.HeartbeatInterval;
        Ask(QuestionKind.Heartbeat, _settings.Client.RequestTimeout, new HeartbeatRequest
        {
            GroupId = _settings.GroupId,
            GenerationId = Generation,
            MemberId = MemberId,
            GroupInstanceId = InstanceId,
        });
    }

    /// <summary>Nothing that is to be given up may be taken into the next generation.</summary>
    private void BeginJoin(TimeSpan now)
    {
        var leaving = _isCooperative ? _owned.Where(partition => !_topics.Contains(partition.Topic)).ToArray() : [.. _owned];
        if (leaving.Length > 0)
        {
            Revoke(leaving, now);
            return;
        }

        if (_topics.Length == 0)
        {
            _rejoinReason = null;
            SendLeave("nothing is subscribed to any more");
            Forget();
            _state = State.Unjoined;
        }
        else if (_coordinator.IsKnown && now >= _notBefore)
        {
            Join();
        }
    }

    private void Join()
    {
        _joinedTopics = _topics;
        var reason = _rejoinReason;
        _rejoinReason = null;
        _state = State.Joining;
        var patience = _settings.MaxPollInterval + JoinGrace;
        Ask(QuestionKind.Join, patience > _settings.Client.RequestTimeout ? patience : _settings.Client.RequestTimeout, new JoinGroupRequest
        {
            GroupId = _settings.GroupId,
            SessionTimeoutMs = (int)_settings.SessionTimeout.TotalMilliseconds,
            RebalanceTimeoutMs = (int)_settings.MaxPollInterval.TotalMilliseconds,
            MemberId = MemberId,
            GroupInstanceId = InstanceId,
            ProtocolType = ConsumerProtocol.Type,
            Protocols = [.. _settings.PartitionAssignmentStrategy.Select(strategy => new JoinGroupRequest.JoinGroupRequestProtocol
            {
                Name = Assignors.NameOf(strategy),
                Metadata = ConsumerProtocol.WriteSubscription(strategy, _topics, _owned, _previous, Generation, _settings.ClientRack.Length == 0 ? null : _settings.ClientRack),
            })],
            Reason = reason,
        });
    }

    private void Revoke(IReadOnlyCollection<TopicPartition> partitions, TimeSpan now)
    {
        _revoking = [.. partitions];
        // The group waits for the rebalance timeout, and has been waiting since up to a heartbeat ago.
        var most = _settings.MaxPollInterval - 2 * _settings.HeartbeatInterval;
        var drain = most > _settings.MaxPollInterval / 2 ? most : _settings.MaxPollInterval / 2;
        _effects.Add(new GroupEffect.Revoke([.. partitions], now + drain));
    }

    private void Lose(string reason)
    {
        var lost = _owned.ToArray();
        _owned.Clear();
        _revoking = null;
        _previous = [];
        if (lost.Length > 0)
            _effects.Add(new GroupEffect.Lost(lost, reason));
    }

    /// <summary>Forgets who it is in the group; answers to what is out no longer count.</summary>
    private void Forget()
    {
        (MemberId, Generation, IsLeader, _members) = (NoMember, NoGeneration, false, null);
        _questions.Clear();
    }

    private void SendLeave(string reason)
    {
        if (MemberId == NoMember || InstanceId is not null || !_coordinator.IsKnown)
            return;
        Ask(QuestionKind.Leave, _settings.Client.RequestTimeout, new LeaveGroupRequest
        {
            GroupId = _settings.GroupId,
            Members = [new LeaveGroupRequest.MemberIdentity { MemberId = MemberId, Reason = reason }],
        });
    }

    private void Ask(QuestionKind kind, TimeSpan timeout, IRequest request)
    {
        var id = _ids.Next();
        _questions.Add(id, new Question(kind, _coordinator.Broker, MemberId, Generation));
        _effects.Add(new GroupEffect.Send(id, _coordinator.Broker, request, timeout));
    }

    private bool IsOut(QuestionKind kind)
    {
        foreach (var question in _questions.Values)
        {
            if (question.Kind == kind)
                return true;
        }

        return false;
    }
}

using System.Text;
using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Groups.Simulation;

/// <summary>The real core, write queue and record codec of one leader epoch, over the world's log and time.</summary>
internal sealed class SimulatedCoordinator
{
    private readonly GroupWorld _world;
    private readonly CoordinatorCore _core;
    private readonly GroupStep _step = new();
    private readonly GroupWriteQueue _writes = new(1 << 16);
    private readonly GroupRecordCodec _codec = new();
    private readonly IReadOnlyList<GroupEvent> _log;
    private readonly Dictionary<long, (IRequest Request, Action<object> Answer)> _calls = [];
    private readonly Dictionary<string, long> _heard = [];
    private long _lastCall;
    private long _replicatedAt;
    private long _alarm = Alarm.Never;
    private int _generation;
    private bool _hasPartition = true;

    public SimulatedCoordinator(GroupWorld world, IReadOnlyList<GroupEvent> log)
    {
        (_world, _log) = (world, log);
        _core = new CoordinatorCore(world.Options, world.NewId);
        foreach (var change in log)
        {
            _core.Apply(change);
            if (change is GroupStored stored) _generation = Math.Max(_generation, stored.Metadata.Generation);
        }

        if (log.Count == 0) Serve();
    }

    public bool IsServing { get; private set; }

    public bool IsOver { get; private set; }

    public long ServingSinceMs { get; private set; }

    public void Serve()
    {
        if (IsOver || IsServing) return;
        IsServing = true;
        ServingSinceMs = _world.NowMs;
        Step(() => _core.OnLoaded(_step));
        CheckKnows(_log);
    }

    /// <summary>Another leads; nothing that is written here counts any more, and it does not know yet.</summary>
    public void LosePartition() => _hasPartition = false;

    public void Resign()
    {
        if (IsServing)
        {
            foreach (var write in _writes.Abandon(ErrorCode.NotCoordinator)) CoordinatorCore.OnWritten(write, _step);
            _core.OnResign(ErrorCode.NotCoordinator, _step);
            Reply();
        }

        (IsServing, IsOver) = (false, true);
    }

    /// <summary>A request arrives. The answer travels back by the network, if there is one.</summary>
    public void Receive(IRequest request, Action<object> answer)
    {
        if (!IsServing)
        {
            answer(IsOver ? ErrorCode.NotCoordinator : ErrorCode.CoordinatorLoadInProgress);
            return;
        }

        var call = ++_lastCall;
        _calls.Add(call, (request, answer));
        var key = new RequestKey(this, call, 0);
        if (MemberOf(request) is { } member) _heard[member] = _world.NowMs;
        Step(() => Dispatch(key, request));
    }

    /// <summary>A static member may be known here before it knows its id: then its first request counts.</summary>
    public long HeardOf(string member)
    {
        if (!_heard.ContainsKey(member)) _heard[member] = _world.NowMs;
        return _heard[member];
    }

    private static string? MemberOf(IRequest request) => request switch
    {
        JoinGroupRequest join => join.MemberId,
        SyncGroupRequest sync => sync.MemberId,
        HeartbeatRequest heartbeat => heartbeat.MemberId,
        OffsetCommitRequest commit => commit.MemberId,
        _ => null,
    };

    public IEnumerable<string> Members() => Ask<DescribeGroupsResponse.DescribedGroup>(key => _core.OnDescribe(key, GroupScript.Group, _step)).Members.Select(member => member.MemberId);

    /// <summary>Offsets are what a plain reading of the log gives.</summary>
    public void CheckKnows(IEnumerable<GroupEvent> log)
    {
        var expected = new Dictionary<TopicPartition, CommittedOffset>();
        foreach (var change in log)
            if (change is OffsetCommitted committed) expected[committed.Partition] = committed.Offset;
        var known = Ask<FetchedOffsets>(key => _core.OnFetch(key, GroupScript.Group, null, _step)).Offsets.ToDictionary(offset => offset.Partition, offset => offset.Committed!);
        if (expected.Count != known.Count || expected.Any(offset => known.GetValueOrDefault(offset.Key) != offset.Value)) throw _world.Violation("the coordinator knows other offsets than the log");
    }

    private T Ask<T>(Action<RequestKey> question)
    {
        _step.Now = Now;
        question(new RequestKey(this, 0, 0));
        var answer = (T)_step.Replies.Single().Answer;
        _step.Clear();
        return answer;
    }

    private Moment Now => new(_world.NowMs, 1_000_000_000_000 + _world.NowMs);

    private void Dispatch(RequestKey key, IRequest request)
    {
        switch (request)
        {
            case JoinGroupRequest join:
                _core.OnJoin(new JoinInput(key, join, "sim", "host", TakesNewId: true, MaySkipAssignment: true), _step);
                break;
            case SyncGroupRequest sync:
                _core.OnSync(key, sync, _step);
                break;
            case HeartbeatRequest heartbeat:
                _core.OnHeartbeat(key, heartbeat, _step);
                break;
            case LeaveGroupRequest leave:
                _core.OnLeave(key, leave, _step);
                break;
            case OffsetFetchRequest:
                _core.OnFetch(key, GroupScript.Group, [.. Enumerable.Range(0, GroupWorld.Partitions).Select(partition => new TopicPartition("t", partition))], _step);
                break;
            case OffsetCommitRequest commit:
                var generation = _world.Broken == BrokenGroupRule.OldGenerationsCount ? _generation : commit.GenerationIdOrMemberEpoch;
                _core.OnCommit(new CommitInput(key, commit.GroupId, generation, commit.MemberId, commit.GroupInstanceId, -1, Entries(commit)), _step);
                break;
        }
    }

    private static List<CommitEntry> Entries(OffsetCommitRequest commit) =>
    [
        .. commit.Topics.SelectMany(topic => topic.Partitions.Select(partition => new CommitEntry(
            new TopicPartition(topic.Name, partition.PartitionIndex), new Offset(partition.CommittedOffset), LeaderEpoch.None, partition.CommittedMetadata!))),
    ];

    private void Step(Action input)
    {
        _step.Now = Now;
        input();
        Reply();
        foreach (var write in _step.Writes) _writes.Add(write, _step.Now.UnixMs);
        _step.Writes.Clear();
        while (_writes.TryTake(out var id, out var bytes)) Append(id, Decode(bytes));
        SetAlarm();
    }

    private void Reply()
    {
        foreach (var reply in _step.Replies)
        {
            if (!_calls.Remove(reply.Key.Call, out var call)) throw _world.Violation("a call is answered twice");
            if (reply.Answer is JoinGroupResponse { ErrorCode: ErrorCode.None } joined) _generation = Math.Max(_generation, joined.GenerationId);
            if (reply.Answer is SyncGroupResponse { ErrorCode: ErrorCode.None } synced && call.Request is SyncGroupRequest asked)
                _world.OnGranted(asked.GroupInstanceId ?? asked.MemberId, asked.GenerationId, Encoding.UTF8.GetString(synced.Assignment.Span));
            if (_world.Delay() is { } ms) _world.After(ms, () => call.Answer(reply.Answer));
        }

        _step.Replies.Clear();
    }

    /// <summary>Answers come in order, as the partition gives them.</summary>
    private void Append(long id, List<GroupEvent> events)
    {
        if (!_hasPartition) return;
        var delay = _world.Chance(0.05) ? _world.Random.Next(3_000) : _world.Random.Next(1, 30);
        _replicatedAt = Math.Max(_replicatedAt, _world.NowMs + delay);
        var wait = _replicatedAt - _world.NowMs;
        var answered = _world.Broken == BrokenGroupRule.AnsweredBeforeCommitted ? 0 : wait;
        if (_world.Chance(0.02))
        {
            _world.After(answered, () => OnAnswer(id, ErrorCode.CoordinatorNotAvailable));
            return;
        }

        var batch = _world.Append(events);
        _world.After(wait, () =>
        {
            if (_hasPartition) _world.Commit(batch);
        });
        _world.After(answered, () =>
        {
            if (!_hasPartition || !IsServing) return;
            batch.IsAcknowledged = true;
            OnAnswer(id, ErrorCode.None);
        });
    }

    private void OnAnswer(long id, ErrorCode error)
    {
        if (!IsServing || !_hasPartition) return;
        Step(() =>
        {
            var batch = _writes.OnAnswer(id, error) ?? throw _world.Violation("an answer out of order");
            if (error == ErrorCode.None)
                foreach (var change in batch.Events) _core.Apply(change);
            foreach (var write in batch.Completes) CoordinatorCore.OnWritten(write, _step);
        });
    }

    private List<GroupEvent> Decode(Memory<byte> bytes)
    {
        var events = new List<GroupEvent>();
        using var records = new RecordEnumerator(bytes.Span);
        while (records.MoveNext()) events.Add(_codec.Decode(records.Current)!);
        return events;
    }

    private void SetAlarm()
    {
        var next = _core.NextAlarm;
        if (next >= _alarm || _world.Broken == BrokenGroupRule.TimeStandsStill) return;
        _alarm = next;
        _world.After(Math.Max(next - _world.NowMs, 0), () =>
        {
            if (_alarm != next) return;
            _alarm = Alarm.Never;
            if (IsServing) Step(() => _core.OnTime(_step));
        });
    }
}

using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client.Tests.Groups;

/// <summary>
/// A group's coordinator as simply as it can be told: members join, the first of them leads, all wait for all; whoever is
/// silent for too long is out. Answers go through <paramref name="answer"/>, when there is one.
/// </summary>
internal sealed class NaiveCoordinator(Action<long, IResponse> answer)
{
    private readonly Dictionary<string, Member> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _statics = new(StringComparer.Ordinal);
    private int _ids;
    private TimeSpan _joinDeadline;
    private bool _isPreparing;
    private bool _isCompleting;

    public int Generation { get; private set; }

    /// <summary>By partition; survives members.</summary>
    public Dictionary<TopicPartition, CommittedOffset> Offsets { get; } = [];

    public IReadOnlyCollection<string> Members => _members.Keys;

    public bool IsStable => !_isPreparing && !_isCompleting;

    private sealed class Member(string id)
    {
        public string Id => id;

        public string? Instance { get; init; }

        public JoinGroupRequest Join { get; set; } = null!;

        public long JoinId { get; set; }

        public long SyncId { get; set; }

        public TimeSpan Heard { get; set; }

        public ReadOnlyMemory<byte> Assignment { get; set; }
    }

    /// <summary>An answer, or none if it comes later.</summary>
    public void On(long id, IRequest request, TimeSpan now)
    {
        switch (request)
        {
            case JoinGroupRequest join:
                OnJoin(id, join, now);
                break;
            case SyncGroupRequest sync:
                OnSync(id, sync, now);
                break;
            case HeartbeatRequest heartbeat:
                var error = Judge(heartbeat.MemberId, heartbeat.GroupInstanceId, heartbeat.GenerationId, now);
                answer(id, new HeartbeatResponse { ErrorCode = error != ErrorCode.None ? error : _isPreparing ? ErrorCode.RebalanceInProgress : ErrorCode.None });
                break;
            case LeaveGroupRequest leave:
                if (_members.Remove(leave.Members[0].MemberId))
                    Prepare(now);
                answer(id, new LeaveGroupResponse());
                break;
            case OffsetCommitRequest commit:
                answer(id, OnCommit(commit, now));
                break;
            case OffsetFetchRequest fetch:
                answer(id, OnFetch(fetch));
                break;
        }

        Tick(now);
    }

    public void Tick(TimeSpan now)
    {
        foreach (var member in _members.Values.ToArray())
        {
            if (member.JoinId == 0 && now - member.Heard > TimeSpan.FromMilliseconds(member.Join.SessionTimeoutMs))
            {
                _members.Remove(member.Id);
                Prepare(now);
            }
        }

        if (_isPreparing && (now >= _joinDeadline || _members.Values.All(member => member.JoinId != 0)))
            Complete();
    }

    /// <summary>The coordinator moved: the group is as it was stored, whoever waited finds the connection lost.</summary>
    public void Fail(TimeSpan now, Action<long> lose)
    {
        foreach (var member in _members.Values)
        {
            if (member.JoinId != 0)
                lose(member.JoinId);
            if (member.SyncId != 0)
                lose(member.SyncId);
            (member.JoinId, member.SyncId, member.Heard) = (0, 0, now);
        }
    }

    private ErrorCode Judge(string id, string? instance, int generation, TimeSpan now)
    {
        if (instance is not null && _statics.TryGetValue(instance, out var current) && current != id)
            return ErrorCode.FencedInstanceId;
        if (!_members.TryGetValue(id, out var member))
            return ErrorCode.UnknownMemberId;
        if (generation != Generation)
            return ErrorCode.IllegalGeneration;
        member.Heard = now;
        return ErrorCode.None;
    }

    private void OnJoin(long id, JoinGroupRequest join, TimeSpan now)
    {
        var known = join.MemberId;
        if (known.Length == 0)
        {
            known = $"m{++_ids}";
            if (join.GroupInstanceId is null)
            {
                answer(id, new JoinGroupResponse { ErrorCode = ErrorCode.MemberIdRequired, MemberId = known });
                return;
            }

            if (_statics.TryGetValue(join.GroupInstanceId, out var former) && _members.Remove(former, out var ghost))
            {
                if (ghost.JoinId != 0)
                    answer(ghost.JoinId, new JoinGroupResponse { ErrorCode = ErrorCode.FencedInstanceId });
                if (ghost.SyncId != 0)
                    answer(ghost.SyncId, new SyncGroupResponse { ErrorCode = ErrorCode.FencedInstanceId });
            }

            _statics[join.GroupInstanceId] = known;
        }
        else if (join.GroupInstanceId is not null && _statics.GetValueOrDefault(join.GroupInstanceId) != known)
        {
            answer(id, new JoinGroupResponse { ErrorCode = ErrorCode.FencedInstanceId });
            return;
        }

        if (!_members.TryGetValue(known, out var member))
            _members.Add(known, member = new Member(known) { Instance = join.GroupInstanceId });
        (member.Join, member.JoinId, member.Heard) = (join, id, now);
        Prepare(now);
    }

    private void Prepare(TimeSpan now)
    {
        if (_isPreparing)
            return;
        (_isPreparing, _isCompleting) = (true, false);
        _joinDeadline = now + TimeSpan.FromMilliseconds(_members.Count == 0 ? 0 : _members.Values.Max(member => member.Join.RebalanceTimeoutMs));
        foreach (var member in _members.Values.Where(member => member.SyncId != 0))
        {
            answer(member.SyncId, new SyncGroupResponse { ErrorCode = ErrorCode.RebalanceInProgress });
            member.SyncId = 0;
        }
    }

    private void Complete()
    {
        foreach (var late in _members.Values.Where(member => member.JoinId == 0).ToArray())
            _members.Remove(late.Id);
        _isPreparing = false;
        Generation++;
        if (_members.Count == 0)
            return;
        _isCompleting = true;
        var leader = _members.Values.First();
        var protocol = leader.Join.Protocols.First(candidate => _members.Values.All(member => member.Join.Protocols.Any(p => p.Name == candidate.Name))).Name;
        foreach (var member in _members.Values)
        {
            answer(member.JoinId, new JoinGroupResponse
            {
                GenerationId = Generation,
                MemberId = member.Id,
                Leader = leader.Id,
                ProtocolName = protocol,
                Members = member != leader ? [] : [.. _members.Values.Select(other => new JoinGroupResponse.JoinGroupResponseMember
                {
                    MemberId = other.Id, GroupInstanceId = other.Instance, Metadata = other.Join.Protocols.First(p => p.Name == protocol).Metadata,
                })],
            });
            member.JoinId = 0;
            member.Assignment = default;
        }
    }

    private void OnSync(long id, SyncGroupRequest sync, TimeSpan now)
    {
        var error = Judge(sync.MemberId, sync.GroupInstanceId, sync.GenerationId, now);
        if (error != ErrorCode.None || _isPreparing)
        {
            answer(id, new SyncGroupResponse { ErrorCode = error != ErrorCode.None ? error : ErrorCode.RebalanceInProgress });
            return;
        }

        _members[sync.MemberId].SyncId = id;
        foreach (var given in sync.Assignments)
            _members[given.MemberId].Assignment = given.Assignment;
        if (sync.Assignments.Count > 0)
            _isCompleting = false;
        if (_isCompleting)
            return;
        foreach (var member in _members.Values.Where(member => member.SyncId != 0))
        {
            answer(member.SyncId, new SyncGroupResponse { Assignment = member.Assignment });
            (member.SyncId, member.Heard) = (0, now);
        }
    }

    private OffsetCommitResponse OnCommit(OffsetCommitRequest commit, TimeSpan now)
    {
        var error = commit.MemberId.Length == 0 && _members.Count == 0 ? ErrorCode.None : Judge(commit.MemberId, commit.GroupInstanceId, commit.GenerationIdOrMemberEpoch, now);
        if (error == ErrorCode.None && _isCompleting)
            error = ErrorCode.RebalanceInProgress;
        return new OffsetCommitResponse
        {
            Topics = [.. commit.Topics.Select(topic => new OffsetCommitResponse.OffsetCommitResponseTopic
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(partition =>
                {
                    if (error == ErrorCode.None)
                        Offsets[new TopicPartition(topic.Name, partition.PartitionIndex)] = new CommittedOffset(new Offset(partition.CommittedOffset)) { LeaderEpoch = new LeaderEpoch(partition.CommittedLeaderEpoch) };
                    return new OffsetCommitResponse.OffsetCommitResponsePartition { PartitionIndex = partition.PartitionIndex, ErrorCode = error };
                })],
            })],
        };
    }

    private OffsetFetchResponse OnFetch(OffsetFetchRequest fetch) => new()
    {
        Groups = [new OffsetFetchResponse.OffsetFetchResponseGroup
        {
            GroupId = fetch.Groups[0].GroupId,
            Topics = [.. fetch.Groups[0].Topics!.Select(topic => new OffsetFetchResponse.OffsetFetchResponseTopics
            {
                Name = topic.Name,
                Partitions = [.. topic.PartitionIndexes.Select(index =>
                {
                    var known = Offsets.GetValueOrDefault(new TopicPartition(topic.Name, index));
                    return new OffsetFetchResponse.OffsetFetchResponsePartitions
                    {
                        PartitionIndex = index, CommittedOffset = known?.Offset.Value ?? -1, CommittedLeaderEpoch = known?.LeaderEpoch.Value ?? -1, Metadata = "",
                    };
                })],
            })],
        }],
    };
}

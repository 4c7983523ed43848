using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Groups;

/// <summary>
/// Decides for all groups of one partition of <c>__consumer_offsets</c>, for one leader epoch: begins with what the log
/// says, and ends with the epoch. Questions reach the group they name; what a group wants stored goes to the log, and only
/// what the log has committed is applied.
/// </summary>
internal sealed class CoordinatorCore
{
    private readonly GroupOptions _options;
    private readonly Func<Guid> _newId;
    private readonly CoordinatorState _state = new();
    private readonly Dictionary<string, GroupCore> _groups = new(StringComparer.Ordinal);
    private readonly AlarmQueue _alarms = new();
    private readonly OffsetCore _offsets;

    public CoordinatorCore(GroupOptions options, Func<Guid> newId)
    {
        _options = options;
        _newId = newId;
        _offsets = new OffsetCore(_state, options);
    }

    public int GroupCount => _groups.Count;

    /// <summary>In milliseconds of <see cref="Moment.Ms"/>: when <see cref="OnTime"/> has something to do.</summary>
    public long NextAlarm => _alarms.Next;

    /// <summary>A record of the log is committed. While loading, and live before <see cref="OnWritten"/> of its write.</summary>
    public void Apply(GroupEvent change) => _state.Apply(change);

    /// <summary>Everything in the log was applied, and is committed: from now on there may be questions.</summary>
    public void OnLoaded(GroupStep step)
    {
        foreach (var stored in _state.Groups)
        {
            var group = Add(stored.Id);
            if (stored.Metadata is { } metadata) group.Recover(metadata, step);
        }
    }

    public static void OnWritten(GroupWrite write, GroupStep step) => write.Finish(step);

    public void OnTime(GroupStep step)
    {
        while (_alarms.Take(step.Now.Ms) is { } alarm)
        {
            alarm.Group.OnAlarm(alarm, step);
            DropIfNothing(alarm.Group);
        }
    }

    /// <summary>This epoch is over; writes that were under way have been finished with the same reason.</summary>
    public void OnResign(ErrorCode reason, GroupStep step)
    {
        foreach (var group in _groups.Values) group.Resign(reason, step);
    }

    public void OnJoin(in JoinInput join, GroupStep step)
    {
        var request = join.Request;
        var error = Check(request);
        if (error != ErrorCode.None)
        {
            step.Reply(join.Key, new JoinGroupResponse { ErrorCode = error, MemberId = request.MemberId, ProtocolName = "" });
            return;
        }

        var group = Find(request.GroupId) ?? Add(request.GroupId);
        group.OnJoin(join, step);
        DropIfNothing(group);
    }

    public void OnSync(in RequestKey key, SyncGroupRequest request, GroupStep step)
    {
        if (Find(request.GroupId) is { } group) group.OnSync(key, request, step);
        else step.Reply(key, new SyncGroupResponse { ErrorCode = Unknown(request.GroupId) });
    }

    public void OnHeartbeat(in RequestKey key, HeartbeatRequest request, GroupStep step)
    {
        if (Find(request.GroupId) is { } group) group.OnHeartbeat(key, request, step);
        else step.Reply(key, new HeartbeatResponse { ErrorCode = Unknown(request.GroupId) });
    }

    /// <summary>Up to version 2 one member leaves, and the error stands at the top.</summary>
    public void OnLeave(in RequestKey key, LeaveGroupRequest request, GroupStep step)
    {
        if (request.GroupId.Length == 0)
        {
            step.Reply(key, new LeaveGroupResponse { ErrorCode = ErrorCode.InvalidGroupId });
            return;
        }

        var isSingle = request.Members.Count == 0;
        IReadOnlyList<LeaveGroupRequest.MemberIdentity> leaving = isSingle ? [new() { MemberId = request.MemberId }] : request.Members;
        var errors = new ErrorCode[leaving.Count];
        if (Find(request.GroupId) is not { } group) Array.Fill(errors, ErrorCode.UnknownMemberId);
        else if (group.Phase == GroupPhase.Dead) Array.Fill(errors, ErrorCode.CoordinatorNotAvailable);
        else group.OnLeave(leaving, errors, step);
        step.Reply(key, isSingle ? new LeaveGroupResponse { ErrorCode = errors[0] } : new LeaveGroupResponse
        {
            Members = [.. leaving.Select((member, i) => new LeaveGroupResponse.MemberResponse { MemberId = member.MemberId, GroupInstanceId = member.GroupInstanceId, ErrorCode = errors[i] })],
        });
    }

    public void OnCommit(CommitInput commit, GroupStep step)
    {
        var group = Find(commit.Group);
        var error = group?.CheckCommit(commit.Generation, commit.MemberId, commit.InstanceId, step)
            ?? (commit.Generation < 0 ? ErrorCode.None : ErrorCode.IllegalGeneration);
        if (error != ErrorCode.None)
        {
            step.Reply(commit.Key, OffsetErrors.All(error, commit.Entries.Count));
            return;
        }

        group ??= Add(commit.Group);
        _offsets.Commit(commit, step);
        DropIfNothing(group);
    }

    /// <param name="partitions">Null: all that were committed.</param>
    public void OnFetch(in RequestKey key, string group, IReadOnlyList<TopicPartition>? partitions, GroupStep step) =>
        step.Reply(key, _offsets.Fetch(group, partitions));

    public void OnDeleteOffsets(in RequestKey key, string groupId, IReadOnlyList<TopicPartition> partitions, GroupStep step)
    {
        if (Find(groupId) is { } group) _offsets.Delete(key, group, partitions, step);
        else step.Reply(key, OffsetErrors.All(ErrorCode.GroupIdNotFound, partitions.Count));
    }

    public void OnDescribe(in RequestKey key, string groupId, GroupStep step) => step.Reply(key, GroupReport.Describe(groupId, Find(groupId)));

    public void OnList(in RequestKey key, IReadOnlyList<string> states, IReadOnlyList<string> types, GroupStep step) =>
        step.Reply(key, GroupReport.List(_groups.Values, states, types));

    public void OnDelete(in RequestKey key, string groupId, GroupStep step)
    {
        var asker = key;
        var group = Find(groupId);
        if (group is null || group.Phase == GroupPhase.Dead) step.Reply(key, ErrorCode.GroupIdNotFound);
        else if (group.Phase != GroupPhase.Empty) step.Reply(key, ErrorCode.NonEmptyGroup);
        else Bury(group, _offsets.Everything(groupId), step, (error, then) => then.Reply(asker, error));
    }

    /// <summary>Now and then: forgets what nobody came back for.</summary>
    public void OnExpiryCheck(GroupStep step)
    {
        foreach (var group in _groups.Values.ToList())
        {
            if (group.Phase == GroupPhase.Dead) continue;
            var expired = _offsets.Expired(group, step.Now.UnixMs);
            var left = (_state.Find(group.Id)?.Offsets.Count ?? 0) - expired.Count;
            if (left == 0 && group.IsIdle && !_offsets.HasPending(group.Id)) Bury(group, expired, step, static (_, _) => { });
            else if (expired.Count > 0) step.Write(expired, static (_, _) => { });
        }
    }

    /// <summary>A topic of the same name that is made later begins at 0: old offsets would lead astray.</summary>
    public void OnTopicsDeleted(IReadOnlySet<string> topics, GroupStep step)
    {
        var gone = _offsets.Of(topics);
        if (gone.Count > 0) step.Write(gone, static (_, _) => { });
    }

    /// <summary>No members and no offsets are left: the group goes, once that is stored.</summary>
    private void Bury(GroupCore group, List<GroupEvent> tombstones, GroupStep step, Action<ErrorCode, GroupStep> onDone)
    {
        if (group.Generation > 0 || _state.Find(group.Id)?.Metadata is not null) tombstones.Add(new GroupForgotten(group.Id));
        if (tombstones.Count == 0)
        {
            _groups.Remove(group.Id);
            onDone(ErrorCode.None, step);
            return;
        }

        group.BecomeDead();
        step.Write(tombstones, (error, then) =>
        {
            if (error == ErrorCode.None) _groups.Remove(group.Id);
            else group.BecomeEmptyAgain();
            onDone(error, then);
        });
    }

    private ErrorCode Check(JoinGroupRequest request)
    {
        if (request.GroupId.Length == 0) return ErrorCode.InvalidGroupId;
        var session = request.SessionTimeoutMs;
        if (session < _options.MinSessionTimeout.TotalMilliseconds || session > _options.MaxSessionTimeout.TotalMilliseconds) return ErrorCode.InvalidSessionTimeout;
        return request.MemberId.Length > 0 && Find(request.GroupId) is null ? ErrorCode.UnknownMemberId : ErrorCode.None;
    }

    private static ErrorCode Unknown(string group) => group.Length == 0 ? ErrorCode.InvalidGroupId : ErrorCode.UnknownMemberId;

    private GroupCore? Find(string group) => _groups.GetValueOrDefault(group);

    private GroupCore Add(string id)
    {
        var group = new GroupCore(id, _options, _alarms, _newId);
        _groups.Add(id, group);
        return group;
    }

    /// <summary>A group that nobody got into leaves no trace.</summary>
    private void DropIfNothing(GroupCore group)
    {
        if (group.IsIdle && group.Generation == 0 && _state.Find(group.Id) is null && !_offsets.HasPending(group.Id)) _groups.Remove(group.Id);
    }
}

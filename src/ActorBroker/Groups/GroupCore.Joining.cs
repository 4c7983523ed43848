using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Groups;

/// <summary>Members come and go, and the next generation is formed.</summary>
internal sealed partial class GroupCore
{
    public void OnJoin(in JoinInput join, GroupStep step)
    {
        var request = join.Request;
        if (Phase == GroupPhase.Dead) Refuse(join, ErrorCode.CoordinatorNotAvailable, step);
        else if (!HasRoomFor(request.MemberId))
        {
            Members.RemovePending(request.MemberId);
            Refuse(join, ErrorCode.GroupMaxSizeReached, step);
        }
        else if (!Supports(request)) Refuse(join, ErrorCode.InconsistentGroupProtocol, step);
        else if (request.MemberId.Length == 0) OnNewcomer(join, step);
        else OnReturn(join, step);
        TryCompleteJoin(step);
    }

    /// <param name="errors">One for each member named, in their order.</param>
    public void OnLeave(IReadOnlyList<LeaveGroupRequest.MemberIdentity> leaving, Span<ErrorCode> errors, GroupStep step)
    {
        for (var i = 0; i < leaving.Count; i++) errors[i] = Leave(leaving[i], step);
    }

    private ErrorCode Leave(LeaveGroupRequest.MemberIdentity leaving, GroupStep step)
    {
        if (leaving.GroupInstanceId is null && Members.RemovePending(leaving.MemberId))
        {
            TryCompleteJoin(step);
            return ErrorCode.None;
        }

        // An operator may name a static member without knowing its id.
        var id = leaving.MemberId.Length == 0 && leaving.GroupInstanceId is not null ? Members.FindStatic(leaving.GroupInstanceId)?.Id ?? "" : leaving.MemberId;
        var error = CheckMember(id, leaving.GroupInstanceId, out var member);
        if (error == ErrorCode.None) Remove(member!, step);
        return error;
    }

    /// <summary>
    /// Those who are there stay. While the group gathers, only those count who have joined: it may shrink below its limit
    /// with those who never come back.
    /// </summary>
    private bool HasRoomFor(string memberId) => Phase switch
    {
        GroupPhase.PreparingRebalance => Members.Find(memberId)?.Join is not null || Members.Joining < _options.MaxSize,
        GroupPhase.CompletingRebalance or GroupPhase.Stable => Members.Find(memberId) is not null || Members.Count < _options.MaxSize,
        _ => true,
    };

    private bool Supports(JoinGroupRequest request)
    {
        if (request.ProtocolType.Length == 0 || request.Protocols.Count == 0) return false;
        return Members.Count == 0 || (request.ProtocolType == ProtocolType && Members.ShareOneOf(request.Protocols));
    }

    private void OnNewcomer(in JoinInput join, GroupStep step)
    {
        var instanceId = join.Request.GroupInstanceId;
        var id = $"{instanceId ?? join.ClientId}-{_newId():D}";
        if (instanceId is not null && Members.FindStatic(instanceId) is { } former)
        {
            OnStaticReturn(join, former, id, step);
        }
        else if (instanceId is null && join.TakesNewId)
        {
            var alarm = new Alarm(this, AlarmKind.Pending, id);
            Members.AddPending(id, alarm);
            _alarms.Set(alarm, step.Now.Ms + join.Request.SessionTimeoutMs);
            step.Reply(join.Key, Refusal(ErrorCode.MemberIdRequired, id));
        }
        else
        {
            AddMember(join, id, step);
        }
    }

    private void OnReturn(in JoinInput join, GroupStep step)
    {
        var request = join.Request;
        if (request.GroupInstanceId is null && Members.RemovePending(request.MemberId))
        {
            AddMember(join, request.MemberId, step);
            return;
        }

        var error = CheckMember(request.MemberId, request.GroupInstanceId, out var member);
        if (error != ErrorCode.None)
        {
            Refuse(join, error, step);
            return;
        }

        // What it was told may have been lost on the way; a leader of a stable group asks for a new assignment.
        var knowsNothingNew = member!.Matches(request.Protocols) && (Phase == GroupPhase.CompletingRebalance || (Phase == GroupPhase.Stable && Members.Leader != member.Id));
        if (knowsNothingNew)
        {
            Touch(member, step);
            member.Join = join.Key;
            AnswerJoin(member, Joined(member), step);
            return;
        }

        member.Follow(join);
        AwaitOthers(member, join.Key, step);
        if (Phase != GroupPhase.PreparingRebalance) PrepareRebalance(step);
    }

    private void AddMember(in JoinInput join, string id, GroupStep step)
    {
        if (Members.Count == 0) ProtocolType = join.Request.ProtocolType;
        var member = NewMember(join, id);
        member.IsNew = true;
        Members.Add(member);
        member.Join = join.Key;
        _alarms.Set(member.Session, step.Now.Ms + NewMemberTimeoutMs);
        _cameWhileGathering |= _isGathering;
        if (Phase != GroupPhase.PreparingRebalance) PrepareRebalance(step);
    }

    private GroupMember NewMember(in JoinInput join, string id)
    {
        var member = new GroupMember(id, join.Request.GroupInstanceId, new Alarm(this, AlarmKind.Session, id));
        member.Follow(join);
        return member;
    }

    /// <summary>A JoinGroup that waits already is the same client's former try, and nobody's any more.</summary>
    private static void AwaitOthers(GroupMember member, in RequestKey key, GroupStep step)
    {
        AnswerJoin(member, Refusal(ErrorCode.RebalanceInProgress, member.Id), step);
        member.Join = key;
    }

    /// <summary>
    /// A static member was restarted: it takes its own place, and whoever else goes by its name is fenced. A stable group
    /// stays so if nothing changes for the others.
    /// </summary>
    private void OnStaticReturn(in JoinInput join, GroupMember former, string id, GroupStep step)
    {
        var formerLeader = Members.Leader;
        var member = NewMember(join, id);
        member.Assignment = former.Assignment;
        member.OwesSync = former.OwesSync;
        AnswerJoin(former, Refusal(ErrorCode.FencedInstanceId, former.Id), step);
        AnswerSync(former, new SyncGroupResponse { ErrorCode = ErrorCode.FencedInstanceId }, step);
        Members.Replace(former, member);
        member.Join = join.Key;
        Touch(member, step);
        if (Phase == GroupPhase.Stable && Members.SelectProtocol() == ProtocolName) StoreReplaced(member, formerLeader!, join.MaySkipAssignment, step);
        else if (Phase != GroupPhase.PreparingRebalance) PrepareRebalance(step);
    }

    private void StoreReplaced(GroupMember member, string formerLeader, bool maySkip, GroupStep step)
    {
        var generation = Generation;
        step.Write([Stored(Assigned, step)], (error, then) =>
        {
            if (Phase != GroupPhase.Stable || Generation != generation || Members.Find(member.Id) != member)
                return; // It waits for the next generation, or was replaced in turn.
            var leads = Members.Leader == member.Id;
            AnswerJoin(member, error != ErrorCode.None ? Refusal(error, member.Id) : Joined(member) with
            {
                // Told another's id as leader's, it will not assign anew, which would move what others own.
                Leader = maySkip ? Members.Leader! : formerLeader,
                SkipAssignment = maySkip && leads,
                Members = maySkip && leads ? Roll() : [],
            }, then);
        });
    }

    private void PrepareRebalance(GroupStep step)
    {
        if (Phase == GroupPhase.CompletingRebalance) AnswerSyncs(ErrorCode.RebalanceInProgress, step);
        AlarmQueue.Clear(_sync);
        AlarmQueue.Clear(_store);
        foreach (var member in Members.All) member.OwesSync = false;
        var delay = (long)_options.InitialRebalanceDelay.TotalMilliseconds;
        _isGathering = Phase == GroupPhase.Empty && delay > 0;
        _cameWhileGathering = false;
        _gatheringLeft = Math.Max(Members.RebalanceTimeoutMs - delay, 0);
        BecomePhase(GroupPhase.PreparingRebalance, step);
        _alarms.Set(_join, step.Now.Ms + (_isGathering ? delay : Members.RebalanceTimeoutMs));
        TryCompleteJoin(step);
    }

    private void OnJoinTimeout(GroupStep step)
    {
        if (_isGathering && _cameWhileGathering && _gatheringLeft > 0)
        {
            var delay = Math.Min((long)_options.InitialRebalanceDelay.TotalMilliseconds, _gatheringLeft);
            _gatheringLeft -= delay;
            _cameWhileGathering = false;
            _alarms.Set(_join, step.Now.Ms + delay);
            return;
        }

        CompleteJoin(step);
    }

    private void TryCompleteJoin(GroupStep step)
    {
        if (Phase != GroupPhase.PreparingRebalance || _isGathering) return;
        if (Members.PendingCount == 0 && Members.Joining == Members.Count) CompleteJoin(step);
    }

    /// <summary>Whoever has not joined is out, but for static members: their session is theirs to restart in.</summary>
    private void CompleteJoin(GroupStep step)
    {
        _isGathering = false;
        foreach (var absent in Members.All.Where(member => member.Join is null && member.InstanceId is null).ToList()) Members.Remove(absent);
        if (Members.Count > 0 && !Members.TryElectJoinedLeader())
        {
            _alarms.Set(_join, step.Now.Ms + Members.RebalanceTimeoutMs);
            return;
        }

        AlarmQueue.Clear(_join);
        Generation++;
        if (Members.Count == 0) BecomeEmpty(step);
        else BeginGeneration(step);
    }

    private void BecomeEmpty(GroupStep step)
    {
        ProtocolName = null;
        SubscribedTopics = null;
        BecomePhase(GroupPhase.Empty, step);
        // Should it fail, the next coordinator finds members that are gone, and removes them after their sessions.
        step.Write([Stored(Assigned, step)], static (_, _) => { });
    }

    private void BeginGeneration(GroupStep step)
    {
        ProtocolName = Members.SelectProtocol();
        SubscribedTopics = Subscriptions.TopicsOf(Members.All, ProtocolName);
        BecomePhase(GroupPhase.CompletingRebalance, step);
        foreach (var member in Members.All)
        {
            if (member.Join is null) continue;
            member.IsNew = false;
            member.OwesSync = true;
            Touch(member, step);
            AnswerJoin(member, Joined(member), step);
        }

        _alarms.Set(_sync, step.Now.Ms + Members.RebalanceTimeoutMs);
    }

    private JoinGroupResponse Joined(GroupMember member) => new()
    {
        GenerationId = Generation,
        ProtocolType = ProtocolType,
        ProtocolName = ProtocolName,
        Leader = Members.Leader!,
        MemberId = member.Id,
        Members = Members.Leader == member.Id ? Roll() : [],
    };

    private List<JoinGroupResponse.JoinGroupResponseMember> Roll() =>
    [
        .. Members.All.Select(member => new JoinGroupResponse.JoinGroupResponseMember
        {
            MemberId = member.Id,
            GroupInstanceId = member.InstanceId,
            Metadata = member.MetadataOf(ProtocolName),
        }),
    ];

    private static void Refuse(in JoinInput join, ErrorCode error, GroupStep step) =>
        step.Reply(join.Key, Refusal(error, error == ErrorCode.GroupMaxSizeReached ? "" : join.Request.MemberId));
}

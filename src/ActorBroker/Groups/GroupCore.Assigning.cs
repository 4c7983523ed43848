using System.Collections.Immutable;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Groups;

/// <summary>A generation gets its assignment: from the leader, through the log, to each member.</summary>
internal sealed partial class GroupCore
{
    public void OnSync(in RequestKey key, SyncGroupRequest request, GroupStep step)
    {
        var error = CheckSync(request, out var member);
        if (error != ErrorCode.None)
        {
            step.Reply(key, new SyncGroupResponse { ErrorCode = error });
            return;
        }

        AnswerSync(member!, new SyncGroupResponse { ErrorCode = ErrorCode.RebalanceInProgress }, step); // its former try
        member!.Sync = key;
        member.OwesSync = false;
        Touch(member, step);
        if (Phase == GroupPhase.Stable) AnswerSync(member, Assignment(member), step);
        else if (_storing == Generation) LimitStoring(step);
        else if (Members.Leader == member.Id) Store(request, step);
    }

    /// <summary>Nobody waits longer than <c>offsets.commit.timeout.ms</c> for replicas that are slow.</summary>
    private void LimitStoring(GroupStep step)
    {
        if (_store.Due == Alarm.Never) _alarms.Set(_store, step.Now.Ms + (long)_options.CommitTimeout.TotalMilliseconds);
    }

    private ErrorCode CheckSync(SyncGroupRequest request, out GroupMember? member)
    {
        member = null;
        if (Phase == GroupPhase.Dead) return ErrorCode.CoordinatorNotAvailable;
        var error = CheckMember(request.MemberId, request.GroupInstanceId, out member);
        if (error != ErrorCode.None) return error;
        if (request.GenerationId != Generation) return ErrorCode.IllegalGeneration;
        if (request.ProtocolType is { } type && type != ProtocolType) return ErrorCode.InconsistentGroupProtocol;
        if (request.ProtocolName is { } name && name != ProtocolName) return ErrorCode.InconsistentGroupProtocol;
        return Phase == GroupPhase.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    /// <summary>Whom the leader forgot gets an empty assignment; whom it made up is forgotten in turn.</summary>
    private void Store(SyncGroupRequest leaders, GroupStep step)
    {
        var assignments = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (var assignment in leaders.Assignments) assignments[assignment.MemberId] = assignment.Assignment.ToArray();
        var generation = Generation;
        _storing = generation;
        LimitStoring(step);
        step.Write([Stored(member => assignments.GetValueOrDefault(member.Id), step)], (error, then) => OnStored(generation, assignments, error, then));
    }

    private void OnStored(int generation, Dictionary<string, ReadOnlyMemory<byte>> assignments, ErrorCode error, GroupStep step)
    {
        if (_storing == generation) _storing = -1;
        // Since then another may have joined or left; those who waited were told.
        if (Phase != GroupPhase.CompletingRebalance || Generation != generation) return;
        AlarmQueue.Clear(_store);
        if (error != ErrorCode.None)
        {
            AnswerSyncs(error == ErrorCode.MessageTooLarge ? ErrorCode.UnknownServerError : error, step);
            PrepareRebalance(step);
            return;
        }

        BecomePhase(GroupPhase.Stable, step);
        foreach (var member in Members.All)
        {
            member.Assignment = assignments.GetValueOrDefault(member.Id);
            if (member.Sync is not null) Touch(member, step);
            AnswerSync(member, Assignment(member), step);
        }
    }

    private SyncGroupResponse Assignment(GroupMember member) => new()
    {
        ProtocolType = ProtocolType,
        ProtocolName = ProtocolName,
        Assignment = member.Assignment,
    };

    private static ReadOnlyMemory<byte> Assigned(GroupMember member) => member.Assignment;

    private GroupStored Stored(Func<GroupMember, ReadOnlyMemory<byte>> assignment, GroupStep step) => new(Id, new GroupMetadata(
        ProtocolType,
        Generation,
        ProtocolName,
        Members.Leader,
        step.Now.UnixMs,
        Members.All.Select(member => new StoredMember(
            member.Id,
            member.InstanceId,
            member.ClientId,
            member.ClientHost,
            member.RebalanceTimeoutMs,
            member.SessionTimeoutMs,
            member.MetadataOf(ProtocolName),
            assignment(member))).ToImmutableArray()));
}

using ActorBroker.Groups;
using ActorBroker.Protocol;

namespace ActorBroker.Api.Groups;

/// <summary>Members join.</summary>
internal sealed class JoinGroupHandler(GroupApi groups) : IRequestHandler
{
    private const short FirstWithKnownIds = 4;
    private const short FirstWithSkippedAssignments = 9;

    public ApiKey ApiKey => ApiKey.JoinGroup;

    public void Handle(ApiCall call)
    {
        var request = (JoinGroupRequest)call.Request;
        groups.Ask(call, request.GroupId, AclOperation.Read, GroupApi.Patience, key => new CoordinatorProtocol.Join(new JoinInput(
            key,
            request,
            call.Context.ClientId ?? "",
            call.Context.ClientAddress,
            TakesNewId: call.Version >= FirstWithKnownIds,
            MaySkipAssignment: call.Version >= FirstWithSkippedAssignments)));
    }
}

/// <summary>Members ask for what they own; the leader says it.</summary>
internal sealed class SyncGroupHandler(GroupApi groups) : IRequestHandler
{
    private const short FirstWithProtocol = 5;

    public ApiKey ApiKey => ApiKey.SyncGroup;

    public void Handle(ApiCall call)
    {
        var request = (SyncGroupRequest)call.Request;
        if (call.Version >= FirstWithProtocol && (request.ProtocolType is null || request.ProtocolName is null))
            call.Reply(new SyncGroupResponse { ErrorCode = ErrorCode.InconsistentGroupProtocol });
        else
            groups.Ask(call, request.GroupId, AclOperation.Read, GroupApi.Patience, key => new CoordinatorProtocol.Sync(key, request));
    }
}

/// <summary>Members say that they live.</summary>
internal sealed class HeartbeatHandler(GroupApi groups) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.Heartbeat;

    public void Handle(ApiCall call)
    {
        var request = (HeartbeatRequest)call.Request;
        groups.Ask(call, request.GroupId, AclOperation.Read, groups.Options.CommitTimeout, key => new CoordinatorProtocol.Heartbeat(key, request));
    }
}

/// <summary>Members leave, or are taken out.</summary>
internal sealed class LeaveGroupHandler(GroupApi groups) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.LeaveGroup;

    public void Handle(ApiCall call)
    {
        var request = (LeaveGroupRequest)call.Request;
        groups.Ask(call, request.GroupId, AclOperation.Read, groups.Options.CommitTimeout, key => new CoordinatorProtocol.Leave(key, request));
    }
}

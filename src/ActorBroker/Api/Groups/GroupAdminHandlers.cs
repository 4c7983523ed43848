using ActorBroker.Groups;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.DescribeGroupsResponse;
using static ActorBroker.Protocol.ListGroupsResponse;

namespace ActorBroker.Api.Groups;

/// <summary>The groups that this node coordinates.</summary>
internal sealed class ListGroupsHandler(GroupApi groups) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.ListGroups;

    public void Handle(ApiCall call)
    {
        var request = (ListGroupsRequest)call.Request;
        var coordinators = groups.Coordinators.Leading;
        var pending = new PendingGroupCall(call, coordinators.Count, answers => Response(call, answers));
        for (var slot = 0; slot < coordinators.Count; slot++)
            pending.Ask(coordinators[slot], slot, key => new CoordinatorProtocol.ListGroups(key, request.StatesFilter, request.TypesFilter));
        pending.Begin(groups.Options.CommitTimeout);
    }

    /// <summary>A partition that moved meanwhile is listed by its new leader; one that still loads makes the list incomplete.</summary>
    private ListGroupsResponse Response(ApiCall call, object[] answers)
    {
        var error = answers.OfType<ErrorCode>().FirstOrDefault(error => error != ErrorCode.NotCoordinator);
        var mayAll = groups.Authorizer.Allows(call.Context, AclOperation.Describe, ResourceType.Cluster, Admin.ClusterResource.Name);
        return new ListGroupsResponse
        {
            ErrorCode = error,
            Groups =
            [
                .. answers.OfType<IReadOnlyList<ListedGroup>>()
                    .SelectMany(listed => listed)
                    .Where(group => mayAll || groups.May(call, AclOperation.Describe, group.GroupId))
                    .OrderBy(group => group.GroupId, StringComparer.Ordinal),
            ],
        };
    }
}

/// <summary>Groups with their members.</summary>
internal sealed class DescribeGroupsHandler(GroupApi groups) : IRequestHandler
{
    /// <summary>Before it a group that is not there is Dead, and no error.</summary>
    private const short FirstWithNotFound = 6;

    public ApiKey ApiKey => ApiKey.DescribeGroups;

    public void Handle(ApiCall call)
    {
        var request = (DescribeGroupsRequest)call.Request;
        var pending = new PendingGroupCall(call, request.Groups.Count, answers => new DescribeGroupsResponse
        {
            Groups = [.. request.Groups.Select((id, slot) => Group(call, request, id, answers[slot]))],
        });
        for (var slot = 0; slot < request.Groups.Count; slot++)
        {
            var id = request.Groups[slot];
            if (groups.May(call, AclOperation.Describe, id)) pending.Ask(groups.Coordinators, id, slot, key => new CoordinatorProtocol.Describe(key, id));
            else pending.Settle(slot, ErrorCode.GroupAuthorizationFailed);
        }

        pending.Begin(groups.Options.CommitTimeout);
    }

    private DescribedGroup Group(ApiCall call, DescribeGroupsRequest request, string id, object answer)
    {
        if (answer is not DescribedGroup group) return new() { GroupId = id, ErrorCode = (ErrorCode)answer, ErrorMessage = ((ErrorCode)answer).Describe() };
        if (group.ErrorCode == ErrorCode.GroupIdNotFound && call.Version < FirstWithNotFound) group = group with { ErrorCode = ErrorCode.None };
        return request.IncludeAuthorizedOperations ? group with { AuthorizedOperations = groups.Authorizer.OnGroup(call.Context, id) } : group;
    }
}

/// <summary>Deletes groups that have no members.</summary>
internal sealed class DeleteGroupsHandler(GroupApi groups) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.DeleteGroups;

    public void Handle(ApiCall call)
    {
        var request = (DeleteGroupsRequest)call.Request;
        var pending = new PendingGroupCall(call, request.GroupsNames.Count, answers => new DeleteGroupsResponse
        {
            Results = [.. request.GroupsNames.Select((id, slot) => new DeleteGroupsResponse.DeletableGroupResult { GroupId = id, ErrorCode = (ErrorCode)answers[slot] })],
        });
        for (var slot = 0; slot < request.GroupsNames.Count; slot++)
        {
            var id = request.GroupsNames[slot];
            if (groups.May(call, AclOperation.Delete, id)) pending.Ask(groups.Coordinators, id, slot, key => new CoordinatorProtocol.Delete(key, id));
            else pending.Settle(slot, ErrorCode.GroupAuthorizationFailed);
        }

        pending.Begin(groups.Options.CommitTimeout);
    }
}

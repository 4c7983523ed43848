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
        var pending = GroupApi.Pending(call, coordinators.Count, answers => Response(call, answers));
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

/// <summary>Groups with their members, as many as the client's transport takes.</summary>
internal sealed class DescribeGroupsHandler(GroupApi groups) : IRequestHandler
{
    /// <summary>Before it a group that is not there is Dead, and no error.</summary>
    private const short FirstWithNotFound = 6;

    public ApiKey ApiKey => ApiKey.DescribeGroups;

    public void Handle(ApiCall call)
    {
        var request = (DescribeGroupsRequest)call.Request;
        var pending = GroupApi.Pending(call, request.Groups.Count, answers =>
        {
            var room = new ResponseRoom(call.Context);
            return new DescribeGroupsResponse { Groups = [.. request.Groups.Select((id, slot) => Fit(Group(call, request, id, answers[slot]), request, room))] };
        });
        for (var slot = 0; slot < request.Groups.Count; slot++)
        {
            var id = request.Groups[slot];
            if (groups.May(call, AclOperation.Describe, id)) groups.Ask(pending, id, slot, key => new CoordinatorProtocol.Describe(key, id));
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

    private static DescribedGroup Fit(DescribedGroup group, DescribeGroupsRequest request, ResponseRoom room)
    {
        var members = new List<DescribedGroupMember>(group.Members.Count);
        // By id where the rest is asked for by id.
        foreach (var member in request.TakesParts ? group.Members.OrderBy(member => member.MemberId, StringComparer.Ordinal) : group.Members.AsEnumerable())
        {
            if (request.AfterMember is { } after && string.CompareOrdinal(member.MemberId, after) <= 0) continue;
            // What an assignor needs to know of a member is of the least use to whoever describes.
            var slim = member with { MemberMetadata = default };
            if (room.TryTake(Bytes(member))) members.Add(member);
            else if (request.TakesParts && !room.IsUntouched) return group with { Members = members, IsCut = true };
            else if (request.TakesParts && room.TryTake(Bytes(slim))) members.Add(slim);
            else return new() { GroupId = group.GroupId, ErrorCode = ErrorCode.MessageTooLarge, ErrorMessage = room.Fault };
        }

        return group with { Members = members };
    }

    /// <summary>No less than a member takes.</summary>
    private static long Bytes(DescribedGroupMember member) =>
        64 + (3L * (member.MemberId.Length + (member.GroupInstanceId?.Length ?? 0) + member.ClientId.Length + member.ClientHost.Length))
        + member.MemberMetadata.Length + member.MemberAssignment.Length;
}

/// <summary>Deletes groups that have no members.</summary>
internal sealed class DeleteGroupsHandler(GroupApi groups) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.DeleteGroups;

    public void Handle(ApiCall call)
    {
        var request = (DeleteGroupsRequest)call.Request;
        var pending = GroupApi.Pending(call, request.GroupsNames.Count, answers => new DeleteGroupsResponse
        {
            Results = [.. request.GroupsNames.Select((id, slot) => new DeleteGroupsResponse.DeletableGroupResult { GroupId = id, ErrorCode = (ErrorCode)answers[slot] })],
        });
        for (var slot = 0; slot < request.GroupsNames.Count; slot++)
        {
            var id = request.GroupsNames[slot];
            if (groups.May(call, AclOperation.Delete, id)) groups.Ask(pending, id, slot, key => new CoordinatorProtocol.Delete(key, id));
            else pending.Settle(slot, ErrorCode.GroupAuthorizationFailed);
        }

        pending.Begin(groups.Options.CommitTimeout);
    }
}

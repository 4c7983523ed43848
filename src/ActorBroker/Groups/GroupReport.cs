using ActorBroker.Protocol;

namespace ActorBroker.Groups;

/// <summary>What operators are told about groups; Kafka's words for states and types.</summary>
internal static class GroupReport
{
    private const string Classic = "classic";

    /// <param name="group">Null: there is no such group here.</param>
    public static DescribeGroupsResponse.DescribedGroup Describe(string id, GroupCore? group)
    {
        if (group is null)
        {
            return new()
            {
                GroupId = id,
                GroupState = nameof(GroupPhase.Dead),
                ErrorCode = ErrorCode.GroupIdNotFound,
                ErrorMessage = $"There is no group '{id}'.",
            };
        }

        var isStable = group.Phase == GroupPhase.Stable;
        return new()
        {
            GroupId = id,
            GroupState = group.Phase.ToString(),
            ProtocolType = group.ProtocolType,
            ProtocolData = isStable ? group.ProtocolName! : "",
            Members =
            [
                .. group.Members.All.Select(member => new DescribeGroupsResponse.DescribedGroupMember
                {
                    MemberId = member.Id,
                    GroupInstanceId = member.InstanceId,
                    ClientId = member.ClientId,
                    ClientHost = member.ClientHost,
                    MemberMetadata = isStable ? member.MetadataOf(group.ProtocolName) : default,
                    MemberAssignment = isStable ? member.Assignment : default,
                }),
            ],
        };
    }

    public static IReadOnlyList<ListGroupsResponse.ListedGroup> List(IEnumerable<GroupCore> groups, IReadOnlyList<string> states, IReadOnlyList<string> types)
    {
        if (types.Count > 0 && !types.Contains(Classic, StringComparer.OrdinalIgnoreCase)) return [];
        return
        [
            .. groups
                .Where(group => states.Count == 0 || states.Contains(group.Phase.ToString(), StringComparer.OrdinalIgnoreCase))
                .Select(group => new ListGroupsResponse.ListedGroup
                {
                    GroupId = group.Id,
                    ProtocolType = group.ProtocolType,
                    GroupState = group.Phase.ToString(),
                    GroupType = Classic,
                }),
        ];
    }
}

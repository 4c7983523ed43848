namespace ActorBroker.Protocol;

/// <summary>The requests of consumer groups.</summary>
public static partial class ErrorResponses
{
    private static IResponse Group(IRequest request, ErrorCode code, string message) => request switch
    {
        FindCoordinatorRequest r => FindCoordinator(r, code, message),
        JoinGroupRequest r => new JoinGroupResponse { ErrorCode = code, ProtocolName = "", MemberId = r.MemberId },
        SyncGroupRequest => new SyncGroupResponse { ErrorCode = code },
        HeartbeatRequest => new HeartbeatResponse { ErrorCode = code },
        LeaveGroupRequest => new LeaveGroupResponse { ErrorCode = code },
        OffsetCommitRequest r => OffsetCommit(r, code),
        OffsetFetchRequest r => OffsetFetch(r, code),
        OffsetDeleteRequest => new OffsetDeleteResponse { ErrorCode = code },
        ListGroupsRequest => new ListGroupsResponse { ErrorCode = code },
        DescribeGroupsRequest r => new DescribeGroupsResponse
        {
            Groups = Map(r.Groups, id => new DescribeGroupsResponse.DescribedGroup { GroupId = id, ErrorCode = code, ErrorMessage = message }),
        },
        DeleteGroupsRequest r => new DeleteGroupsResponse
        {
            Results = Map(r.GroupsNames, id => new DeleteGroupsResponse.DeletableGroupResult { GroupId = id, ErrorCode = code }),
        },
        _ => throw ProtocolException.UnknownApi(request.ApiKey),
    };

    /// <summary>Up to version 3 there is one key, and the answer at the top; later versions have a list of each.</summary>
    private static FindCoordinatorResponse FindCoordinator(FindCoordinatorRequest request, ErrorCode code, string message) =>
        request.CoordinatorKeys.Count == 0
            ? new() { ErrorCode = code, ErrorMessage = message, NodeId = (int)Unknown, Port = (int)Unknown }
            : new()
            {
                Coordinators = Map(request.CoordinatorKeys, key => new FindCoordinatorResponse.Coordinator
                {
                    Key = key,
                    NodeId = (int)Unknown,
                    Port = (int)Unknown,
                    ErrorCode = code,
                    ErrorMessage = message,
                }),
            };

    private static OffsetCommitResponse OffsetCommit(OffsetCommitRequest request, ErrorCode code) => new()
    {
        Topics = Map(request.Topics, topic => new OffsetCommitResponse.OffsetCommitResponseTopic
        {
            Name = topic.Name,
            Partitions = Map(topic.Partitions, partition => new OffsetCommitResponse.OffsetCommitResponsePartition
            {
                PartitionIndex = partition.PartitionIndex,
                ErrorCode = code,
            }),
        }),
    };

    /// <summary>
    /// Version 1 has the error with each partition only, versions 2 to 7 at the top too, later ones with each group.
    /// </summary>
    private static OffsetFetchResponse OffsetFetch(OffsetFetchRequest request, ErrorCode code) => new()
    {
        ErrorCode = code,
        Topics = Map(request.Topics ?? [], topic => new OffsetFetchResponse.OffsetFetchResponseTopic
        {
            Name = topic.Name,
            Partitions = Map(topic.PartitionIndexes, partition => new OffsetFetchResponse.OffsetFetchResponsePartition
            {
                PartitionIndex = partition,
                CommittedOffset = Unknown,
                Metadata = "",
                ErrorCode = code,
            }),
        }),
        Groups = Map(request.Groups, group => new OffsetFetchResponse.OffsetFetchResponseGroup { GroupId = group.GroupId, ErrorCode = code }),
    };
}

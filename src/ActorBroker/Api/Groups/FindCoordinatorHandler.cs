using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.FindCoordinatorResponse;

namespace ActorBroker.Api.Groups;

/// <summary>Which broker coordinates a group: the leader of its partition of <c>__consumer_offsets</c>, which the first question makes.</summary>
internal sealed class FindCoordinatorHandler(GroupApi groups, OffsetsTopic topic) : IRequestHandler
{
    private const short FirstWithSeveral = 4;

    public ApiKey ApiKey => ApiKey.FindCoordinator;

    public void Handle(ApiCall call)
    {
        if (topic.Exists) call.Reply(Response(call, null));
        else call.ReplyWhen(CreateAndAnswerAsync(call));
    }

    private async Task<IResponse> CreateAndAnswerAsync(ApiCall call) => Response(call, await topic.CreateAsync());

    /// <param name="fault">Why the topic could not be made.</param>
    private FindCoordinatorResponse Response(ApiCall call, string? fault)
    {
        var request = (FindCoordinatorRequest)call.Request;
        if (call.Version >= FirstWithSeveral)
            return new FindCoordinatorResponse { Coordinators = [.. request.CoordinatorKeys.Select(key => Find(call, request.KeyType, key, fault))] };
        var found = Find(call, request.KeyType, request.Key, fault);
        return new FindCoordinatorResponse
        {
            ErrorCode = found.ErrorCode,
            ErrorMessage = found.ErrorMessage,
            NodeId = found.NodeId,
            Host = found.Host,
            Port = found.Port,
        };
    }

    private Coordinator Find(ApiCall call, CoordinatorType type, string key, string? fault)
    {
        if (type != CoordinatorType.Group) return Refused(key, ErrorCode.InvalidRequest, "This broker coordinates consumer groups only: neither transactions nor share groups.");
        if (!groups.May(call, AclOperation.Describe, key)) return Refused(key, ErrorCode.GroupAuthorizationFailed, null);
        var image = groups.Metadata.Current;
        if (image.FindTopic(GroupPartitioner.Topic) is not { } offsets)
            return Refused(key, ErrorCode.CoordinatorNotAvailable, fault ?? $"{GroupPartitioner.Topic} is being made.");
        var partition = GroupPartitioner.PartitionOf(key, offsets.Partitions.Length);
        var leader = offsets.Partitions[partition].Leader;
        if (leader is not { } id || !image.Brokers.TryGetValue(id, out var broker) || broker.Endpoint(call.Context.Listener) is not { } endpoint)
            return Refused(key, ErrorCode.CoordinatorNotAvailable, $"{GroupPartitioner.Topic}-{partition} has no leader that serves this listener.");
        return new Coordinator { Key = key, NodeId = id.Value, Host = endpoint.Host, Port = endpoint.Port };
    }

    private static Coordinator Refused(string key, ErrorCode error, string? message) => new()
    {
        Key = key,
        NodeId = BrokerId.None.Value,
        Port = -1,
        ErrorCode = error,
        ErrorMessage = message ?? error.Describe(),
    };
}

using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Api.Groups;

/// <summary>Forgets offsets of a group that are not in use.</summary>
internal sealed class OffsetDeleteHandler(GroupApi groups) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.OffsetDelete;

    public void Handle(ApiCall call)
    {
        var request = (OffsetDeleteRequest)call.Request;
        var named = request.Topics.SelectMany(topic => topic.Partitions.Select(partition => new TopicPartition(topic.Name, partition.PartitionIndex))).ToList();
        var refused = named.ToDictionary(partition => partition, partition => groups.CheckPartition(call, AclOperation.Read, partition.Topic, partition.Partition));
        var asked = named.Where(partition => refused[partition] == ErrorCode.None).Distinct().ToList();
        var pending = GroupApi.Pending(call, 1, answers => Response(request, refused, asked, answers[0]));
        if (!groups.May(call, AclOperation.Delete, request.GroupId)) pending.Settle(0, ErrorCode.GroupAuthorizationFailed);
        else groups.Ask(pending, request.GroupId, 0, key => new CoordinatorProtocol.DeleteOffsets(key, request.GroupId, asked));
        pending.Begin(groups.Options.CommitTimeout);
    }

    private static OffsetDeleteResponse Response(
        OffsetDeleteRequest request, Dictionary<TopicPartition, ErrorCode> outcomes, List<TopicPartition> asked, object answer)
    {
        if (answer is not OffsetErrors { Error: ErrorCode.None } errors)
            return new OffsetDeleteResponse { ErrorCode = answer is OffsetErrors refused ? refused.Error : (ErrorCode)answer };
        for (var i = 0; i < asked.Count; i++) outcomes[asked[i]] = errors.Errors[i];
        return new OffsetDeleteResponse
        {
            Topics = [.. request.Topics.Select(topic => new OffsetDeleteResponse.OffsetDeleteResponseTopic
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(partition => new OffsetDeleteResponse.OffsetDeleteResponsePartition
                {
                    PartitionIndex = partition.PartitionIndex,
                    ErrorCode = outcomes[new TopicPartition(topic.Name, partition.PartitionIndex)],
                })],
            })],
        };
    }
}

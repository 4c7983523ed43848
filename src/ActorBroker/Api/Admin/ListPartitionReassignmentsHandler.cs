using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.ListPartitionReassignmentsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Which partitions are being moved (KIP-455), as this node's cache has it. Partitions that are not, or don't exist, are left out.</summary>
internal sealed class ListPartitionReassignmentsHandler(MetadataCache cache, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.ListPartitionReassignments;

    public void Handle(ApiCall call)
    {
        var request = (ListPartitionReassignmentsRequest)call.Request;
        if (!authorizer.Allows(call.Context, AclOperation.Describe, ResourceType.Cluster, ClusterResource.Name))
            call.Reply(ErrorResponses.For(request, ErrorCode.ClusterAuthorizationFailed, $"{call.Context.Principal} may not see which partitions are moved."));
        else
            call.Reply(new ListPartitionReassignmentsResponse { Topics = Moving(request, cache.Current) });
    }

    private static List<OngoingTopicReassignment> Moving(ListPartitionReassignmentsRequest request, MetadataImage image)
    {
        var moving = new List<OngoingTopicReassignment>();
        if (request.Topics is null)
        {
            foreach (var topic in image.TopicsByName.Values) Add(topic, topic.Partitions);
            return moving;
        }

        foreach (var asked in request.Topics)
        {
            if (image.FindTopic(asked.Name) is not { } topic) continue;
            Add(topic, asked.PartitionIndexes.Where(index => (uint)index < (uint)topic.Partitions.Length).Select(index => topic.Partitions[index]));
        }

        return moving;

        void Add(TopicImage topic, IEnumerable<PartitionImage> partitions)
        {
            var ongoing = partitions.Where(partition => partition.IsReassigning).Select(Ongoing).ToList();
            if (ongoing.Count > 0) moving.Add(new OngoingTopicReassignment { Name = topic.Name, Partitions = ongoing });
        }
    }

    private static OngoingPartitionReassignment Ongoing(PartitionImage partition) => new()
    {
        PartitionIndex = partition.Index,
        Replicas = PartitionStanding.Ids(partition.Replicas),
        AddingReplicas = PartitionStanding.Ids(partition.AddingReplicas),
        RemovingReplicas = PartitionStanding.Ids(partition.RemovingReplicas),
    };
}

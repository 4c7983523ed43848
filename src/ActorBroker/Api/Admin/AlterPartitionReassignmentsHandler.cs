using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.AlterPartitionReassignmentsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Begins to move partitions to other brokers, or gives a move up (KIP-455). Answers once it is decided, not once it is done.</summary>
internal sealed class AlterPartitionReassignmentsHandler(ControllerGateway controller, MetadataCache cache, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.AlterPartitionReassignments;

    public void Handle(ApiCall call)
    {
        var request = (AlterPartitionReassignmentsRequest)call.Request;
        if (!authorizer.Allows(call.Context, AclOperation.Alter, ResourceType.Cluster, ClusterResource.Name))
            call.Reply(ErrorResponses.For(request, ErrorCode.ClusterAuthorizationFailed, $"{call.Context.Principal} may not move partitions."));
        else
            call.ReplyWhen(AlterAsync(request));
    }

    private async Task<IResponse> AlterAsync(AlterPartitionReassignmentsRequest request)
    {
        var refused = new Dictionary<TopicPartition, PartitionResult>();
        var wanted = ImmutableArray.CreateBuilder<Reassignment>();
        foreach (var topic in request.Topics)
        {
            foreach (var partition in topic.Partitions)
            {
                var key = new TopicPartition(topic.Name, partition.PartitionIndex);
                if (Refusal(key, partition.Replicas, request.AllowReplicationFactorChange) is { } refusal)
                    refused[key] = refusal;
                else
                    wanted.Add(new Reassignment(topic.Name, partition.PartitionIndex, [.. (partition.Replicas ?? []).Select(id => new BrokerId(id))]));
            }
        }

        var decided = new Dictionary<TopicPartition, PartitionResult>();
        if (wanted.Count > 0)
        {
            var (answer, error, message) = await controller.AskAsync<ReassignmentResults>(new AlterReassignments(wanted.ToImmutable()), request.TimeoutMs);
            if (answer is null) return ErrorResponses.For(request, error, message);
            foreach (var result in answer.Results) decided[result.Partition] = result;
        }

        return new AlterPartitionReassignmentsResponse
        {
            AllowReplicationFactorChange = request.AllowReplicationFactorChange,
            Responses = [.. request.Topics.Select(topic => new ReassignableTopicResponse
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(partition => Response(new TopicPartition(topic.Name, partition.PartitionIndex)))],
            })],
        };

        ReassignablePartitionResponse Response(TopicPartition partition)
        {
            var result = refused.TryGetValue(partition, out var refusal) ? refusal : decided[partition];
            return new() { PartitionIndex = partition.Partition, ErrorCode = result.Error, ErrorMessage = result.Message };
        }
    }

    /// <summary>What the controller's command can't say: there, no replicas mean giving up.</summary>
    private PartitionResult? Refusal(TopicPartition partition, IReadOnlyList<int>? replicas, bool mayChangeFactor)
    {
        if (replicas is { Count: 0 })
            return new(partition, ErrorCode.InvalidReplicaAssignment, $"{partition} needs at least one replica.");
        if (replicas is null || mayChangeFactor || cache.Current.FindTopic(partition.Topic) is not { } topic) return null;
        if ((uint)partition.Partition >= (uint)topic.Partitions.Length) return null;
        var standing = topic.Partitions[partition.Partition];
        var now = standing.Replicas.Length - standing.AddingReplicas.Length;
        return replicas.Count == now ? null
            : new(partition, ErrorCode.InvalidReplicationFactor, $"{partition} has {now} replica(s), and the request does not allow {replicas.Count}.");
    }
}

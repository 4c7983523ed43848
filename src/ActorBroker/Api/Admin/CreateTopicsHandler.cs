using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;
using static ActorBroker.Protocol.CreateTopicsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Creates topics; answers once their partitions serve.</summary>
internal sealed class CreateTopicsHandler(ControllerGateway controller, TopicDefaults defaults, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.CreateTopics;

    public void Handle(ApiCall call) => call.ReplyWhen(CreateAsync(call, (CreateTopicsRequest)call.Request));

    private async Task<IResponse> CreateAsync(ApiCall call, CreateTopicsRequest request)
    {
        var refused = new Dictionary<int, TopicResult>();
        var wanted = ImmutableArray.CreateBuilder<NewTopic>(request.Topics.Count);
        for (var i = 0; i < request.Topics.Count; i++)
        {
            var topic = request.Topics[i];
            if (!authorizer.Allows(call.Context, AclOperation.Create, ResourceType.Topic, topic.Name))
                refused[i] = TopicResult.Refused(topic.Name, ErrorCode.TopicAuthorizationFailed, $"{call.Context.Principal} may not create topic '{topic.Name}'.");
            else if (AssignmentFault(topic) is { } fault)
                refused[i] = TopicResult.Refused(topic.Name, ErrorCode.InvalidReplicaAssignment, fault);
            else
                wanted.Add(Wanted(topic));
        }

        var decided = wanted.Count == 0
            ? []
            : await controller.AskAsync(new CreateTopics(wanted.ToImmutable(), request.ValidateOnly), [.. wanted.Select(topic => topic.Name)], request.TimeoutMs);
        var next = 0;
        var results = new CreatableTopicResult[request.Topics.Count];
        for (var i = 0; i < results.Length; i++)
            results[i] = Result(refused.TryGetValue(i, out var refusal) ? refusal : decided[next++]);
        return new CreateTopicsResponse { Topics = results };
    }

    private static string? AssignmentFault(CreateTopicsRequest.CreatableTopic topic)
    {
        if (topic.Assignments.Count == 0) return null;
        if (topic.NumPartitions != -1 || topic.ReplicationFactor != -1)
            return $"Topic '{topic.Name}' has both replica assignments and a number of partitions or a replication factor.";
        var indexes = topic.Assignments.Select(assignment => assignment.PartitionIndex).Order();
        return indexes.SequenceEqual(Enumerable.Range(0, topic.Assignments.Count))
            ? null
            : $"Topic '{topic.Name}': the assigned partitions must be 0 to {topic.Assignments.Count - 1}, each once.";
    }

    private static NewTopic Wanted(CreateTopicsRequest.CreatableTopic topic) => new(
        topic.Name,
        topic.NumPartitions,
        topic.ReplicationFactor,
        [.. topic.Assignments.OrderBy(assignment => assignment.PartitionIndex).Select(assignment => assignment.BrokerIds.Select(id => new BrokerId(id)).ToImmutableArray())],
        [.. topic.Configs.Select(config => KeyValuePair.Create(config.Name, config.Value))]);

    private CreatableTopicResult Result(TopicResult result) => result.Topic is not { } topic
        ? new() { Name = result.Name ?? "", ErrorCode = result.Error, ErrorMessage = result.Message }
        : new()
        {
            Name = topic.Name,
            TopicId = topic.Id.Value,
            ErrorCode = result.Error,
            ErrorMessage = result.Message,
            NumPartitions = topic.Partitions.Length,
            ReplicationFactor = (short)topic.Partitions[0].Replicas.Length,
            Configs = [.. TopicConfigs.Describe(topic, defaults).Select(config => new CreatableTopicConfigs
            {
                Name = config.Key.Name,
                Value = config.Value,
                ConfigSource = config.Source,
            })],
        };
}

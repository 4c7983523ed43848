using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.MetadataResponse;

namespace ActorBroker.Api.Admin;

/// <summary>
/// Brokers and topics as this node's cache has them. Every node answers for the whole cluster. Topics that are missing are
/// made where the request and the broker's configuration allow it; the answer waits for them, within bounds.
/// </summary>
internal sealed class MetadataHandler(MetadataCache cache, BrokerId self, AutoTopics autoTopics, IAuthorizer authorizer) : IRequestHandler
{
    private const int MaxTopicNameInError = 249;

    /// <summary>Before it there is no null, and an empty list asks for all topics.</summary>
    private const short FirstWithNull = 1;

    public ApiKey ApiKey => ApiKey.Metadata;

    public void Handle(ApiCall call)
    {
        var request = (MetadataRequest)call.Request;
        if (request.Topics is { Count: 0 } && call.Version < FirstWithNull) request = request with { Topics = null };
        var missing = request.AllowAutoTopicCreation ? Missing(call, request) : [];
        if (missing.Count == 0) call.Reply(Response(call, request, ImmutableDictionary<string, ErrorCode>.Empty));
        else call.ReplyWhen(CreateAndAnswerAsync(call, request, missing));
    }

    private async Task<IResponse> CreateAndAnswerAsync(ApiCall call, MetadataRequest request, IReadOnlyCollection<string> missing) =>
        Response(call, request, await autoTopics.CreateAsync(call.Context, missing));

    /// <summary>Those that may be made.</summary>
    private HashSet<string> Missing(ApiCall call, MetadataRequest request)
    {
        var missing = new HashSet<string>(StringComparer.Ordinal);
        var image = cache.Current;
        foreach (var asked in request.Topics ?? [])
        {
            if (asked.TopicId == Guid.Empty && asked.Name is { } name && image.FindTopic(name) is null && MayDescribe(call, name)
                && autoTopics.MayBeMade(call.Context, name))
                missing.Add(name);
        }

        return missing;
    }

    private MetadataResponse Response(ApiCall call, MetadataRequest request, IReadOnlyDictionary<string, ErrorCode> made)
    {
        var image = cache.Current;
        var response = new MetadataResponse
        {
            Brokers = [.. image.Brokers.Values.Where(broker => !broker.Fenced).Select(broker => Broker(broker, call.Context.Listener)).OfType<MetadataResponseBroker>()],
            ClusterId = image.ClusterId?.Value,
            // As Kafka's brokers do: whoever is asked passes on what only the controller can do (DescribeQuorum names that one).
            ControllerId = self.Value,
            Topics = Topics(image, request, call, made),
        };
        return request.IncludeClusterAuthorizedOperations ? response with { ClusterAuthorizedOperations = authorizer.OnCluster(call.Context) } : response;
    }

    private List<MetadataResponseTopic> Topics(MetadataImage image, MetadataRequest request, ApiCall call, IReadOnlyDictionary<string, ErrorCode> made)
    {
        var topics = new List<MetadataResponseTopic>();
        if (request.Topics is null)
        {
            foreach (var topic in image.TopicsByName.Values)
                if (MayDescribe(call, topic.Name))
                    topics.Add(Known(topic));
            return topics;
        }

        foreach (var asked in request.Topics)
        {
            var byId = asked.TopicId != Guid.Empty;
            var topic = byId ? image.FindTopic(new TopicId(asked.TopicId)) : image.FindTopic(asked.Name ?? "");
            if (topic is not null && MayDescribe(call, topic.Name)) topics.Add(Known(topic));
            else topics.Add(Missing(asked, byId, made));
        }

        return topics;

        MetadataResponseTopic Known(TopicImage topic)
        {
            var described = Topic(topic, image);
            return request.IncludeTopicAuthorizedOperations
                ? described with { TopicAuthorizedOperations = authorizer.OnTopic(call.Context, topic.Name) } : described;
        }
    }

    private bool MayDescribe(ApiCall call, string topic) =>
        authorizer.Allows(call.Context, AclOperation.Describe, ResourceType.Topic, topic);

    private static MetadataResponseTopic Missing(MetadataRequest.MetadataRequestTopic asked, bool byId, IReadOnlyDictionary<string, ErrorCode> made) => new()
    {
        ErrorCode = byId ? ErrorCode.UnknownTopicId
            : made.TryGetValue(asked.Name ?? "", out var outcome) ? NotThereYet(outcome)
            : TopicName.IsValid(asked.Name) ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException,
        Name = asked.Name is { Length: > MaxTopicNameInError } name ? name[..MaxTopicNameInError] : asked.Name,
        TopicId = asked.TopicId,
    };

    /// <summary>Whoever asked asks again, unless that can't help.</summary>
    private static ErrorCode NotThereYet(ErrorCode outcome) => outcome switch
    {
        ErrorCode.None or ErrorCode.TopicAlreadyExists => ErrorCode.LeaderNotAvailable,
        ErrorCode.InvalidTopicException or ErrorCode.InvalidReplicationFactor => outcome,
        _ => ErrorCode.UnknownTopicOrPartition,
    };

    private static MetadataResponseTopic Topic(TopicImage topic, MetadataImage image) => new()
    {
        Name = topic.Name,
        TopicId = topic.Id.Value,
        IsInternal = topic.IsInternal,
        Partitions = [.. topic.Partitions.Select(partition => Partition(partition, image))],
    };

    private static MetadataResponsePartition Partition(PartitionImage partition, MetadataImage image) => new()
    {
        ErrorCode = PartitionStanding.Error(partition),
        PartitionIndex = partition.Index,
        LeaderId = PartitionStanding.Leader(partition),
        LeaderEpoch = partition.LeaderEpoch.Value,
        ReplicaNodes = PartitionStanding.Ids(partition.Replicas),
        IsrNodes = PartitionStanding.Ids(partition.Isr),
        OfflineReplicas = PartitionStanding.Offline(partition, image),
    };

    /// <summary>Null: the broker doesn't serve the listener that was asked through, so its clients can't reach it.</summary>
    private static MetadataResponseBroker? Broker(BrokerImage broker, string listener) =>
        broker.Endpoint(listener) is { } endpoint
            ? new() { NodeId = broker.Id.Value, Host = endpoint.Host, Port = endpoint.Port, Rack = broker.Rack }
            : null;
}

using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Protocol.MetadataResponse;

namespace ActorBroker.Api.Admin;

/// <summary>Brokers and topics as this node's cache has them. Every node answers for the whole cluster.</summary>
internal sealed class MetadataHandler(MetadataCache cache, BrokerId self, IAuthorizer authorizer) : IRequestHandler
{
    private const int MaxTopicNameInError = 249;

    public ApiKey ApiKey => ApiKey.Metadata;

    public void Handle(ApiCall call)
    {
        var request = (MetadataRequest)call.Request;
        var image = cache.Current;
        call.Reply(new MetadataResponse
        {
            Brokers = [.. image.Brokers.Values.Where(broker => !broker.Fenced).Select(broker => Broker(broker, call.Context.Listener)).OfType<MetadataResponseBroker>()],
            ClusterId = image.ClusterId?.Value,
            // As Kafka's brokers do: whoever is asked passes on what only the controller can do (DescribeQuorum names that one).
            ControllerId = self.Value,
            Topics = Topics(image, request, call),
        });
    }

    private List<MetadataResponseTopic> Topics(MetadataImage image, MetadataRequest request, ApiCall call)
    {
        var topics = new List<MetadataResponseTopic>();
        if (request.Topics is null)
        {
            foreach (var topic in image.TopicsByName.Values)
                if (MayDescribe(call, topic.Name))
                    topics.Add(Topic(topic, image));
            return topics;
        }

        foreach (var asked in request.Topics)
        {
            var byId = asked.TopicId != Guid.Empty;
            var topic = byId ? image.FindTopic(new TopicId(asked.TopicId)) : image.FindTopic(asked.Name ?? "");
            if (topic is not null && MayDescribe(call, topic.Name)) topics.Add(Topic(topic, image));
            else topics.Add(Missing(asked, byId));
        }

        return topics;
    }

    private bool MayDescribe(ApiCall call, string topic) =>
        authorizer.Allows(call.Context, AclOperation.Describe, ResourceType.Topic, topic);

    private static MetadataResponseTopic Missing(MetadataRequest.MetadataRequestTopic asked, bool byId) => new()
    {
        ErrorCode = byId ? ErrorCode.UnknownTopicId
            : TopicName.IsValid(asked.Name) ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException,
        Name = asked.Name is { Length: > MaxTopicNameInError } name ? name[..MaxTopicNameInError] : asked.Name,
        TopicId = asked.TopicId,
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

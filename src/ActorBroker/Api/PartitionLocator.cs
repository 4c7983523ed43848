using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api;

/// <summary>A partition that a request named: either its handle or why there is none.</summary>
internal readonly record struct Located(PartitionHandle? Handle, bool IsInternal, ErrorCode Error)
{
    public static Located Missing(ErrorCode error) => new(null, IsInternal: false, error);
}

/// <summary>
/// Finds the partitions that requests name, and says whether the client may use them. The metadata of a topic can be
/// ahead of this node's partitions: what exists but is not open here yet is answered with a retriable error.
/// </summary>
internal sealed class PartitionLocator(BrokerId self, MetadataCache metadata, PartitionDirectory directory, IAuthorizer authorizer)
{
    /// <summary>An id that is not zero has precedence over the name.</summary>
    public Located Find(RequestContext context, AclOperation operation, string name, Guid id, int partition)
    {
        var topic = Topic(name, id);
        // A topic id tells nobody anything, so an unknown one may be called so; an unknown name may be a secret.
        if (topic is null && id != Guid.Empty) return Located.Missing(ErrorCode.UnknownTopicId);
        if (!authorizer.Allows(context, operation, ResourceType.Topic, topic?.Name ?? name))
            return Located.Missing(ErrorCode.TopicAuthorizationFailed);
        if (topic is null || partition < 0 || partition >= topic.Partitions.Length)
            return Located.Missing(ErrorCode.UnknownTopicOrPartition);
        if (directory.IsSelfFenced) return Located.Missing(ErrorCode.NotLeaderOrFollower);
        if (directory.Find(topic.Id, partition) is { } handle) return new Located(handle, topic.IsInternal, ErrorCode.None);
        return Located.Missing(topic.Partitions[partition].Leader == self ? ErrorCode.LeaderNotAvailable : ErrorCode.NotLeaderOrFollower);
    }

    private TopicImage? Topic(string name, Guid id) =>
        id == Guid.Empty ? metadata.Current.FindTopic(name) : metadata.Current.FindTopic(new TopicId(id));
}

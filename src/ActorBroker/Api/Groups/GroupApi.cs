using ActorBroker.Groups;
using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Api.Groups;

/// <summary>What the handlers of groups share.</summary>
internal sealed record GroupApi(CoordinatorDirectory Coordinators, MetadataCache Metadata, GroupOptions Options, IAuthorizer Authorizer)
{
    public bool May(ApiCall call, AclOperation operation, string group) => Authorizer.Allows(call.Context, operation, ResourceType.Group, group);

    /// <summary>Whether this client may know, or read, the topic; and whether it has the partition.</summary>
    public ErrorCode CheckPartition(ApiCall call, AclOperation operation, string topic, int partition)
    {
        if (!Authorizer.Allows(call.Context, operation, ResourceType.Topic, topic)) return ErrorCode.TopicAuthorizationFailed;
        return Metadata.Current.FindTopic(topic) is { } known && partition >= 0 && partition < known.Partitions.Length ? ErrorCode.None : ErrorCode.UnknownTopicOrPartition;
    }

    /// <summary>For requests about one group, whose coordinator answers with the response or an error.</summary>
    public void Ask(
        ApiCall call, string group, AclOperation operation, TimeSpan patience, Func<Replication.RequestKey, CoordinatorProtocol.IQuestion> question)
    {
        var pending = new PendingGroupCall(call, 1, answers => answers[0] as IResponse ?? ErrorResponses.For(call.Request, (ErrorCode)answers[0]));
        if (May(call, operation, group)) pending.Ask(Coordinators, group, 0, question);
        else pending.Settle(0, ErrorCode.GroupAuthorizationFailed);
        pending.Begin(patience);
    }
}

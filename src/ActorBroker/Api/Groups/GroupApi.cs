using ActorBroker.Groups;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api.Groups;

/// <summary>What the handlers of groups share.</summary>
internal sealed record GroupApi(CoordinatorDirectory Coordinators, MetadataCache Metadata, GroupOptions Options, IAuthorizer Authorizer)
{
    /// <summary>For those whose coordinator itself says when waiting is over.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromDays(1);

    /// <summary>For questions to coordinators.</summary>
    public static PendingSlots Pending(ApiCall call, int slots, Func<object[], IResponse> respond) => new(call, slots, late: ErrorCode.CoordinatorNotAvailable, respond);

    public bool May(ApiCall call, AclOperation operation, string group) => Authorizer.Allows(call.Context, operation, ResourceType.Group, group);

    /// <summary>Whether this client may know, or read, the topic; and whether it has the partition.</summary>
    public ErrorCode CheckPartition(ApiCall call, AclOperation operation, string topic, int partition)
    {
        if (!Authorizer.Allows(call.Context, operation, ResourceType.Topic, topic)) return ErrorCode.TopicAuthorizationFailed;
        return Metadata.Current.FindTopic(topic) is { } known && partition >= 0 && partition < known.Partitions.Length ? ErrorCode.None : ErrorCode.UnknownTopicOrPartition;
    }

    public void Ask(PendingSlots pending, string group, int slot, Func<RequestKey, CoordinatorProtocol.IQuestion> question)
    {
        if (Coordinators.Find(group, out var error) is { } coordinator) pending.Ask(coordinator, slot, question);
        else pending.Settle(slot, error);
    }

    /// <summary>For requests about one group, whose coordinator answers with the response or an error.</summary>
    public void Ask(
        ApiCall call, string group, AclOperation operation, TimeSpan patience, Func<RequestKey, CoordinatorProtocol.IQuestion> question)
    {
        var pending = Pending(call, 1, answers => answers[0] as IResponse ?? ErrorResponses.For(call.Request, (ErrorCode)answers[0]));
        if (May(call, operation, group)) Ask(pending, group, 0, question);
        else pending.Settle(0, ErrorCode.GroupAuthorizationFailed);
        pending.Begin(patience);
    }
}

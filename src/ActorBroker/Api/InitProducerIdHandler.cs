using ActorBroker.Api.Admin;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Api;

/// <summary>
/// Gives idempotent producers an id at epoch 0, or the next epoch of the id that they have (KIP-360). Partitions refuse what is
/// of an earlier epoch than they have seen; nothing is remembered here. Transactional producers are not served.
/// </summary>
internal sealed class InitProducerIdHandler(ProducerIds ids, MetadataCache cache, IAuthorizer authorizer) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.InitProducerId;

    public void Handle(ApiCall call)
    {
        var request = (InitProducerIdRequest)call.Request;
        if (Refusal(call.Context, request) is var refusal and not ErrorCode.None)
            call.Reply(new InitProducerIdResponse { ErrorCode = refusal });
        else if (MayBump(request))
            call.Reply(new InitProducerIdResponse { ProducerId = request.ProducerId, ProducerEpoch = (short)(request.ProducerEpoch + 1) });
        else
            call.ReplyWhen(TakeAsync());
    }

    private ErrorCode Refusal(RequestContext context, InitProducerIdRequest request)
    {
        if (request.TransactionalId is not null) return request.TransactionalId.Length == 0 ? ErrorCode.InvalidRequest : ErrorCode.UnsupportedVersion;
        if (!authorizer.Allows(context, AclOperation.IdempotentWrite, ResourceType.Cluster, ClusterResource.Name)) return ErrorCode.ClusterAuthorizationFailed;
        return request.ProducerId < 0 == request.ProducerEpoch < 0 ? ErrorCode.None : ErrorCode.InvalidRequest;
    }

    /// <summary>Not of an id that nobody here knows to be given out, nor beyond the last epoch: such a producer starts over under another id.</summary>
    private bool MayBump(InitProducerIdRequest request) =>
        request.ProducerId >= 0 && request.ProducerId < cache.Current.NextProducerId && request.ProducerEpoch < short.MaxValue - 1;

    private async Task<IResponse> TakeAsync()
    {
        var (id, error) = await ids.TakeAsync();
        // Kafka's code for ids that are not there yet: its clients ask again.
        return error == ErrorCode.None
            ? new InitProducerIdResponse { ProducerId = id.Value, ProducerEpoch = 0 }
            : new InitProducerIdResponse { ErrorCode = ErrorCode.CoordinatorLoadInProgress };
    }
}

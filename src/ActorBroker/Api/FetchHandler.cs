using ActorBroker.Protocol;

namespace ActorBroker.Api;

/// <summary>
/// Fetch, for consumers: every fetch names all its partitions (no fetch sessions, so the session id is always 0, which
/// KIP-227 allows). Followers fetch elsewhere.
/// </summary>
internal sealed class FetchHandler(PartitionLocator locator) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.Fetch;

    public void Handle(ApiCall call)
    {
        var request = (FetchRequest)call.Request;
        if (request.ReplicaId >= 0 || request.ReplicaState.ReplicaId >= 0)
            call.Fail(ErrorCode.InvalidRequest, "This listener serves consumers; replicas fetch from the inter-broker listener.");
        else if (request.SessionId != 0)
            call.Reply(new FetchResponse { ErrorCode = ErrorCode.FetchSessionIdNotFound });
        else
            new PendingFetch(call, request, new FetchReader(locator, call.Context, request)).Begin();
    }
}

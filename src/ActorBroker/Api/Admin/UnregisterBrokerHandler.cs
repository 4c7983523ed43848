using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Api.Admin;

/// <summary>Forgets a broker that is gone for good.</summary>
internal sealed class UnregisterBrokerHandler(ControllerGateway controller, IAuthorizer authorizer) : IRequestHandler
{
    /// <summary>The request carries none of its own.</summary>
    private const int TimeoutMs = 30_000;

    public ApiKey ApiKey => ApiKey.UnregisterBroker;

    public void Handle(ApiCall call)
    {
        var request = (UnregisterBrokerRequest)call.Request;
        if (!authorizer.Allows(call.Context, AclOperation.Alter, ResourceType.Cluster, ClusterResource.Name))
            call.Reply(ErrorResponses.For(request, ErrorCode.ClusterAuthorizationFailed, $"{call.Context.Principal} may not unregister brokers."));
        else
            call.ReplyWhen(UnregisterAsync(request));
    }

    private async Task<IResponse> UnregisterAsync(UnregisterBrokerRequest request)
    {
        var (answer, error, message) = await controller.AskAsync<UnregisterResult>(new UnregisterBroker(new BrokerId(request.BrokerId)), TimeoutMs);
        return new UnregisterBrokerResponse { ErrorCode = answer?.Error ?? error, ErrorMessage = answer is null ? message : answer.Message };
    }
}

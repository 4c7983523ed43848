using ActorBroker.Control;
using ActorBroker.Journal;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Api.Admin;

/// <summary>
/// Changes who votes on the controller's log (KIP-853). Voters are brokers, whose addresses the cluster knows: those that a
/// request names are not used. A directory id of zeros stands for whatever disk the broker has.
/// </summary>
internal sealed class VoterChanges(ControllerGateway controller, MetadataCache cache, IAuthorizer authorizer)
{
    public async Task<(ErrorCode Error, string? Message)> ChangeAsync(
        RequestContext context, VoterChange change, string? clusterId, int voter, Guid directory, int timeoutMs)
    {
        var image = cache.Current;
        var broker = new BrokerId(voter);
        if (!authorizer.Allows(context, AclOperation.Alter, ResourceType.Cluster, ClusterResource.Name))
            return (ErrorCode.ClusterAuthorizationFailed, $"{context.Principal} may not change the voters.");
        if (clusterId is not null && clusterId != image.ClusterId?.Value)
            return (ErrorCode.InconsistentClusterId, $"This is cluster {image.ClusterId?.Value}, not {clusterId}.");
        if (directory != Guid.Empty && image.Brokers.TryGetValue(broker, out var known) && known.Directory.Value != directory)
            return (ErrorCode.InvalidVoterKey, $"Broker {broker} has another data folder.");

        var (answer, error, message) = await controller.AskAsync<VotersAltered>(new AlterVoters(change, broker), timeoutMs);
        return answer is null ? (error, message) : (answer.Error, answer.Message);
    }
}

internal sealed class AddRaftVoterHandler(VoterChanges changes) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.AddRaftVoter;

    public void Handle(ApiCall call) => call.ReplyWhen(AddAsync(call.Context, (AddRaftVoterRequest)call.Request));

    private async Task<IResponse> AddAsync(RequestContext context, AddRaftVoterRequest request)
    {
        var (error, message) = await changes.ChangeAsync(
            context, VoterChange.Add, request.ClusterId, request.VoterId, request.VoterDirectoryId, request.TimeoutMs);
        return new AddRaftVoterResponse { ErrorCode = error, ErrorMessage = message };
    }
}

internal sealed class RemoveRaftVoterHandler(VoterChanges changes) : IRequestHandler
{
    /// <summary>The request carries none of its own.</summary>
    private const int TimeoutMs = 30_000;

    public ApiKey ApiKey => ApiKey.RemoveRaftVoter;

    public void Handle(ApiCall call) => call.ReplyWhen(RemoveAsync(call.Context, (RemoveRaftVoterRequest)call.Request));

    private async Task<IResponse> RemoveAsync(RequestContext context, RemoveRaftVoterRequest request)
    {
        var (error, message) = await changes.ChangeAsync(
            context, VoterChange.Remove, request.ClusterId, request.VoterId, request.VoterDirectoryId, TimeoutMs);
        return new RemoveRaftVoterResponse { ErrorCode = error, ErrorMessage = message };
    }
}

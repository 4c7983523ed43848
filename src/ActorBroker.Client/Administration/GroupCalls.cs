using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>Finds a group's coordinator and asks it, again while coordinators move or load, until <c>default.api.timeout.ms</c> has passed.</summary>
internal sealed class GroupCalls(AdminCalls calls, ClientSettings settings, TimeProvider time)
{
    /// <param name="group">Whose coordinator is asked.</param>
    /// <param name="request">What.</param>
    /// <param name="errorOf">What the answer says of the group as a whole.</param>
    /// <param name="cancellation">Ends the waiting; the request may be carried out nevertheless.</param>
    /// <exception cref="AdminException">No coordinator was found or none answered in time.</exception>
    public async Task<(TResponse Response, BrokerId Coordinator)> AskAsync<TResponse>(
        string group, IRequest<TResponse> request, Func<TResponse, ErrorCode> errorOf, CancellationToken cancellation)
        where TResponse : class, IResponse
    {
        var started = time.GetTimestamp();
        for (var round = 1; ; round++)
        {
            var (error, message) = (ErrorCode.CoordinatorNotAvailable, $"the coordinator of group {group} does not answer");
            var found = await FindAsync(group, cancellation);
            if (found.ErrorCode == ErrorCode.None)
            {
                var broker = new BrokerId(found.NodeId);
                if (await calls.TryAskAsync(broker, request, cancellation) is { } response)
                {
                    error = errorOf(response);
                    if (!error.IsRetriable())
                        return (response, broker);
                    message = error.Describe();
                }
            }
            else
            {
                (error, message) = (found.ErrorCode, AdminCalls.MessageOf(found.ErrorCode, found.ErrorMessage));
            }

            if (!error.IsRetriable() || time.GetElapsedTime(started) >= settings.DefaultApiTimeout)
                throw new AdminException(error, message);
            await calls.PauseAsync(round, cancellation);
        }
    }

    private async Task<FindCoordinatorResponse.Coordinator> FindAsync(string group, CancellationToken cancellation)
    {
        var request = new FindCoordinatorRequest { KeyType = CoordinatorType.Group, CoordinatorKeys = [group] };
        var response = await calls.AskAsync(RequestTarget.Any, request, null, cancellation);
        return response.Coordinators.Count == 1
            ? response.Coordinators[0]
            : new FindCoordinatorResponse.Coordinator { ErrorCode = ErrorCode.UnknownServerError, ErrorMessage = "the broker's answer names no coordinator" };
    }
}

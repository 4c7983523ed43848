using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Client;

/// <summary>Sends single requests and tries again, until <c>default.api.timeout.ms</c> has passed, what may still succeed.</summary>
internal sealed class AdminCalls(IActorRef cluster, ClientSettings settings, Random random, TimeProvider time)
{
    /// <summary>For the connection to give a request its own answer when its time is over.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Calls share it, each on whatever thread it runs.</summary>
    private readonly Lock _randomness = new();

    /// <param name="target">Who is asked.</param>
    /// <param name="request">What.</param>
    /// <param name="mayRetry">Whether an answer says that asking again may help.</param>
    /// <param name="cancellation">Ends the waiting; the request may be carried out nevertheless.</param>
    /// <exception cref="AdminException">No answer in time, or a refusal of the request as a whole.</exception>
    public async Task<TResponse> AskAsync<TResponse>(
        RequestTarget target, IRequest<TResponse> request, Func<TResponse, bool>? mayRetry, CancellationToken cancellation)
        where TResponse : class, IResponse
    {
        var started = time.GetTimestamp();
        for (var failures = 1; ; failures++)
        {
            var left = settings.DefaultApiTimeout - time.GetElapsedTime(started);
            var patience = left < settings.RequestTimeout ? left : settings.RequestTimeout;
            var submit = new ClusterProtocol.Submit(0, target, request, patience);
            var completed = await cluster.Ask<ClusterProtocol.Completed>(submit, patience + Grace, cancellation);
            var delay = Delay(failures);
            var isLast = time.GetElapsedTime(started) + delay >= settings.DefaultApiTimeout;
            if (completed.Response is TResponse response && (isLast || mayRetry is null || !mayRetry(response)))
                return response;
            if (completed.Response is null)
                ThrowIfFinal(completed, isLast);
            cluster.Tell(ClusterProtocol.Refresh.Instance, ActorRefs.NoSender);
            await Task.Delay(delay, time, cancellation);
        }
    }

    /// <summary>Asks one broker once: for what another one may be able to answer by the time it fails.</summary>
    /// <returns>Null if there was no answer.</returns>
    public async Task<TResponse?> TryAskAsync<TResponse>(BrokerId broker, IRequest<TResponse> request, CancellationToken cancellation)
        where TResponse : class, IResponse
    {
        var submit = new ClusterProtocol.Submit(0, RequestTarget.To(broker), request, settings.RequestTimeout);
        var completed = await cluster.Ask<ClusterProtocol.Completed>(submit, settings.RequestTimeout + Grace, cancellation);
        if (completed is { Failure: RequestFailure.Rejected } && !completed.Error.IsRetriable())
            throw new AdminException(completed.Error, completed.Message);
        return completed.Response as TResponse;
    }

    /// <summary>Waits before asking again, with the connection's metadata renewed meanwhile.</summary>
    public Task PauseAsync(int failures, CancellationToken cancellation)
    {
        cluster.Tell(ClusterProtocol.Refresh.Instance, ActorRefs.NoSender);
        return Task.Delay(Delay(failures), time, cancellation);
    }

    private static void ThrowIfFinal(ClusterProtocol.Completed completed, bool isLast)
    {
        var isFinal = completed.Failure == RequestFailure.Unreachable
            || (completed.Failure == RequestFailure.Rejected && !completed.Error.IsRetriable());
        if (isFinal || isLast)
            throw new AdminException(completed.Error, completed.Message);
    }

    private TimeSpan Delay(int failures)
    {
        lock (_randomness)
            return new Backoff(settings.RetryBackoff, settings.RetryBackoffMax, random).Delay(failures);
    }

    public static string MessageOf(ErrorCode error, string? message) =>
        error == ErrorCode.None ? "" : string.IsNullOrEmpty(message) ? error.Describe() : message;

    public static IReadOnlyList<BrokerId> Ids(IReadOnlyList<int> ids)
    {
        var typed = new BrokerId[ids.Count];
        for (var i = 0; i < typed.Length; i++)
            typed[i] = new BrokerId(ids[i]);
        return typed;
    }
}

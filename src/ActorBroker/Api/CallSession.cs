using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Api;

/// <summary>
/// What runs one client's calls, in their order of arrival: the bookkeeping of calls under way, which goes when the client
/// goes. Transports derive from it and say how requests come and where answers go.
/// </summary>
/// <typeparam name="TRequest">A request as its transport knows it.</typeparam>
internal abstract class CallSession<TRequest> : ReceiveActor, IWithTimers, ICallHost
{
    private readonly RequestDispatcher _dispatcher;
    private readonly Dictionary<long, OpenCall> _open = [];

    protected CallSession(RequestDispatcher dispatcher)
    {
        _dispatcher = dispatcher;
        Receive<ICallReply>(reply => Find(reply.Call)?.OnReply(reply));
        Receive<SessionProtocol.Completed>(completed =>
        {
            if (TryClose(completed.Call, out var request)) Answer(request, completed.Response);
        });
        Receive<SessionProtocol.Silenced>(silenced =>
        {
            if (TryClose(silenced.Call, out var request)) Silence(request, silenced.Succeeded);
        });
        Receive<SessionProtocol.Failed>(failed =>
        {
            if (TryClose(failed.Call, out var request)) Refuse(request, failed.Code, failed.Message);
        });
        Receive<SessionProtocol.CallTimeout>(timeout => Find(timeout.Call)?.OnTimeout());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected bool IsIdle => _open.Count == 0;

    protected IEnumerable<TRequest> Open => _open.Values.Select(open => open.Request);

    void ICallHost.Await(long call, IPendingCall pending, TimeSpan timeout)
    {
        if (!_open.TryGetValue(call, out var open)) return;
        open.Pending = pending;
        open.HasTimer = true;
        Timers.StartSingleTimer(call, new SessionProtocol.CallTimeout(call), timeout);
    }

    protected override void PostStop()
    {
        foreach (var open in _open.Values)
        {
            open.Pending?.OnAbandoned();
            Release(open.Request);
        }

        base.PostStop();
    }

    /// <param name="id">Never used again in this client's life, over restarts of the session: a late reply must not find another call.</param>
    /// <param name="ownsBuffers">False when the request's bytes are shared with a client in this process and must not be changed.</param>
    protected void Begin(long id, TRequest request, RequestContext context, IRequest body, short version, bool ownsBuffers)
    {
        _open.Add(id, new OpenCall(request));
        _dispatcher.Dispatch(new ApiCall(id, context, body, version, ownsBuffers, Self, this));
    }

    protected abstract void Answer(TRequest request, IResponse response);

    /// <summary>A call that by its kind has no answer is over.</summary>
    protected abstract void Silence(TRequest request, bool succeeded);

    protected abstract void Refuse(TRequest request, ErrorCode code, string message);

    /// <summary>Once for each request, before it is answered or when the session ends.</summary>
    protected abstract void Release(TRequest request);

    private IPendingCall? Find(long call) => _open.GetValueOrDefault(call)?.Pending;

    private bool TryClose(long call, out TRequest request)
    {
        if (!_open.Remove(call, out var open))
        {
            request = default!;
            return false;
        }

        if (open.HasTimer) Timers.Cancel(call);
        request = open.Request;
        Release(request);
        return true;
    }

    private sealed class OpenCall(TRequest request)
    {
        public TRequest Request => request;

        public IPendingCall? Pending { get; set; }

        public bool HasTimer { get; set; }
    }
}

using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Api;

/// <summary>
/// One client of <c>/user/actorbroker</c>: runs its calls in their order of arrival and sends the answers. The client's
/// bookkeeping lives here and nowhere else, so it goes when the client goes.
/// </summary>
internal sealed class ApiSession : ReceiveActor, IWithTimers, ICallHost
{
    public const string ListenerName = "AKKA";

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRef _client;
    private readonly RequestDispatcher _dispatcher;
    private readonly SessionLoad _load;
    private readonly bool _clientIsLocal;
    private readonly string _clientAddress;
    private readonly Dictionary<long, OpenCall> _open = [];

    public ApiSession(IActorRef client, RequestDispatcher dispatcher, SessionLoad load, TimeSpan idleTimeout)
    {
        _client = client;
        _dispatcher = dispatcher;
        _load = load;
        var address = client.Path.Address;
        _clientIsLocal = address.HasLocalScope || address.Equals(((ExtendedActorSystem)Context.System).Provider.DefaultAddress);
        _clientAddress = address.ToString();
        Receive<SessionProtocol.Admitted>(OnRequest);
        Receive<ICallReply>(reply => Find(reply.Call)?.OnReply(reply));
        Receive<SessionProtocol.Completed>(OnCompleted);
        Receive<SessionProtocol.Failed>(OnFailed);
        Receive<SessionProtocol.CallTimeout>(timeout => Find(timeout.Call)?.OnTimeout());
        Receive<ReceiveTimeout>(_ => Context.Parent.Tell(SessionProtocol.Idle.Instance));
        Context.SetReceiveTimeout(idleTimeout);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IActorRef client, RequestDispatcher dispatcher, SessionLoad load, TimeSpan idleTimeout) =>
        Akka.Actor.Props.Create(() => new ApiSession(client, dispatcher, load, idleTimeout)).WithDispatcher(ApiDispatcher.Path);

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
            _load.Release(open.Bytes);
        }

        base.PostStop();
    }

    /// <summary>A fault of ours in a handler: what is open is answered, and the calls behind it start afresh.</summary>
    protected override void PreRestart(Exception reason, object message)
    {
        foreach (var open in _open.Values)
            _client.Tell(open.Request.Reject(ErrorCode.UnknownServerError, reason.Message), Context.Parent);
        base.PreRestart(reason, message);
    }

    private void OnRequest(SessionProtocol.Admitted admitted)
    {
        var request = admitted.Request;
        var id = _load.NextCall();
        _open.Add(id, new OpenCall(request, admitted.Bytes));
        var context = new RequestContext(
            RequestContext.Anonymous, request.ClientId, ListenerName, _clientAddress, request.MaxResponseBytes);
        _dispatcher.Dispatch(new ApiCall(id, context, request.Body, request.Version, ownsBuffers: !_clientIsLocal, Self, this));
    }

    private void OnCompleted(SessionProtocol.Completed completed)
    {
        if (Close(completed.Call) is not { } open || completed.Response is not { } response) return;
        // The endpoint is the only address that clients know.
        _client.Tell(open.Request.Answer(response), Context.Parent);
    }

    private void OnFailed(SessionProtocol.Failed failed)
    {
        if (Close(failed.Call) is not { } open) return;
        if (failed.Code == ErrorCode.UnknownServerError)
            _log.Error("{0} of {1} failed: {2}", open.Request.Body.ApiKey, _client.Path, failed.Message);
        _client.Tell(open.Request.Reject(failed.Code, failed.Message), Context.Parent);
    }

    private IPendingCall? Find(long call) => _open.GetValueOrDefault(call)?.Pending;

    private OpenCall? Close(long call)
    {
        if (!_open.Remove(call, out var open)) return null;
        if (open.HasTimer) Timers.Cancel(call);
        _load.Release(open.Bytes);
        return open;
    }

    private sealed class OpenCall(ApiRequest request, long bytes)
    {
        public ApiRequest Request => request;

        public long Bytes => bytes;

        public IPendingCall? Pending { get; set; }

        public bool HasTimer { get; set; }
    }
}

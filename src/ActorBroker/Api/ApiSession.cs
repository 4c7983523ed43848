using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Api;

/// <summary>One client of <c>/user/actorbroker</c>.</summary>
internal sealed class ApiSession : CallSession<SessionProtocol.Admitted>
{
    public const string ListenerName = "AKKA";

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRef _client;
    private readonly SessionLoad _load;
    private readonly bool _clientIsLocal;
    private readonly string _clientAddress;

    public ApiSession(IActorRef client, RequestDispatcher dispatcher, SessionLoad load, TimeSpan idleTimeout)
        : base(dispatcher)
    {
        _client = client;
        _load = load;
        var address = client.Path.Address;
        _clientIsLocal = address.HasLocalScope || address.Equals(((ExtendedActorSystem)Context.System).Provider.DefaultAddress);
        _clientAddress = address.ToString();
        Receive<SessionProtocol.Admitted>(OnRequest);
        Receive<ReceiveTimeout>(_ => Context.Parent.Tell(SessionProtocol.Idle.Instance));
        Context.SetReceiveTimeout(idleTimeout);
    }

    public static Props Props(IActorRef client, RequestDispatcher dispatcher, SessionLoad load, TimeSpan idleTimeout) =>
        Akka.Actor.Props.Create(() => new ApiSession(client, dispatcher, load, idleTimeout)).WithDispatcher(ApiDispatcher.Path);

    /// <summary>A fault of ours in a handler: what is open is answered, and the calls behind it start afresh.</summary>
    protected override void PreRestart(Exception reason, object message)
    {
        foreach (var open in Open)
            _client.Tell(open.Request.Reject(ErrorCode.UnknownServerError, reason.Message), Context.Parent);
        base.PreRestart(reason, message);
    }

    /// <summary>The endpoint is the only address that clients know: answers come from there.</summary>
    protected override void Answer(SessionProtocol.Admitted admitted, IResponse response) =>
        _client.Tell(admitted.Request.Answer(response), Context.Parent);

    /// <summary>Actor clients ask for an answer where they want to know.</summary>
    protected override void Silence(SessionProtocol.Admitted admitted, bool succeeded)
    {
    }

    protected override void Refuse(SessionProtocol.Admitted admitted, ErrorCode code, string message)
    {
        if (code == ErrorCode.UnknownServerError)
            _log.Error("{0} of {1} failed: {2}", admitted.Request.Body.ApiKey, _client.Path, message);
        _client.Tell(admitted.Request.Reject(code, message), Context.Parent);
    }

    protected override void Release(SessionProtocol.Admitted admitted) => _load.Release(admitted.Bytes);

    private void OnRequest(SessionProtocol.Admitted admitted)
    {
        var request = admitted.Request;
        var context = new RequestContext(
            RequestContext.Anonymous, request.ClientId, ListenerName, _clientAddress, request.MaxResponseBytes);
        Begin(_load.NextCall(), admitted, context, request.Body, request.Version, ownsBuffers: !_clientIsLocal);
    }
}

using ActorBroker.Api;
using ActorBroker.Hosting;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;

namespace ActorBroker.Kafka;

/// <summary>Runs one connection's requests. It ends with the connection, and the connection with it.</summary>
internal sealed class KafkaSession : CallSession<KafkaRequest>
{
    /// <summary>From this version on Fetch names topics by their ids.</summary>
    private const short FetchByTopicId = 13;

    private readonly KafkaConnection _connection;
    private readonly KafkaServer _server;
    private readonly string _clientAddress;
    private readonly FetchSession _fetches;

    public KafkaSession(KafkaConnection connection, KafkaServer server)
        : base(server.Dispatcher)
    {
        _connection = connection;
        _server = server;
        _clientAddress = $"/{connection.Address}";
        _fetches = new FetchSession(server.NextFetchSessionId);
        Receive<KafkaRequest>(OnRequest);
        Receive<ConnectionEnded>(_ => Context.Stop(Self));
        Receive<ReceiveTimeout>(_ => OnSilence());
        Context.SetReceiveTimeout(server.Options.MaxIdle);
    }

    public static Props Props(KafkaConnection connection, KafkaServer server) =>
        Akka.Actor.Props.Create(() => new KafkaSession(connection, server)).WithDispatcher(ApiDispatcher.Path);

    protected override void PreStart() =>
        _ = _connection.RunAsync(Self).PipeTo(Self, success: () => ConnectionEnded.Instance);

    protected override void PostStop()
    {
        _connection.Close();
        base.PostStop();
    }

    protected override void Answer(KafkaRequest request, IResponse response) =>
        _connection.Complete(request.Pending, response is FetchResponse fetched ? _fetches.End(fetched) : response);

    /// <summary>With acks=0 a closed connection is the one way to say that something is wrong; the client then asks for metadata.</summary>
    protected override void Silence(KafkaRequest request, bool succeeded)
    {
        if (succeeded) _connection.Complete(request.Pending, response: null);
        else Context.Stop(Self);
    }

    protected override void Refuse(KafkaRequest request, ErrorCode code, string message)
    {
        if (code == ErrorCode.UnknownServerError)
            _server.Log.Error("{0} of {1} failed: {2}", request.Body.ApiKey, _connection.Remote, message);
        if (request.Body is ProduceRequest { Acks: 0 }) Context.Stop(Self);
        else _connection.Complete(request.Pending, ErrorResponses.For(request.Body, code, message));
    }

    protected override void Release(KafkaRequest request) => _connection.Memory.Give(request.Bytes);

    private void OnRequest(KafkaRequest request)
    {
        var header = request.Pending.Header;
        var body = request.Body;
        if (body is FetchRequest fetch)
        {
            body = _fetches.Begin(fetch with { MaxBytes = Math.Min(fetch.MaxBytes, _server.Options.MaxFetchBytes) }, byId: header.ApiVersion >= FetchByTopicId, out var refusal);
            if (body is null)
            {
                Release(request);
                _connection.Complete(request.Pending, new FetchResponse { ErrorCode = refusal });
                return;
            }
        }

        var context = new RequestContext(RequestContext.Anonymous, header.ClientId, ListenerAddress.Name, _clientAddress, int.MaxValue);
        Begin(request.Id, request, context, body, header.ApiVersion, ownsBuffers: true);
    }

    /// <summary>A request that waits for its answer is no silence, however long it takes.</summary>
    private void OnSilence()
    {
        if (IsIdle) Context.Stop(Self);
    }

    private sealed class ConnectionEnded
    {
        public static readonly ConnectionEnded Instance = new();
    }
}

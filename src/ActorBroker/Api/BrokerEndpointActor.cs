using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace ActorBroker.Api;

/// <summary>
/// <c>/user/actorbroker</c>: the one address that clients use. Gives every client a session of its own, named by where its
/// requests come from, and admits no more than the limits say. Does nothing that takes time, since all requests pass here.
/// A client of this process is watched. One elsewhere says goodbye, loses its connection, or is silent until it counts as
/// idle: a watch would quarantine its whole system once either side was paused for a while.
/// </summary>
internal sealed class BrokerEndpointActor : ReceiveActor
{
    public const string Name = "actorbroker";

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RequestDispatcher _dispatcher;
    private readonly SessionLimits _limits;
    private readonly RequestMemory _memory;
    private readonly Dictionary<IActorRef, Session> _byClient = [];

    /// <summary>Every session that has not stopped yet, with its client; also those whose client is gone.</summary>
    private readonly Dictionary<IActorRef, (IActorRef Client, SessionLoad Load)> _byActor = [];

    private long _refused;

    public BrokerEndpointActor(RequestDispatcher dispatcher, SessionLimits limits)
    {
        _dispatcher = dispatcher;
        _limits = limits;
        _memory = new RequestMemory(limits.MaxBytesTotal);
        Receive<ApiRequest>(OnRequest);
        Receive<ApiUnreadable>(unreadable => Sender.Tell(unreadable.Reject()));
        Receive<SessionProtocol.Idle>(_ => OnIdle(Sender));
        Receive<ApiGoodbye>(_ => OnGone(Sender));
        Receive<DisassociatedEvent>(lost => OnConnectionLost(lost.RemoteAddress));
        Receive<Terminated>(terminated => OnTerminated(terminated.ActorRef));
    }

    private readonly record struct Session(IActorRef Actor, SessionLoad Load);

    public static Props Props(RequestDispatcher dispatcher, SessionLimits limits) =>
        Akka.Actor.Props.Create(() => new BrokerEndpointActor(dispatcher, limits));

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        foreach (var client in _byClient.Keys)
            if (!IsLocal(client)) client.Tell(ApiGoodbye.Instance, Self);
    }

    /// <summary>A session that fails answers what is open, forgets it, and goes on with its next request.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Restart);

    private void OnRequest(ApiRequest request)
    {
        if (!_byClient.TryGetValue(Sender, out var session) && !TryOpen(Sender, out session))
        {
            Refuse(request, $"The broker serves {_limits.MaxSessions} clients, the most that are allowed (actorbroker.api.max-sessions).");
            return;
        }

        var bytes = RequestWeight.Of(request.Body);
        if (session.Load.TryAdmit(bytes) is { } refusal)
        {
            Refuse(request, refusal);
            return;
        }

        session.Actor.Tell(new SessionProtocol.Admitted(request, bytes), Sender);
    }

    private void Refuse(ApiRequest request, string reason)
    {
        // Often enough to be seen, seldom enough not to be a flood of its own.
        if (long.IsPow2(++_refused)) _log.Warning("Refused {0} requests so far, the last of {1}: {2}", _refused, Sender.Path, reason);
        Sender.Tell(request.Reject(ErrorCode.ThrottlingQuotaExceeded, reason));
    }

    private bool TryOpen(IActorRef client, out Session session)
    {
        session = default;
        if (_byClient.Count >= _limits.MaxSessions) return false;
        var load = new SessionLoad(_limits, _memory);
        var actor = Context.ActorOf(ApiSession.Props(client, _dispatcher, load, _limits.IdleTimeout));
        session = new Session(actor, load);
        _byClient.Add(client, session);
        _byActor.Add(actor, (client, load));
        if (IsLocal(client)) Context.Watch(client);
        Context.Watch(actor);
        return true;
    }

    private void OnIdle(IActorRef actor)
    {
        // Whatever was forwarded and not answered counts as pending, so nothing can be lost by stopping now.
        if (!_byActor.TryGetValue(actor, out var session) || session.Load.Pending > 0) return;
        Context.Unwatch(session.Client);
        _byClient.Remove(session.Client);
        Context.Stop(actor);
    }

    private static bool IsLocal(IActorRef client) => client.Path.Address.HasLocalScope;

    private bool OnGone(IActorRef client)
    {
        if (!_byClient.Remove(client, out var session)) return false;
        Context.Unwatch(client);
        Context.Stop(session.Actor);
        return true;
    }

    /// <summary>Its clients see it too, and ask again what was not answered.</summary>
    private void OnConnectionLost(Address remote)
    {
        foreach (var client in _byClient.Keys.Where(client => client.Path.Address.Equals(remote)).ToList()) OnGone(client);
    }

    private void OnTerminated(IActorRef gone)
    {
        if (OnGone(gone)) return;
        if (!_byActor.Remove(gone, out var stopped)) return;
        stopped.Load.ReleaseAll();
        // It stopped by itself while its client is still served: the next request opens another.
        if (_byClient.TryGetValue(stopped.Client, out var current) && current.Actor.Equals(gone))
        {
            Context.Unwatch(stopped.Client);
            _byClient.Remove(stopped.Client);
        }
    }
}

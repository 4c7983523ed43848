using ActorBroker.Protocol;
using Akka.Actor;

namespace ActorBroker.Api;

/// <summary>
/// One request on its way through a handler. It is answered once, by <see cref="Reply"/>, <see cref="Fail"/>,
/// <see cref="ReplyWhen"/> or <see cref="ReplyNothing"/>; all four go through the session's mailbox and are safe from any
/// thread. An answer after the first is dropped.
/// </summary>
/// <param name="id">Unique within the session.</param>
/// <param name="version">Of the API in which the client speaks, and is answered.</param>
/// <param name="ownsBuffers">False when the request's bytes are shared with a client in this process and must not be changed.</param>
/// <param name="host">The session that runs the call.</param>
internal sealed class ApiCall(long id, RequestContext context, IRequest request, short version, bool ownsBuffers, IActorRef session, ICallHost host)
{
    public long Id => id;

    public RequestContext Context => context;

    public IRequest Request => request;

    public short Version => version;

    public bool OwnsBuffers => ownsBuffers;

    /// <summary>Where other actors send an <see cref="ICallReply"/> to.</summary>
    public IActorRef Session => session;

    public void Reply(IResponse response) => session.Tell(new SessionProtocol.Completed(id, response), ActorRefs.NoSender);

    /// <summary>Answers that the request as a whole failed, where its response has no place to say so.</summary>
    public void Fail(ErrorCode code, string message) => session.Tell(new SessionProtocol.Failed(id, code, message), ActorRefs.NoSender);

    /// <summary>A faulted or cancelled task answers <see cref="ErrorCode.UnknownServerError"/>; a handler that knows better catches.</summary>
    public void ReplyWhen(Task<IResponse> task) => _ = task.PipeTo(
        session,
        ActorRefs.NoSender,
        success: response => new SessionProtocol.Completed(id, response),
        failure: cause => new SessionProtocol.Failed(id, ErrorCode.UnknownServerError, cause.Message));

    /// <summary>Ends a call that by its kind has no answer (acks=0).</summary>
    /// <param name="succeeded">False: a transport that can show it does.</param>
    public void ReplyNothing(bool succeeded) => session.Tell(new SessionProtocol.Silenced(id, succeeded), ActorRefs.NoSender);

    /// <summary>
    /// Only from within <see cref="IRequestHandler.Handle"/> or a method of <see cref="IPendingCall"/>: replies that name this
    /// call go to <paramref name="pending"/> until the call is answered, and after <paramref name="timeout"/> it is told so.
    /// </summary>
    public void Await(IPendingCall pending, TimeSpan timeout) => host.Await(id, pending, timeout);
}

/// <summary>What a call needs of the session that runs it, on the session's thread.</summary>
internal interface ICallHost
{
    void Await(long call, IPendingCall pending, TimeSpan timeout);
}

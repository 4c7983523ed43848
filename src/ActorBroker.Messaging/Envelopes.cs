using ActorBroker.Protocol;

namespace ActorBroker.Messaging;

/// <summary>A request on its way to <c>/user/actorbroker</c>. The answer goes to the sender.</summary>
/// <param name="CorrelationId">The client's own number for it; comes back in the answer.</param>
/// <param name="ClientId">How the client calls itself, for logs and quotas.</param>
/// <param name="MaxResponseBytes">
/// The largest answer the client can take, serialized, envelope included: what its <c>maximum-frame-size</c> leaves. The
/// broker fits the answer to it.
/// </param>
/// <param name="Body">The request.</param>
public sealed record ApiRequest(int CorrelationId, string? ClientId, int MaxResponseBytes, IRequest Body)
{
    /// <summary>
    /// Bytes of a frame that clients leave for remoting's envelope (both actors' paths, serializer and manifest) and a
    /// message's fixed fields.
    /// </summary>
    public const int FrameReserve = 2048;

    /// <summary>The version of the API in which the body travels; the highest known here unless both sides agreed on less.</summary>
    public short Version { get; init; } = ApiRegistry.Get(Body.ApiKey).MaxVersion;

    /// <summary>The answer, in the request's version, which the asker knows.</summary>
    public ApiResponse Answer(IResponse body) => new(CorrelationId, body) { Version = Version };

    /// <summary>The refusal of the request as a whole.</summary>
    public ApiRejected Reject(ErrorCode code, string message) => new(CorrelationId, code, message);
}

/// <summary>The answer to an <see cref="ApiRequest"/>.</summary>
/// <param name="CorrelationId">The request's.</param>
/// <param name="Body">The response.</param>
public sealed record ApiResponse(int CorrelationId, IResponse Body)
{
    /// <summary>The version of the API in which the body travels: the request's.</summary>
    public short Version { get; init; } = ApiRegistry.Get(Body.ApiKey).MaxVersion;
}

/// <summary>
/// The request was refused before any API handled it, or its answer could not be read: then the receiving side's serializer
/// made this message.
/// </summary>
/// <param name="CorrelationId">The request's.</param>
/// <param name="ErrorCode">Why.</param>
/// <param name="Message">The same in words.</param>
public sealed record ApiRejected(int CorrelationId, ErrorCode ErrorCode, string Message);

/// <summary>
/// A request that arrived, but whose body could not be read: of an unknown API or version, or malformed. Never sent: the
/// receiving side's serializer makes it, so that the sender gets an answer instead of silence.
/// </summary>
/// <param name="CorrelationId">The request's.</param>
/// <param name="ErrorCode">Why.</param>
/// <param name="Message">The same in words.</param>
public sealed record ApiUnreadable(int CorrelationId, ErrorCode ErrorCode, string Message)
{
    public ApiRejected Reject() => new(CorrelationId, ErrorCode, Message);
}

/// <summary>
/// From either side: whoever sends it is about to stop and will neither ask nor answer any more. Between nodes this stands in
/// for death watch, which would cut a peer off for good (quarantine) that was only silent for a while, as a paused process is.
/// </summary>
public sealed record ApiGoodbye
{
    public static ApiGoodbye Instance { get; } = new();
}

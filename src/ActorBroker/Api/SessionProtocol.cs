using ActorBroker.Messaging;
using ActorBroker.Protocol;

namespace ActorBroker.Api;

/// <summary>What a client's session hears, all from inside the broker.</summary>
internal static class SessionProtocol
{
    /// <summary>A request that the endpoint has admitted and counted.</summary>
    public sealed record Admitted(ApiRequest Request, long Bytes);

    /// <summary>A call is answered.</summary>
    public sealed record Completed(long Call, IResponse Response);

    /// <summary>A call is over that by its kind has no answer.</summary>
    public sealed record Silenced(long Call, bool Succeeded);

    /// <summary>A call is answered with an error in place of its response.</summary>
    public sealed record Failed(long Call, ErrorCode Code, string Message);

    /// <summary>To the endpoint: nothing came for a while. The endpoint, who knows what is on its way, decides.</summary>
    internal sealed class Idle
    {
        public static Idle Instance { get; } = new();
    }

    /// <summary>A call's time is over. From the session's own timers only.</summary>
    internal sealed record CallTimeout(long Call);
}

namespace ActorBroker.Api;

/// <summary>Who asks, and how: the same for actor clients and Kafka clients.</summary>
/// <param name="Principal">The authenticated identity, or <see cref="Anonymous"/>.</param>
/// <param name="ClientId">What the client calls itself; never trusted.</param>
/// <param name="Listener">Name of the listener it came in by.</param>
/// <param name="ClientAddress">Where it sits, for logs and access rules.</param>
/// <param name="MaxResponseBytes">The largest response its transport can take; larger ones would be dropped on the way.</param>
public sealed record RequestContext(string Principal, string? ClientId, string Listener, string ClientAddress, int MaxResponseBytes)
{
    public const string Anonymous = "User:ANONYMOUS";
}

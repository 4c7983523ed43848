namespace ActorBroker.Api;

/// <summary>Sessions read logs, which may wait for the disk: they run on threads of their own (reference.conf).</summary>
internal static class ApiDispatcher
{
    public const string Path = "actorbroker.api-dispatcher";
}

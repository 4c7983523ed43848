using System.Collections.Frozen;
using ActorBroker.Protocol;

namespace ActorBroker.Api;

/// <summary>Finds the handler of a request. Built once, at hosting time; shared by all sessions.</summary>
internal sealed class RequestDispatcher(IEnumerable<IRequestHandler> handlers)
{
    private readonly FrozenDictionary<ApiKey, IRequestHandler> _handlers = handlers.ToFrozenDictionary(handler => handler.ApiKey);

    /// <summary>What this node serves: the answer to ApiVersions.</summary>
    public IReadOnlyCollection<ApiKey> Served => _handlers.Keys;

    public void Dispatch(ApiCall call)
    {
        if (_handlers.TryGetValue(call.Request.ApiKey, out var handler))
            handler.Handle(call);
        else
            call.Fail(ErrorCode.UnsupportedVersion, $"This broker does not serve {call.Request.ApiKey}.");
    }
}

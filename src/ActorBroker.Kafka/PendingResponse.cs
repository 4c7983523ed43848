using ActorBroker.Protocol;

namespace ActorBroker.Kafka;

/// <summary>A request's place in the order of responses.</summary>
internal sealed class PendingResponse(RequestHeader header)
{
    public RequestHeader Header => header;

    /// <summary>The version in which the body is written.</summary>
    public short BodyVersion { get; set; } = header.ApiVersion;

    /// <summary>Null where by its kind the request has none.</summary>
    public IResponse? Response { get; private set; }

    public bool IsComplete { get; private set; }

    public void Complete(IResponse? response)
    {
        Response = response;
        IsComplete = true;
    }
}

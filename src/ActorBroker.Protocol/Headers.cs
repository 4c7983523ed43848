namespace ActorBroker.Protocol;

/// <summary>
/// What stands before a request on Kafka's TCP protocol.
/// <code>
/// v1  int16 api key, int16 api version, int32 correlation id, nullable string client id
/// v2  the same (client id not compact), tagged fields
/// </code>
/// </summary>
/// <param name="ApiKey">May be a key not known here.</param>
/// <param name="ApiVersion">May be a version not known here, so that the listener can answer so.</param>
/// <param name="CorrelationId">Comes back in the response's header.</param>
/// <param name="ClientId">How the client calls itself.</param>
public readonly record struct RequestHeader(ApiKey ApiKey, short ApiVersion, int CorrelationId, string? ClientId)
{
    public static RequestHeader Read(ref ProtocolReader r)
    {
        var key = (ApiKey)r.ReadInt16("RequestHeader.RequestApiKey");
        var version = r.ReadInt16("RequestHeader.RequestApiVersion");
        var correlationId = r.ReadInt32("RequestHeader.CorrelationId");
        var clientId = r.ReadNullableString(flexible: false, nullable: true, "RequestHeader.ClientId");
        if (ApiRegistry.RequestHeaderVersion(key, version) >= 2)
            r.SkipTaggedFields("RequestHeader");
        return new RequestHeader(key, version, correlationId, clientId);
    }

    public void Write(ref ProtocolWriter w)
    {
        w.WriteInt16((short)ApiKey);
        w.WriteInt16(ApiVersion);
        w.WriteInt32(CorrelationId);
        w.WriteNullableString(ClientId, flexible: false, nullable: true, "RequestHeader.ClientId", ApiVersion);
        if (ApiRegistry.RequestHeaderVersion(ApiKey, ApiVersion) >= 2)
            w.WriteUnsignedVarint(0);
    }
}

/// <summary>
/// What stands before a response: int32 correlation id, and tagged fields from version 1 on.
/// <see cref="ApiRegistry.ResponseHeaderVersion"/> says which.
/// </summary>
public readonly record struct ResponseHeader(int CorrelationId)
{
    public static ResponseHeader Read(ref ProtocolReader r, short headerVersion)
    {
        var header = new ResponseHeader(r.ReadInt32("ResponseHeader.CorrelationId"));
        if (headerVersion >= 1)
            r.SkipTaggedFields("ResponseHeader");
        return header;
    }

    public void Write(ref ProtocolWriter w, short headerVersion)
    {
        w.WriteInt32(CorrelationId);
        if (headerVersion >= 1)
            w.WriteUnsignedVarint(0);
    }
}

namespace ActorBroker.Protocol;

/// <summary>A request or response. Generated from the files in <c>Schema/</c>.</summary>
public interface IApiMessage
{
    ApiKey ApiKey { get; }

    /// <summary>Writes the body, without header, in the given version.</summary>
    /// <exception cref="ProtocolException">
    /// The version is not known, or can't carry a value that is set and may not be dropped.
    /// </exception>
    void Write(ref ProtocolWriter w, short version);
}

/// <summary>A request.</summary>
public interface IRequest : IApiMessage;

/// <summary>A request that is answered by <typeparamref name="TResponse"/>.</summary>
public interface IRequest<TResponse> : IRequest
    where TResponse : IResponse;

/// <summary>A response.</summary>
public interface IResponse : IApiMessage;

/// <summary>Sizes and bytes of messages.</summary>
public static class ApiMessageExtensions
{
    /// <summary>The bytes that the body takes in the given version, record bytes included.</summary>
    public static int SizeOf(this IApiMessage message, short version)
    {
        var measure = ProtocolWriter.Measure();
        message.Write(ref measure, version);
        return measure.Length;
    }

    /// <summary>The body in the given version, in an array of exactly its size.</summary>
    public static byte[] ToBytes(this IApiMessage message, short version)
    {
        var bytes = new byte[message.SizeOf(version)];
        var writer = new ProtocolWriter(bytes);
        message.Write(ref writer, version);
        return bytes;
    }
}

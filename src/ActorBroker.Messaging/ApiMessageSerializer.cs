using System.Runtime.Serialization;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Serialization;

namespace ActorBroker.Messaging;

/// <summary>
/// Serializes the envelopes by the codec of ActorBroker.Protocol. <see cref="ApiManifest"/> says what an envelope holds; its
/// bytes are, big-endian:
/// <code>
/// request    int8 format = 1, int32 correlation id, nullable string client id, int32 max response bytes, body
/// response   int8 format = 1, int32 correlation id, body
/// rejection  int8 format = 1, int32 correlation id, int16 error code, string message
/// goodbye    int8 format = 1, int32 0
/// </code>
/// Writing allocates one array of exactly the size, or nothing where the engine's remoting offers its buffer. Reading copies no record bytes: they are slices of the received array.
/// A body that can't be read becomes an <see cref="ApiUnreadable"/> (request) or an <see cref="ApiRejected"/> (response),
/// since Akka only logs what a serializer throws and the peer would wait in vain.
/// </summary>
public sealed partial class ApiMessageSerializer : SerializerWithStringManifest
{
    /// <summary>The serializer's id on every engine and in every release.</summary>
    public const int Id = 4053;

    private const sbyte Format = 1;
    private const int MaxMessageLength = 4096; // of a rejection, in characters; a reader needs no more

    /// <summary>Format and correlation id.</summary>
    private const int PrefixSize = 5;

    public ApiMessageSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override int Identifier => Id;

    public override string Manifest(object o) => ManifestOf(o).ToString();

    public override byte[] ToBinary(object obj)
    {
        var bytes = new byte[Measure(obj)];
        WriteTo(bytes, obj);
        return bytes;
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (!ApiManifest.TryParse(manifest, out var what))
            throw new SerializationException($"'{Shorten(manifest, 64)}' is no manifest of ActorBroker's messages: is the peer newer than this side?");
        if (bytes.Length < PrefixSize || bytes[0] != Format)
            throw new SerializationException($"{what}: {bytes.Length} bytes that are no envelope of format {Format}: is the peer newer than this side?");

        var reader = new ProtocolReader(bytes);
        reader.ReadInt8("envelope.Format");
        var correlationId = reader.ReadInt32("envelope.CorrelationId");
        try
        {
            object envelope = what.Kind switch
            {
                EnvelopeKind.Request => ReadRequest(correlationId, what, ref reader),
                EnvelopeKind.Response => ReadResponse(correlationId, what, ref reader),
                EnvelopeKind.Goodbye => ApiGoodbye.Instance,
                _ => ReadRejected(correlationId, ref reader),
            };
            reader.ExpectEnd("envelope");
            return envelope;
        }
        catch (ProtocolException e)
        {
            var message = $"{what} can't be read: {e.Message}";
            return what.Kind == EnvelopeKind.Request
                ? new ApiUnreadable(correlationId, e.ErrorCode, message)
                : new ApiRejected(correlationId, e.ErrorCode, message);
        }
    }

    private static ApiManifest ManifestOf(object message) => message switch
    {
        ApiRequest request => new ApiManifest(EnvelopeKind.Request, request.Body.ApiKey, request.Version),
        ApiResponse response => new ApiManifest(EnvelopeKind.Response, response.Body.ApiKey, response.Version),
        ApiRejected => ApiManifest.Rejected,
        ApiGoodbye => ApiManifest.Goodbye,
        _ => throw new SerializationException($"{message.GetType()} is not sent between nodes"),
    };

    private static int Measure(object message)
    {
        try
        {
            var measure = ProtocolWriter.Measure();
            Write(message, ref measure);
            return measure.Length;
        }
        catch (ProtocolException e)
        {
            throw Unwritable(message, e);
        }
    }

    private static void WriteTo(Span<byte> target, object message)
    {
        try
        {
            var writer = new ProtocolWriter(target);
            Write(message, ref writer);
        }
        catch (ProtocolException e)
        {
            throw Unwritable(message, e);
        }
    }

    /// <summary>The one exception after which Akka keeps the association.</summary>
    private static SerializationException Unwritable(object message, ProtocolException e) =>
        new($"{ManifestOf(message)} can't be sent: {e.Message}", e);

    private static void Write(object message, ref ProtocolWriter writer)
    {
        writer.WriteInt8(Format);
        switch (message)
        {
            case ApiRequest request:
                writer.WriteInt32(request.CorrelationId);
                writer.WriteNullableString(request.ClientId, flexible: false, nullable: true, "envelope.ClientId", request.Version);
                writer.WriteInt32(request.MaxResponseBytes);
                request.Body.Write(ref writer, request.Version);
                break;
            case ApiResponse response:
                writer.WriteInt32(response.CorrelationId);
                response.Body.Write(ref writer, response.Version);
                break;
            case ApiRejected rejected:
                writer.WriteInt32(rejected.CorrelationId);
                writer.WriteInt16((short)rejected.ErrorCode);
                writer.WriteString(Shorten(rejected.Message, MaxMessageLength), flexible: false, "envelope.Message");
                break;
            case ApiGoodbye:
                writer.WriteInt32(0);
                break;
            default:
                throw new SerializationException($"{message.GetType()} is not sent between nodes");
        }
    }

    private static ApiRequest ReadRequest(int correlationId, ApiManifest what, ref ProtocolReader reader)
    {
        var clientId = reader.ReadNullableString(flexible: false, nullable: true, "envelope.ClientId");
        var maxResponseBytes = reader.ReadInt32("envelope.MaxResponseBytes");
        var body = ApiRegistry.ReadRequest(what.Key, what.Version, ref reader);
        return new ApiRequest(correlationId, clientId, maxResponseBytes, body) { Version = what.Version };
    }

    private static ApiResponse ReadResponse(int correlationId, ApiManifest what, ref ProtocolReader reader) =>
        new(correlationId, ApiRegistry.ReadResponse(what.Key, what.Version, ref reader)) { Version = what.Version };

    private static ApiRejected ReadRejected(int correlationId, ref ProtocolReader reader)
    {
        var code = (ErrorCode)reader.ReadInt16("envelope.ErrorCode");
        return new ApiRejected(correlationId, code, reader.ReadString(flexible: false, "envelope.Message"));
    }

    private static string Shorten(string text, int length) => text.Length <= length ? text : text[..length];
}

using System.Text;
using Akka.Actor;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.Remote.Serialization;

/// <summary>
/// A message inside another: { 1 bytes, 2 serializer id, 3 manifest }. Nothing, as null, is one with no fields at all.
/// </summary>
internal static class NestedPayload
{
    /// <summary>Payloads may hold payloads; deeper than anyone sends, a frame would only be after the stack.</summary>
    private const int MaxDepth = 32;

    [ThreadStatic]
    private static int _depth;

    public static void Write(OutputBuffer output, int field, object? message, ExtendedActorSystem system)
    {
        using var payload = new OutputBuffer();
        if (message is not null)
        {
            var serializer = system.Serialization.FindSerializerFor(message);
            payload.Bytes(1, serializer.ToBinary(message));
            payload.Int(2, serializer.Identifier);
            payload.String(3, Akka.Serialization.Serialization.ManifestFor(serializer, message));
        }

        output.Message(field, payload.WrittenSpan);
    }

    public static object? Read(ReadOnlySpan<byte> bytes, ExtendedActorSystem system)
    {
        if (_depth >= MaxDepth)
            throw new WireFormatException("messages are nested too deeply");
        var body = ReadOnlySpan<byte>.Empty;
        var manifest = "";
        var serializer = 0;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    body = reader.BytesValue();
                    break;
                case 2:
                    serializer = reader.Int32Value();
                    break;
                case 3:
                    manifest = reader.StringValue();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (serializer == 0)
            return null;
        _depth++;
        try
        {
            return system.Serialization.Deserialize(body.ToArray(), serializer, manifest);
        }
        finally
        {
            _depth--;
        }
    }
}

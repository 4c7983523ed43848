#if !AKKA_NUGET
using Akka.Serialization;

namespace ActorBroker.Messaging;

/// <summary>The embedded engine lets a serializer write into its connection's buffer; the official one always asks for an array.</summary>
public sealed partial class ApiMessageSerializer : IBufferSerializer
{
    int IBufferSerializer.SizeOf(object message) => Measure(message);

    void IBufferSerializer.Write(object message, Span<byte> target) => WriteTo(target, message);
}
#endif

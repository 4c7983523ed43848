namespace Akka.Serialization;

/// <summary>
/// A serializer that can write into remoting's own buffer, which saves an array and a copy for each message. Not part of
/// Akka.NET 1.5, so a serializer that has it must give the same bytes by <see cref="Serializer.ToBinary"/>.
/// </summary>
internal interface IBufferSerializer
{
    /// <summary>Exactly the bytes that <see cref="Write"/> will need.</summary>
    int SizeOf(object message);

    void Write(object message, Span<byte> target);
}

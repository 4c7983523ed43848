using System.Buffers.Binary;
using System.Runtime.Serialization;

namespace ActorBroker.Pieces;

/// <summary>
/// A part of a message that may be too large for one frame of the transport. As bytes (big endian): number i64, position
/// i32, total i32, then the part.
/// </summary>
/// <param name="Number">Of the message, among those of its sender.</param>
/// <param name="At">Where the part begins in the message.</param>
/// <param name="Total">The message's size in bytes.</param>
internal readonly record struct Piece(long Number, int At, int Total, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>With its envelope it fits the smallest frame that Akka.Remote may be set to, 32,000 bytes.</summary>
    public const int MaxSize = 24 * 1024;

    public const int HeaderSize = 16;

    public int EncodedSize => HeaderSize + Bytes.Length;

    /// <summary>Cuts a message, in the order in which its pieces must be sent.</summary>
    public static IEnumerable<Piece> Cut(byte[] message, long number)
    {
        for (var at = 0; at < message.Length; at += MaxSize)
            yield return new Piece(number, at, message.Length, message.AsMemory(at, Math.Min(MaxSize, message.Length - at)));
    }

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, Number);
        BinaryPrimitives.WriteInt32BigEndian(to[8..], At);
        BinaryPrimitives.WriteInt32BigEndian(to[12..], Total);
        Bytes.Span.CopyTo(to[HeaderSize..]);
    }

    /// <param name="maxTotal">The largest message that is taken.</param>
    /// <exception cref="SerializationException">It is none.</exception>
    public static Piece Read(ReadOnlyMemory<byte> from, int maxTotal)
    {
        if (from.Length <= HeaderSize) throw new SerializationException("A piece of a message is too short.");
        var piece = new Piece(
            BinaryPrimitives.ReadInt64BigEndian(from.Span),
            BinaryPrimitives.ReadInt32BigEndian(from.Span[8..]),
            BinaryPrimitives.ReadInt32BigEndian(from.Span[12..]),
            from[HeaderSize..]);
        if (piece.Total < 1 || piece.Total > maxTotal || piece.At < 0 || piece.At > piece.Total - piece.Bytes.Length)
            throw new SerializationException("A piece of a message does not fit it.");
        return piece;
    }
}

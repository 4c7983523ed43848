using System.Buffers.Binary;
using System.Runtime.Serialization;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Serialization;

namespace ActorBroker.Journal.Quorum;

/// <summary>A piece of a <see cref="VoterMessage"/> that fits the transport's frames.</summary>
/// <param name="From">The node that sends it.</param>
/// <param name="Number">Of the message, among those of its sender.</param>
/// <param name="At">Where the piece begins in the message.</param>
/// <param name="Total">The message's size in bytes.</param>
internal sealed record VoterFrame(BrokerId From, long Number, int At, int Total, ReadOnlyMemory<byte> Piece)
{
    /// <summary>With its envelope it fits the smallest frame that Akka.Remote may be set to, 32,000 bytes.</summary>
    public const int MaxPiece = 24 * 1024;

    /// <summary>The largest entry, and what else may go with it.</summary>
    public const int MaxTotal = MaxEntry + (1024 * 1024);

    /// <summary>The largest entry of a quorum of several voters.</summary>
    public const int MaxEntry = 16 * 1024 * 1024;

    public static void Send(VoterMessage message, BrokerId self, long number, Action<VoterFrame> tell)
    {
        var bytes = VoterCodec.Encode(message);
        for (var at = 0; at < bytes.Length; at += MaxPiece)
            tell(new VoterFrame(self, number, at, bytes.Length, bytes.AsMemory(at, Math.Min(MaxPiece, bytes.Length - at))));
    }
}

/// <summary>Puts messages together again: of each sender one at a time, whose pieces come in order or not at all.</summary>
internal sealed class VoterFrameReader
{
    private const int MaxPartial = 16;

    private readonly Dictionary<IActorRef, (long Number, int End, byte[] Bytes)> _partial = [];

    /// <summary>The message that this piece completes, or null.</summary>
    /// <exception cref="IOException">It is damaged, or a newer release sent it.</exception>
    public VoterMessage? OnFrame(VoterFrame frame, IActorRef sender)
    {
        if (frame.At == 0)
        {
            if (frame.Piece.Length == frame.Total) return VoterCodec.Decode(frame.Piece.ToArray());
            // Left behind by senders that are gone; one that is not sends again.
            if (_partial.Count >= MaxPartial) _partial.Clear();
            _partial[sender] = (frame.Number, 0, new byte[frame.Total]);
        }

        // A piece was lost: the whole will be sent again.
        if (!_partial.TryGetValue(sender, out var partial) || partial.Number != frame.Number || partial.End != frame.At || partial.Bytes.Length != frame.Total) return null;
        frame.Piece.CopyTo(partial.Bytes.AsMemory(frame.At));
        var end = frame.At + frame.Piece.Length;
        if (end < frame.Total)
        {
            _partial[sender] = partial with { End = end };
            return null;
        }

        _partial.Remove(sender);
        return VoterCodec.Decode(partial.Bytes);
    }
}

/// <summary>
/// Frames between voters (big endian): sender's broker id i32, number i64, position i32, total i32, piece. Manifest: name,
/// colon, version; another version is refused. journal.conf binds it.
/// </summary>
internal sealed class VoterFrameSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string FrameManifest = "VoterFrame:1";
    private const int HeaderSize = 20;

    public override int Identifier => 4055;

    public override string Manifest(object o) => FrameManifest;

    public override byte[] ToBinary(object obj)
    {
        if (obj is not VoterFrame frame) throw new SerializationException($"{obj.GetType().Name} is not a voter's frame.");
        var bytes = new byte[HeaderSize + frame.Piece.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, frame.From.Value);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(4), frame.Number);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(12), frame.At);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), frame.Total);
        frame.Piece.Span.CopyTo(bytes.AsSpan(HeaderSize));
        return bytes;
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (!string.Equals(manifest, FrameManifest, StringComparison.Ordinal))
            throw new SerializationException($"A voter sent '{manifest}', which this release does not know: a newer release did.");
        if (bytes.Length <= HeaderSize) throw new SerializationException("A voter's frame is too short.");
        var frame = new VoterFrame(
            new BrokerId(BinaryPrimitives.ReadInt32BigEndian(bytes)),
            BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(4)),
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(12)),
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(16)),
            bytes.AsMemory(HeaderSize));
        if (frame.Total is < 1 or > VoterFrame.MaxTotal || frame.At < 0 || frame.At > frame.Total - frame.Piece.Length)
            throw new SerializationException("A voter's frame does not fit its message.");
        return frame;
    }
}

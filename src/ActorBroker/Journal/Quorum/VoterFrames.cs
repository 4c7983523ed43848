using System.Buffers.Binary;
using System.Runtime.Serialization;
using ActorBroker.Log;
using ActorBroker.Pieces;
using Akka.Actor;
using Akka.Serialization;

namespace ActorBroker.Journal.Quorum;

/// <summary>A piece of a <see cref="VoterMessage"/>.</summary>
/// <param name="From">The node that sends it.</param>
internal sealed record VoterFrame(BrokerId From, Piece Piece)
{
    /// <summary>The largest entry, and what else may go with it.</summary>
    public const int MaxTotal = MaxEntry + (1024 * 1024);

    /// <summary>The largest entry of a quorum of several voters.</summary>
    public const int MaxEntry = 16 * 1024 * 1024;

    public static void Send(VoterMessage message, BrokerId self, long number, Action<VoterFrame> tell)
    {
        foreach (var piece in Piece.Cut(VoterCodec.Encode(message), number)) tell(new VoterFrame(self, piece));
    }
}

/// <summary>Puts voters' messages together again.</summary>
internal sealed class VoterFrameReader
{
    private readonly PieceReader _pieces = new();

    /// <summary>The message that this piece completes, or null.</summary>
    /// <exception cref="IOException">It is damaged, or a newer release sent it.</exception>
    public VoterMessage? OnFrame(VoterFrame frame, IActorRef sender) =>
        _pieces.On(frame.Piece, sender) is { } bytes ? VoterCodec.Decode(bytes) : null;
}

/// <summary>
/// Frames between voters (big endian): sender's broker id i32, then the <see cref="Piece"/>. Manifest: name, colon, version;
/// another version is refused. journal.conf binds it.
/// </summary>
internal sealed class VoterFrameSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string FrameManifest = "VoterFrame:1";
    private const int FromSize = 4;

    public override int Identifier => 4055;

    public override string Manifest(object o) => FrameManifest;

    public override byte[] ToBinary(object obj)
    {
        if (obj is not VoterFrame frame) throw new SerializationException($"{obj.GetType().Name} is not a voter's frame.");
        var bytes = new byte[FromSize + frame.Piece.EncodedSize];
        BinaryPrimitives.WriteInt32BigEndian(bytes, frame.From.Value);
        frame.Piece.Write(bytes.AsSpan(FromSize));
        return bytes;
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (!string.Equals(manifest, FrameManifest, StringComparison.Ordinal))
            throw new SerializationException($"A voter sent '{manifest}', which this release does not know: a newer release did.");
        if (bytes.Length < FromSize) throw new SerializationException("A voter's frame is too short.");
        return new VoterFrame(new BrokerId(BinaryPrimitives.ReadInt32BigEndian(bytes)), Piece.Read(bytes.AsMemory(FromSize), VoterFrame.MaxTotal));
    }
}

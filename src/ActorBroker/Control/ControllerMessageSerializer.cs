using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorBroker.Pieces;
using Akka.Actor;
using Akka.Serialization;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Messages between the controller and other nodes, as JSON (UTF-8). Manifest: name, colon, version. Extend only: a property
/// is added with a default that means what its absence meant; one that this release does not know is ignored; a version
/// that it does not know, or a message that lacks what it must have, is refused. A piece of a large message is binary
/// (big endian): length u8 and UTF-8 of the message's manifest, length u16 and UTF-8 of the receiver's path, then the
/// <see cref="Piece"/>. reference.conf binds it.
/// </summary>
internal sealed class ControllerMessageSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string PieceManifest = "Piece:1";

    private static readonly ImmutableArray<(string Manifest, JsonTypeInfo Type)> Known =
    [
        ("RegisterBroker:1", ControllerJson.Default.RegisterBroker),
        ("BrokerAccepted:1", ControllerJson.Default.BrokerAccepted),
        ("BrokerRefused:1", ControllerJson.Default.BrokerRefused),
        ("BrokerHeartbeat:1", ControllerJson.Default.BrokerHeartbeat),
        ("HeartbeatAnswered:1", ControllerJson.Default.HeartbeatAnswered),
        ("BrokerUnknown:1", ControllerJson.Default.BrokerUnknown),
        ("ReconcileCompleted:1", ControllerJson.Default.ReconcileCompleted),
        ("MetadataRequest:1", ControllerJson.Default.MetadataRequest),
        ("MetadataDelta:1", ControllerJson.Default.MetadataDelta),
        ("MetadataSnapshot:1", ControllerJson.Default.MetadataSnapshot),
        ("AlterPartitions:1", ControllerJson.Default.AlterPartitions),
        ("PartitionsAltered:1", ControllerJson.Default.PartitionsAltered),
        ("SuspectBroker:1", ControllerJson.Default.SuspectBroker),
        ("AllocateProducerIds:1", ControllerJson.Default.AllocateProducerIds),
        ("ProducerIdBlock:1", ControllerJson.Default.ProducerIdBlock),
        ("CreateTopics:1", ControllerJson.Default.CreateTopics),
        ("DeleteTopics:1", ControllerJson.Default.DeleteTopics),
        ("AddPartitions:1", ControllerJson.Default.AddPartitions),
        ("AlterTopicConfigs:1", ControllerJson.Default.AlterTopicConfigs),
        ("TopicResults:1", ControllerJson.Default.TopicResults),
        ("ElectLeaders:1", ControllerJson.Default.ElectLeaders),
        ("ElectionResults:1", ControllerJson.Default.ElectionResults),
        ("AlterReassignments:1", ControllerJson.Default.AlterReassignments),
        ("ReassignmentResults:1", ControllerJson.Default.ReassignmentResults),
        ("UnregisterBroker:1", ControllerJson.Default.UnregisterBroker),
        ("UnregisterResult:1", ControllerJson.Default.UnregisterResult),
        ("DescribeQuorum:1", ControllerJson.Default.DescribeQuorum),
        ("QuorumDescription:1", ControllerJson.Default.QuorumDescription),
        ("AlterVoters:1", ControllerJson.Default.AlterVoters),
        ("VotersAltered:1", ControllerJson.Default.VotersAltered),
        ("ControllerUnavailable:1", ControllerJson.Default.ControllerUnavailable),
    ];

    public override int Identifier => 4056;

    public override string Manifest(object o) => o is MessagePiece ? PieceManifest : Find(o).Manifest;

    public override byte[] ToBinary(object obj) => obj is MessagePiece piece ? Encode(piece) : JsonSerializer.SerializeToUtf8Bytes(obj, Find(obj).Type);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest == PieceManifest) return DecodePiece(bytes);
        foreach (var (name, type) in Known)
        {
            if (!string.Equals(name, manifest, StringComparison.Ordinal)) continue;
            try
            {
                return JsonSerializer.Deserialize(bytes, type) ?? throw new SerializationException($"A message '{manifest}' is empty.");
            }
            catch (Exception damage) when (damage is JsonException or NotSupportedException)
            {
                throw new SerializationException($"A message '{manifest}' is damaged: {damage.Message}", damage);
            }
        }

        throw new SerializationException($"A node sent '{manifest}', which this release does not know: a newer release did.");
    }

    private static (string Manifest, JsonTypeInfo Type) Find(object value)
    {
        foreach (var known in Known)
            if (known.Type.Type == value.GetType())
                return known;
        throw new SerializationException($"{value.GetType().Name} is not a message of the controller.");
    }

    private static byte[] Encode(MessagePiece piece)
    {
        var manifest = Encoding.UTF8.GetBytes(piece.Manifest);
        var to = Encoding.UTF8.GetBytes(piece.To);
        var bytes = new byte[3 + manifest.Length + to.Length + piece.Piece.EncodedSize];
        bytes[0] = checked((byte)manifest.Length);
        manifest.CopyTo(bytes, 1);
        var at = 1 + manifest.Length;
        bytes[at] = checked((byte)(to.Length >> 8));
        bytes[at + 1] = (byte)to.Length;
        to.CopyTo(bytes, at + 2);
        piece.Piece.Write(bytes.AsSpan(at + 2 + to.Length));
        return bytes;
    }

    private static MessagePiece DecodePiece(byte[] bytes)
    {
        if (bytes.Length < 1 || bytes.Length < 3 + bytes[0]) throw new SerializationException("A piece of a message is too short.");
        var at = 1 + bytes[0];
        var length = (bytes[at] << 8) + bytes[at + 1];
        if (bytes.Length < at + 2 + length) throw new SerializationException("A piece of a message is too short.");
        return new MessagePiece(
            Encoding.UTF8.GetString(bytes, 1, bytes[0]),
            Encoding.UTF8.GetString(bytes, at + 2, length),
            Piece.Read(bytes.AsMemory(at + 2 + length), MessagePiece.MaxTotal));
    }
}

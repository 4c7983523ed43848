using System.Collections.Immutable;
using System.Text;
using Akka.Actor;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.Cluster.Serialization;

/// <summary>
/// What members of a cluster send each other. The format is our own, version 1, and no node of official Akka.NET reads it; the manifests begin
/// with the version. Only the first question of a joining node and its answers have the official manifests, with a mark of ours added that
/// official nodes skip: so each engine recognizes the other, and can say why it refuses.
/// <code>
/// InitJoin { 100: version }     InitJoinAck, InitJoinNack { AddressData, 100: version }
/// Join { 1: UniqueAddress, 2*: role }     Welcome { 1: UniqueAddress, 2: Gossip }
/// GossipEnvelope { 1: from, 2: to, 3: Gossip }     GossipStatus { 1: from, 2*: Version }
/// Heartbeat { 1: from, 2: sequence }     HeartbeatRsp { 1: from, 2: sequence }     ExitingConfirmed, Leave, Down { 1: UniqueAddress }
/// </code>
/// </summary>
public class ClusterMessageSerializer : SerializerWithStringManifest
{
    internal const string InitJoinManifest = "Akka.Cluster.InternalClusterAction+InitJoin, Akka.Cluster";
    internal const string InitJoinAckManifest = "Akka.Cluster.InternalClusterAction+InitJoinAck, Akka.Cluster";
    internal const string InitJoinNackManifest = "Akka.Cluster.InternalClusterAction+InitJoinNack, Akka.Cluster";

    // An official node logs the manifest that it does not know.
    private const string JoinManifest = "E1-Join (Akka.Embedded: clusters with official Akka.NET nodes can't form)";
    private const string WelcomeManifest = "E1-W";
    private const string GossipManifest = "E1-G";
    private const string StatusManifest = "E1-S";
    private const string HeartbeatManifest = "E1-HB";
    private const string HeartbeatRspManifest = "E1-HBR";
    private const string ExitingConfirmedManifest = "E1-EC";
    private const string LeaveManifest = "E1-L";
    private const string DownManifest = "E1-D";
    private const int MarkField = 100;
    private const int Version = 1;

    public ClusterMessageSerializer(ExtendedActorSystem system) : base(system) { }

    public override int Identifier => 5;

    public override string Manifest(object o) => o switch
    {
        ClusterProtocol.InitJoin => InitJoinManifest,
        ClusterProtocol.InitJoinAck => InitJoinAckManifest,
        ClusterProtocol.InitJoinNack => InitJoinNackManifest,
        ClusterProtocol.Join => JoinManifest,
        ClusterProtocol.Welcome => WelcomeManifest,
        ClusterProtocol.GossipEnvelope => GossipManifest,
        ClusterProtocol.GossipStatus => StatusManifest,
        ClusterProtocol.Heartbeat => HeartbeatManifest,
        ClusterProtocol.HeartbeatRsp => HeartbeatRspManifest,
        ClusterProtocol.ExitingConfirmed => ExitingConfirmedManifest,
        ClusterProtocol.Leave => LeaveManifest,
        ClusterProtocol.Down => DownManifest,
        _ => throw NotMine(o),
    };

    public override byte[] ToBinary(object obj)
    {
        using var output = new OutputBuffer();
        switch (obj)
        {
            case ClusterProtocol.InitJoin:
                output.Int(MarkField, Version);
                break;
            case ClusterProtocol.InitJoinAck ack:
                WriteMarked(output, ack.Address);
                break;
            case ClusterProtocol.InitJoinNack nack:
                WriteMarked(output, nack.Address);
                break;
            case ClusterProtocol.Join join:
                GossipCodec.Write(output, 1, join.Node);
                foreach (var role in join.Roles)
                    output.String(2, role);
                break;
            case ClusterProtocol.Welcome welcome:
                GossipCodec.Write(output, 1, welcome.From);
                GossipCodec.Write(output, 2, welcome.Gossip);
                break;
            case ClusterProtocol.GossipEnvelope envelope:
                GossipCodec.Write(output, 1, envelope.From);
                GossipCodec.Write(output, 2, envelope.To);
                GossipCodec.Write(output, 3, envelope.Gossip);
                break;
            case ClusterProtocol.GossipStatus status:
                GossipCodec.Write(output, 1, status.From);
                GossipCodec.WriteVersion(output, 2, status.Version);
                break;
            case ClusterProtocol.Heartbeat heartbeat:
                GossipCodec.Write(output, 1, new UniqueAddress(heartbeat.From, 0));
                output.Int(2, heartbeat.SequenceNr);
                break;
            case ClusterProtocol.HeartbeatRsp response:
                GossipCodec.Write(output, 1, response.From);
                output.Int(2, response.SequenceNr);
                break;
            case ClusterProtocol.ExitingConfirmed confirmed:
                GossipCodec.Write(output, 1, confirmed.Node);
                break;
            case ClusterProtocol.Leave leave:
                GossipCodec.Write(output, 1, new UniqueAddress(leave.Address, 0));
                break;
            case ClusterProtocol.Down down:
                GossipCodec.Write(output, 1, new UniqueAddress(down.Address, 0));
                break;
            default:
                throw NotMine(obj);
        }

        return output.ToArray();
    }

    private static void WriteMarked(OutputBuffer output, Address address)
    {
        PduEncoder.WriteAddress(output, address);
        output.Int(MarkField, Version);
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest is InitJoinManifest or InitJoinAckManifest or InitJoinNackManifest)
            return ReadMarked(bytes, manifest);
        if (!manifest.StartsWith("E1-", StringComparison.Ordinal))
            return new ClusterProtocol.Foreign(manifest);
        var fields = Fields.Read(bytes);
        return manifest switch
        {
            JoinManifest => new ClusterProtocol.Join(fields.Node, [.. fields.Seconds.Select(Encoding.UTF8.GetString)]),
            WelcomeManifest => new ClusterProtocol.Welcome(fields.Node, GossipCodec.ReadGossip(fields.Second)),
            GossipManifest => new ClusterProtocol.GossipEnvelope(fields.Node, GossipCodec.ReadNode(fields.Second), GossipCodec.ReadGossip(fields.Third),
                system.Scheduler.MonotonicClock),
            StatusManifest => new ClusterProtocol.GossipStatus(fields.Node, ReadVersion(fields.Seconds)),
            HeartbeatManifest => new ClusterProtocol.Heartbeat(fields.Node.Address, fields.Number),
            HeartbeatRspManifest => new ClusterProtocol.HeartbeatRsp(fields.Node, fields.Number),
            ExitingConfirmedManifest => new ClusterProtocol.ExitingConfirmed(fields.Node),
            LeaveManifest => new ClusterProtocol.Leave(fields.Node.Address),
            DownManifest => new ClusterProtocol.Down(fields.Node.Address),
            _ => throw new ArgumentException($"Unknown manifest [{manifest}]: the sender's cluster is of a later version.", nameof(manifest)),
        };
    }

    private static IClusterMessage ReadMarked(byte[] bytes, string manifest)
    {
        var version = 0;
        var reader = new ProtoReader(bytes);
        while (reader.Next(out var field))
            if (field == MarkField)
                version = reader.Int32Value();
            else
                reader.Skip();
        return (version, manifest) switch
        {
            (0, _) => new ClusterProtocol.Foreign(manifest),
            (_, InitJoinManifest) => ClusterProtocol.InitJoin.Instance,
            (_, InitJoinAckManifest) => new ClusterProtocol.InitJoinAck(PduDecoder.DecodeAddress(bytes)),
            _ => new ClusterProtocol.InitJoinNack(PduDecoder.DecodeAddress(bytes)),
        };
    }

    private static ArgumentException NotMine(object o) => new($"This serializer does not take {o.GetType()}.", nameof(o));

    /// <summary>The fields of all these messages; which of them there are, and what the second holds, depends on the manifest.</summary>
    private ref struct Fields
    {
        private UniqueAddress? _node;

        public Fields() { }

        public readonly UniqueAddress Node => _node ?? throw new WireFormatException("a cluster message names no node");

        public long Number { get; private set; }

        public List<byte[]> Seconds { get; } = [];

        public ReadOnlySpan<byte> Third { get; private set; }

        public readonly ReadOnlySpan<byte> Second => Seconds.Count == 1 ? Seconds[0] : throw new WireFormatException("a cluster message has no body, or two");

        public static Fields Read(ReadOnlySpan<byte> bytes)
        {
            var fields = new Fields();
            var reader = new ProtoReader(bytes);
            while (reader.Next(out var field))
            {
                switch (field)
                {
                    case 1:
                        fields._node = GossipCodec.ReadNode(reader.BytesValue());
                        break;
                    case 2 when reader.IsBytes:
                        fields.Seconds.Add(reader.BytesValue().ToArray());
                        break;
                    case 2:
                        fields.Number = unchecked((long)reader.VarintValue());
                        break;
                    case 3:
                        fields.Third = reader.BytesValue();
                        break;
                    default:
                        reader.Skip();
                        break;
                }
            }

            return fields;
        }
    }

    private static VectorClock ReadVersion(List<byte[]> entries)
    {
        var versions = ImmutableSortedDictionary.CreateBuilder<VectorClock.Node, long>();
        foreach (var entry in entries)
            GossipCodec.ReadVersion(entry, versions);
        return VectorClock.Create(versions.ToImmutable());
    }
}

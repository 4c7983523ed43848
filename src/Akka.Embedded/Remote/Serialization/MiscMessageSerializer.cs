using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.Remote.Serialization;

/// <summary>The engine's own small messages, each under a short manifest (Akka.NET's ContainerFormats.proto).</summary>
public sealed class MiscMessageSerializer : SerializerWithStringManifest
{
    private const string IdentifyManifest = "ID";
    private const string ActorIdentityManifest = "AID";
    private const string ActorRefManifest = "AR";
    private const string PoisonPillManifest = "PP";
    private const string KillManifest = "K";
    private const string HeartbeatManifest = "RWHB";
    private const string HeartbeatRspManifest = "RWHR";
    private const string LocalScopeManifest = "LS";
    private const string RemoteScopeManifest = "RS";
    private const string ConfigManifest = "CF";
    private const string FailureManifest = "STF";
    private const string SuccessManifest = "STS";
    private const string NobodyPath = "nobody";

    public MiscMessageSerializer(ExtendedActorSystem system) : base(system) { }

    public override int Identifier => 16;

    public override string Manifest(object o) => o switch
    {
        Identify => IdentifyManifest,
        ActorIdentity => ActorIdentityManifest,
        IActorRef => ActorRefManifest,
        PoisonPill => PoisonPillManifest,
        Kill => KillManifest,
        RemoteWatcher.Heartbeat => HeartbeatManifest,
        RemoteWatcher.HeartbeatRsp => HeartbeatRspManifest,
        LocalScope => LocalScopeManifest,
        RemoteScope => RemoteScopeManifest,
        Config => ConfigManifest,
        Status.Failure => FailureManifest,
        Status.Success => SuccessManifest,
        _ => throw NotMine(o),
    };

    public override byte[] ToBinary(object obj)
    {
        if (obj is PoisonPill or Kill or RemoteWatcher.Heartbeat or LocalScope)
            return [];
        if (obj is Config config)
            return config.IsEmpty ? [] : Encoding.UTF8.GetBytes(config.ToString(includeFallback: true));
        using var output = new OutputBuffer();
        switch (obj)
        {
            case Identify { MessageId: { } id }:
                NestedPayload.Write(output, 1, id, system);
                break;
            case Identify:
                break;
            case ActorIdentity identity:
                NestedPayload.Write(output, 1, identity.MessageId, system);
                output.String(2, Akka.Serialization.Serialization.SerializedActorPath(identity.Subject));
                break;
            case Nobody:
                output.String(1, NobodyPath);
                break;
            case IActorRef actorRef:
                output.String(1, Akka.Serialization.Serialization.SerializedActorPath(actorRef));
                break;
            case RemoteWatcher.HeartbeatRsp response:
                output.Int(1, response.AddressUid);
                break;
            case RemoteScope scope:
                WriteScope(output, scope);
                break;
            case Status.Success success:
                NestedPayload.Write(output, 1, success.Status, system);
                break;
            case Status.Failure failure:
                ExceptionCodec.Write(output, 1, failure.Cause);
                NestedPayload.Write(output, 2, failure.State, system);
                break;
            default:
                throw NotMine(obj);
        }

        return output.ToArray();
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        switch (manifest)
        {
            case PoisonPillManifest:
                return PoisonPill.Instance;
            case KillManifest:
                return Kill.Instance;
            case HeartbeatManifest:
                return RemoteWatcher.Heartbeat.Instance;
            case LocalScopeManifest:
                return LocalScope.Instance;
            case ConfigManifest:
                return bytes.Length == 0 ? Config.Empty : ConfigurationFactory.ParseString(Encoding.UTF8.GetString(bytes));
        }

        var fields = Fields.Read(bytes);
        switch (manifest)
        {
            case IdentifyManifest:
                return new Identify(fields.HasFirst ? NestedPayload.Read(fields.First, system) : null);
            case ActorIdentityManifest:
                return new ActorIdentity(NestedPayload.Read(fields.First, system), Resolve(Encoding.UTF8.GetString(fields.Second)));
            case ActorRefManifest:
                var path = Encoding.UTF8.GetString(fields.First);
                return path == NobodyPath ? Nobody.Instance : Resolve(path) ?? throw new WireFormatException("an actor reference has no path");
            case HeartbeatRspManifest:
                return new RemoteWatcher.HeartbeatRsp(unchecked((int)fields.Number));
            case RemoteScopeManifest:
                return new RemoteScope(PduDecoder.DecodeAddress(fields.First));
            case SuccessManifest:
                return new Status.Success(NestedPayload.Read(fields.First, system));
            case FailureManifest:
                return new Status.Failure(ExceptionCodec.Read(fields.First)!, NestedPayload.Read(fields.Second, system));
            default:
                throw new ArgumentException($"Unknown manifest '{manifest}'.", nameof(manifest));
        }
    }

    private IActorRef? Resolve(string path) => path.Length == 0 ? null : system.Provider.ResolveActorRef(path);

    private static void WriteScope(OutputBuffer output, RemoteScope scope)
    {
        using var address = new OutputBuffer();
        PduEncoder.WriteAddress(address, scope.Address);
        output.Message(1, address.WrittenSpan);
    }

    private static ArgumentException NotMine(object o) => new($"This serializer does not take {o.GetType()}.", nameof(o));

    /// <summary>All these messages have at most two fields.</summary>
    private ref struct Fields
    {
        public bool HasFirst;
        public ReadOnlySpan<byte> First;
        public ReadOnlySpan<byte> Second;
        public ulong Number;

        public static Fields Read(ReadOnlySpan<byte> bytes)
        {
            var fields = new Fields();
            var reader = new ProtoReader(bytes);
            while (reader.Next(out var field))
            {
                switch (field)
                {
                    case 1 when reader.IsBytes:
                        fields.First = reader.BytesValue();
                        fields.HasFirst = true;
                        break;
                    case 1:
                        fields.Number = reader.VarintValue();
                        break;
                    case 2:
                        fields.Second = reader.BytesValue();
                        break;
                    default:
                        reader.Skip();
                        break;
                }
            }

            return fields;
        }
    }
}

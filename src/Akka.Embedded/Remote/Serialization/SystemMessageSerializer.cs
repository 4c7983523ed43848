using System.Text;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.Remote.Serialization;

/// <summary>
/// System messages (Akka.NET's SystemMessageFormats.proto). On the wire they go by the official type names; here those are plain
/// words, never looked up as types.
/// </summary>
public sealed class SystemMessageSerializer : SerializerWithStringManifest
{
    private const string Prefix = "Akka.Dispatch.SysMsg.", Suffix = ", Akka";

    public SystemMessageSerializer(ExtendedActorSystem system) : base(system) { }

    public override int Identifier => 22;

    public override string Manifest(object o) => o switch
    {
        Watch => Prefix + nameof(Watch) + Suffix,
        Unwatch => Prefix + nameof(Unwatch) + Suffix,
        DeathWatchNotification => Prefix + nameof(DeathWatchNotification) + Suffix,
        Terminate => Prefix + nameof(Terminate) + Suffix,
        Suspend => Prefix + nameof(Suspend) + Suffix,
        Resume => Prefix + nameof(Resume) + Suffix,
        Recreate => Prefix + nameof(Recreate) + Suffix,
        _ => throw NotMine(o),
    };

    public override byte[] ToBinary(object obj)
    {
        using var output = new OutputBuffer();
        switch (obj)
        {
            case Watch watch:
                WriteRef(output, 1, watch.Watchee);
                WriteRef(output, 2, watch.Watcher);
                break;
            case Unwatch unwatch:
                WriteRef(output, 1, unwatch.Watchee);
                WriteRef(output, 2, unwatch.Watcher);
                break;
            case DeathWatchNotification notification:
                WriteRef(output, 1, notification.Actor);
                output.Bool(2, notification.ExistenceConfirmed);
                output.Bool(3, notification.AddressTerminated);
                break;
            case Resume resume:
                ExceptionCodec.Write(output, 1, resume.CausedByFailure);
                break;
            case Recreate recreate:
                ExceptionCodec.Write(output, 1, recreate.Cause);
                break;
            case Terminate or Suspend:
                break;
            default:
                throw NotMine(obj);
        }

        return output.ToArray();
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        var fields = Fields.Read(bytes);
        return NameOf(manifest) switch
        {
            nameof(Watch) => new Watch(Resolve(fields.First), Resolve(fields.Second)),
            nameof(Unwatch) => new Unwatch(Resolve(fields.First), Resolve(fields.Second)),
            nameof(DeathWatchNotification) => new DeathWatchNotification(Resolve(fields.First), fields.ExistenceConfirmed, fields.AddressTerminated),
            nameof(Terminate) => new Terminate(),
            nameof(Suspend) => new Suspend(),
            nameof(Resume) => new Resume(ExceptionCodec.Read(fields.First)),
            nameof(Recreate) => new Recreate(ExceptionCodec.Read(fields.First) ?? new RemoteFailureException("restarted by a peer", null)),
            _ => throw new ArgumentException($"'{manifest}' is no system message that a peer may send.", nameof(manifest)),
        };
    }

    private static string NameOf(string manifest)
    {
        if (!manifest.StartsWith(Prefix, StringComparison.Ordinal))
            return "";
        var comma = manifest.IndexOf(',', StringComparison.Ordinal);
        return comma < 0 ? manifest[Prefix.Length..] : manifest[Prefix.Length..comma];
    }

    private static void WriteRef(OutputBuffer output, int field, IActorRef actor)
    {
        using var data = new OutputBuffer();
        data.String(1, Akka.Serialization.Serialization.SerializedActorPath(actor));
        output.Message(field, data.WrittenSpan);
    }

    private IInternalActorRef Resolve(ReadOnlySpan<byte> actorRef)
    {
        var path = PduDecoder.DecodePath(actorRef);
        return path.IsEmpty
            ? throw new WireFormatException("a system message names no actor")
            : (IInternalActorRef)system.Provider.ResolveActorRef(Encoding.UTF8.GetString(path));
    }

    private static ArgumentException NotMine(object o) => new($"{o.GetType()} never leaves its system.", nameof(o));

    private ref struct Fields
    {
        public ReadOnlySpan<byte> First;
        public ReadOnlySpan<byte> Second;
        public bool ExistenceConfirmed;
        public bool AddressTerminated;

        public static Fields Read(ReadOnlySpan<byte> bytes)
        {
            var fields = new Fields();
            var reader = new ProtoReader(bytes);
            while (reader.Next(out var field))
            {
                switch (field)
                {
                    case 1:
                        fields.First = reader.BytesValue();
                        break;
                    case 2 when reader.IsBytes:
                        fields.Second = reader.BytesValue();
                        break;
                    case 2:
                        fields.ExistenceConfirmed = reader.VarintValue() != 0;
                        break;
                    case 3:
                        fields.AddressTerminated = reader.VarintValue() != 0;
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

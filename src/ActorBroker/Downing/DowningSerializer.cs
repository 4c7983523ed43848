using System.Runtime.Serialization;
using System.Text.Json;
using Akka.Actor;
using Akka.Serialization;
using static ActorBroker.Downing.DowningProtocol;

namespace ActorBroker.Downing;

/// <summary>Carries <see cref="FoundDead"/> as JSON (UTF-8). Manifest: message name, colon, version. Extend only. reference.conf binds it.</summary>
internal sealed class DowningSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string FoundDeadManifest = "FoundDead:1";

    public override int Identifier => 4058;

    public override string Manifest(object o) => o is FoundDead ? FoundDeadManifest : throw Unknown(o.GetType().Name);

    public override byte[] ToBinary(object obj) =>
        obj is FoundDead found ? JsonSerializer.SerializeToUtf8Bytes(found, DowningJson.Default.FoundDead) : throw Unknown(obj.GetType().Name);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest != FoundDeadManifest) throw Unknown(manifest);
        try
        {
            return JsonSerializer.Deserialize(bytes, DowningJson.Default.FoundDead) ?? throw new SerializationException($"A message '{manifest}' is empty.");
        }
        catch (JsonException e)
        {
            throw new SerializationException($"A message '{manifest}' is damaged.", e);
        }
    }

    private static SerializationException Unknown(string what) => new($"'{what}' is no message about dead nodes that this release knows.");
}

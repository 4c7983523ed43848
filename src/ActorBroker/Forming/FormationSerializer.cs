using System.Runtime.Serialization;
using System.Text.Json;
using Akka.Actor;
using Akka.Serialization;
using static ActorBroker.Forming.FormationProtocol;

namespace ActorBroker.Forming;

/// <summary>
/// Carries <see cref="IFormationMessage"/>s as JSON (UTF-8). Manifest: message name, colon, version. Extend only: nodes of
/// two releases must find each other. reference.conf binds it.
/// </summary>
internal sealed class FormationSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string HailManifest = "Hail:1";
    private const string AnswerManifest = "HailAnswer:1";

    public override int Identifier => 4057;

    public override string Manifest(object o) => o switch
    {
        Hail => HailManifest,
        HailAnswer => AnswerManifest,
        _ => throw new SerializationException($"{o.GetType().Name} is no message of formation."),
    };

    public override byte[] ToBinary(object obj) => obj switch
    {
        Hail hail => JsonSerializer.SerializeToUtf8Bytes(hail, FormationJson.Default.Hail),
        HailAnswer answer => JsonSerializer.SerializeToUtf8Bytes(answer, FormationJson.Default.HailAnswer),
        _ => throw new SerializationException($"{obj.GetType().Name} is no message of formation."),
    };

    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            object? message = manifest switch
            {
                HailManifest => JsonSerializer.Deserialize(bytes, FormationJson.Default.Hail),
                AnswerManifest => JsonSerializer.Deserialize(bytes, FormationJson.Default.HailAnswer),
                _ => throw new SerializationException($"'{manifest}' is no message of formation that this release knows."),
            };
            return message ?? throw new SerializationException($"A message '{manifest}' of formation is empty.");
        }
        catch (JsonException e)
        {
            throw new SerializationException($"A message '{manifest}' of formation is damaged.", e);
        }
    }
}

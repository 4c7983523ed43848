using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ActorBroker.Metadata;
using Akka.Actor;
using Akka.Serialization;

namespace ActorBroker.Control;

/// <summary>
/// Stores controller events as JSON (UTF-8). Manifest: event name, colon, version. A property that this release does
/// not know is ignored (extend only); a version that it does not know is refused. reference.conf binds it.
/// </summary>
internal sealed class ControlEventSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private static readonly ImmutableArray<(string Manifest, JsonTypeInfo Type)> Known =
    [
        ("ClusterFormed:1", ControlJson.Default.ClusterFormed),
        ("BrokerRegistered:1", ControlJson.Default.BrokerRegistered),
        ("BrokerFencingChanged:1", ControlJson.Default.BrokerFencingChanged),
        ("BrokerStopping:1", ControlJson.Default.BrokerStopping),
        ("BrokerRemoved:1", ControlJson.Default.BrokerRemoved),
        ("TopicCreated:1", ControlJson.Default.TopicCreated),
        ("PartitionsAdded:1", ControlJson.Default.PartitionsAdded),
        ("PartitionChanged:1", ControlJson.Default.PartitionChanged),
        ("TopicConfigChanged:1", ControlJson.Default.TopicConfigChanged),
        ("TopicDeleted:1", ControlJson.Default.TopicDeleted),
    ];

    public override int Identifier => 4054;

    public override string Manifest(object o) => Find(o).Manifest;

    public override byte[] ToBinary(object obj) => JsonSerializer.SerializeToUtf8Bytes(obj, Find(obj).Type);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (TypeOf(manifest) is { } type)
            return JsonSerializer.Deserialize(bytes, type) ?? throw new SerializationException($"The controller event '{manifest}' is empty.");
        throw new SerializationException(
            $"The controller's log holds an event '{manifest}' that this release does not know: a newer release wrote it. Start that release, or newer.");
    }

    /// <summary>Null for a manifest that this release does not know.</summary>
    public static JsonTypeInfo? TypeOf(string manifest)
    {
        foreach (var (name, type) in Known)
            if (string.Equals(name, manifest, StringComparison.Ordinal))
                return type;
        return null;
    }

    public static (string Manifest, JsonTypeInfo Type) Find(object value)
    {
        foreach (var known in Known)
            if (known.Type.Type == value.GetType())
                return known;
        throw new SerializationException($"{value.GetType().Name} is not a controller event.");
    }
}

[JsonSerializable(typeof(ClusterFormed))]
[JsonSerializable(typeof(BrokerRegistered))]
[JsonSerializable(typeof(BrokerFencingChanged))]
[JsonSerializable(typeof(BrokerStopping))]
[JsonSerializable(typeof(BrokerRemoved))]
[JsonSerializable(typeof(TopicCreated))]
[JsonSerializable(typeof(PartitionsAdded))]
[JsonSerializable(typeof(PartitionChanged))]
[JsonSerializable(typeof(TopicConfigChanged))]
[JsonSerializable(typeof(TopicDeleted))]
[JsonSerializable(typeof(ImmutableSortedDictionary<string, string>))]
internal sealed partial class ControlJson : JsonSerializerContext;

using System.Buffers.Binary;
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
/// not know is ignored (extend only); a version that it does not know is refused. A part of an image is binary (big
/// endian): index i32, count i32, then its bytes. reference.conf binds it.
/// </summary>
internal sealed class ControlEventSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string ImagePartManifest = "ImagePart:1";
    private const int PartHeader = 8;

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
        ("ProducerIdsAllocated:1", ControlJson.Default.ProducerIdsAllocated),
    ];

    public override int Identifier => 4054;

    public override string Manifest(object o) => o is ImagePart ? ImagePartManifest : Find(o).Manifest;

    public override byte[] ToBinary(object obj) => obj is ImagePart part ? Encode(part) : JsonSerializer.SerializeToUtf8Bytes(obj, Find(obj).Type);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest == ImagePartManifest) return DecodePart(bytes);
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

    private static byte[] Encode(ImagePart part)
    {
        var bytes = new byte[PartHeader + part.Bytes.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, part.Index);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), part.Count);
        part.Bytes.Span.CopyTo(bytes.AsSpan(PartHeader));
        return bytes;
    }

    private static ImagePart DecodePart(byte[] bytes)
    {
        if (bytes.Length < PartHeader) throw new SerializationException("A part of a metadata image is too short.");
        var part = new ImagePart(BinaryPrimitives.ReadInt32BigEndian(bytes), BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(4)), bytes.AsMemory(PartHeader));
        if (part.Index < 0 || part.Index >= part.Count) throw new SerializationException($"A metadata image of {part.Count} parts has no part {part.Index}.");
        return part;
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
[JsonSerializable(typeof(ProducerIdsAllocated))]
[JsonSerializable(typeof(ImmutableSortedDictionary<string, string>))]
internal sealed partial class ControlJson : JsonSerializerContext;

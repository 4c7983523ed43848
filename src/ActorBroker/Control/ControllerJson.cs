using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using ActorBroker.Log;
using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>A metadata image as stored and sent: what can be worked out from it is left out.</summary>
internal sealed record ImageDocument(
    ClusterId? ClusterId, long Version, int FeatureLevel, ImmutableArray<BrokerImage> Brokers, ImmutableArray<TopicImage> Topics, long NextProducerId = 0)
{
    public static ImageDocument Of(MetadataImage image) =>
        new(image.ClusterId, image.Version, image.FeatureLevel, [.. image.Brokers.Values], [.. image.TopicsByName.Values], image.NextProducerId);

    /// <exception cref="JsonException">It says something twice, or leaves partitions out.</exception>
    public MetadataImage ToImage()
    {
        var image = MetadataImage.Empty with { ClusterId = ClusterId, Version = Version, FeatureLevel = FeatureLevel, NextProducerId = NextProducerId };
        foreach (var broker in Brokers)
        {
            if (image.Brokers.ContainsKey(broker.Id)) throw new JsonException($"broker {broker.Id} is there twice");
            image = image.With(broker);
        }

        var byName = image.TopicsByName.ToBuilder();
        var byId = image.TopicsById.ToBuilder();
        foreach (var read in Topics)
        {
            var topic = read with { Overrides = read.Overrides.WithComparers(StringComparer.Ordinal) };
            if (topic.Partitions.IsEmpty) throw new JsonException($"topic {topic.Name} has no partitions");
            for (var i = 0; i < topic.Partitions.Length; i++)
                if (topic.Partitions[i].Index != i) throw new JsonException($"topic {topic.Name} lacks partition {i}");
            if (!byName.TryAdd(topic.Name, topic) || !byId.TryAdd(topic.Id, topic)) throw new JsonException($"topic {topic.Name} is there twice");
        }

        return image with { TopicsByName = byName.ToImmutable(), TopicsById = byId.ToImmutable() };
    }
}

/// <summary>How each message is written; ids and epochs are plain numbers and texts.</summary>
[JsonSourceGenerationOptions(
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    Converters =
    [
        typeof(BrokerIdConverter), typeof(LeaderEpochConverter), typeof(TopicIdConverter), typeof(DirectoryIdConverter), typeof(ClusterIdConverter),
        typeof(ControlEventConverter), typeof(MetadataImageConverter),
    ])]
[JsonSerializable(typeof(RegisterBroker))]
[JsonSerializable(typeof(BrokerAccepted))]
[JsonSerializable(typeof(BrokerRefused))]
[JsonSerializable(typeof(BrokerHeartbeat))]
[JsonSerializable(typeof(HeartbeatAnswered))]
[JsonSerializable(typeof(BrokerUnknown))]
[JsonSerializable(typeof(ReconcileCompleted))]
[JsonSerializable(typeof(ControllerProtocol.MetadataRequest))]
[JsonSerializable(typeof(MetadataDelta))]
[JsonSerializable(typeof(MetadataSnapshot))]
[JsonSerializable(typeof(AlterPartitions))]
[JsonSerializable(typeof(PartitionsAltered))]
[JsonSerializable(typeof(SuspectBroker))]
[JsonSerializable(typeof(AllocateProducerIds))]
[JsonSerializable(typeof(ProducerIdBlock))]
[JsonSerializable(typeof(CreateTopics))]
[JsonSerializable(typeof(DeleteTopics))]
[JsonSerializable(typeof(AddPartitions))]
[JsonSerializable(typeof(AlterTopicConfigs))]
[JsonSerializable(typeof(TopicResults))]
[JsonSerializable(typeof(ElectLeaders))]
[JsonSerializable(typeof(ElectionResults))]
[JsonSerializable(typeof(AlterReassignments))]
[JsonSerializable(typeof(ReassignmentResults))]
[JsonSerializable(typeof(UnregisterBroker))]
[JsonSerializable(typeof(UnregisterResult))]
[JsonSerializable(typeof(DescribeQuorum))]
[JsonSerializable(typeof(QuorumDescription))]
[JsonSerializable(typeof(AlterVoters))]
[JsonSerializable(typeof(VotersAltered))]
[JsonSerializable(typeof(ControllerUnavailable))]
[JsonSerializable(typeof(ImageDocument))]
internal sealed partial class ControllerJson : JsonSerializerContext;

internal sealed class BrokerIdConverter : JsonConverter<BrokerId>
{
    public override BrokerId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt32());

    public override void Write(Utf8JsonWriter writer, BrokerId value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

internal sealed class LeaderEpochConverter : JsonConverter<LeaderEpoch>
{
    public override LeaderEpoch Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt32());

    public override void Write(Utf8JsonWriter writer, LeaderEpoch value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

internal sealed class TopicIdConverter : JsonConverter<TopicId>
{
    public override TopicId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetGuid());

    public override void Write(Utf8JsonWriter writer, TopicId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}

internal sealed class DirectoryIdConverter : JsonConverter<DirectoryId>
{
    public override DirectoryId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetGuid());

    public override void Write(Utf8JsonWriter writer, DirectoryId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}

internal sealed class ClusterIdConverter : JsonConverter<ClusterId>
{
    public override ClusterId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString() ?? "");

    public override void Write(Utf8JsonWriter writer, ClusterId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}

internal sealed class MetadataImageConverter : JsonConverter<MetadataImage>
{
    public override MetadataImage Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        (JsonSerializer.Deserialize(ref reader, ControllerJson.Default.ImageDocument) ?? throw new JsonException("a metadata image is empty")).ToImage();

    public override void Write(Utf8JsonWriter writer, MetadataImage value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, ImageDocument.Of(value), ControllerJson.Default.ImageDocument);
}

/// <summary>An event with the name under which it is stored: an array of both.</summary>
internal sealed class ControlEventConverter : JsonConverter<IControlEvent>
{
    public override IControlEvent Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray || !reader.Read() || reader.TokenType != JsonTokenType.String) throw new JsonException("an event begins with its name");
        var manifest = reader.GetString()!;
        var type = ControlEventSerializer.TypeOf(manifest) ?? throw new JsonException($"event '{manifest}' is not known to this release: a newer release sent it");
        reader.Read();
        var change = JsonSerializer.Deserialize(ref reader, type) as IControlEvent ?? throw new JsonException($"event '{manifest}' is empty");
        if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray) throw new JsonException($"event '{manifest}' has something behind it");
        return change;
    }

    public override void Write(Utf8JsonWriter writer, IControlEvent value, JsonSerializerOptions options)
    {
        var (manifest, type) = ControlEventSerializer.Find(value);
        writer.WriteStartArray();
        writer.WriteStringValue(manifest);
        JsonSerializer.Serialize(writer, value, type);
        writer.WriteEndArray();
    }
}

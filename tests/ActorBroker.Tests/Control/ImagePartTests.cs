using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text.Json;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>The whole metadata as entries of the controller's log: of any size, whole or not at all, and when it is due.</summary>
public class ImagePartTests
{
    private const string Cluster = "c";
    private static readonly ControlEventSerializer Serializer = new(null!);

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(10_000)]
    public void An_image_in_parts_of_any_size_is_the_same_image(int maxBytes)
    {
        var before = Memory(topics: 20);
        var after = new ControllerMemory(10, 100);
        var parts = ImagePart.Cut(before.Image, maxBytes);
        Assert.True(maxBytes > 1000 || parts.Length > 10);
        foreach (var part in parts) after.Recover(Stored(part));
        Assert.Equal(Text(before.Image), Text(after.Image));
        Assert.Null(after.History.Since(before.Image.Version - 1));
        Assert.Empty(after.History.Since(before.Image.Version)!.Events);
    }

    // 60,000 partitions are about 10 MB, and an entry of the quorum 16 MB at most.
    [Fact]
    public void No_part_of_a_large_image_is_near_what_an_entry_may_be()
    {
        var memory = Memory(topics: 6, partitions: 10_000);
        var parts = ImagePart.Cut(memory.Image);
        Assert.True(parts.Length > 5, $"{parts.Length} parts");
        Assert.All(parts, part => Assert.True(Serializer.ToBinary(part).Length < 2 * ImagePart.MaxBytes));
        var after = new ControllerMemory(10, 100);
        foreach (var part in parts) after.Recover(part);
        Assert.Equal(Text(memory.Image), Text(after.Image));
    }

    // The first controller died between the parts; the second decided something, and later stored an image of its own.
    [Fact]
    public void Parts_without_the_others_say_nothing()
    {
        var before = Memory(topics: 20);
        var after = Memory(topics: 20);
        var parts = ImagePart.Cut(before.Image, 100);
        foreach (var part in parts[..^1]) after.Recover(part);
        after.Recover(parts[0]);
        after.Apply(Topic(20), after.Image.Version + 100);
        after.Recover(parts[1]);
        after.Recover(parts[^1]);
        before.Apply(Topic(20), after.Image.Version);
        Assert.Equal(Text(before.Image), Text(after.Image));
        foreach (var part in ImagePart.Cut(before.Image, 150)) after.Recover(part);
        Assert.Equal(Text(before.Image), Text(after.Image));
        // It was read behind the events that it replaces: those are still known.
        Assert.Single(after.History.Since(before.Image.Version - 100)!.Events);
    }

    [Fact]
    public void Nothing_that_an_image_says_is_left_out_of_what_is_stored()
    {
        string[] derived = [nameof(MetadataImage.TopicsById), nameof(MetadataImage.TopicsByName)];
        var durable = typeof(MetadataImage).GetProperties().Where(property => property.CanWrite).Select(property => property.Name).Except(derived).Append(nameof(ImageDocument.Topics));
        Assert.Equal(durable.Order(), typeof(ImageDocument).GetProperties().Select(property => property.Name).Where(name => name != "EqualityContract").Order());
    }

    [Fact]
    public void Damage_is_refused()
    {
        Assert.Throws<SerializationException>(() => Serializer.FromBinary(new byte[7], "ImagePart:1"));
        Assert.Throws<SerializationException>(() => Serializer.FromBinary(Serializer.ToBinary(new ImagePart(3, 3, default)), "ImagePart:1"));
        Assert.Throws<SerializationException>(() => Serializer.FromBinary(Serializer.ToBinary(new ImagePart(-1, 3, default)), "ImagePart:1"));
        Assert.Throws<JsonException>(() => Memory(1).Recover(new ImagePart(0, 1, "{"u8.ToArray())));
    }

    [Fact]
    public void An_image_is_due_after_so_many_events_but_not_before_as_many_as_it_would_replace()
    {
        var memory = Memory(topics: 98); // and the cluster's own event
        Assert.False(memory.IsImageDue);
        memory.Apply(Topic(98), 1000);
        Assert.True(memory.IsImageDue);
        memory.OnImageStored();
        memory.Apply(Topic(99, partitions: 500), 1001);
        for (var i = 0; i < 500; i++)
        {
            Assert.False(memory.IsImageDue);
            memory.Apply(new TopicConfigChanged(Id(0), ImmutableSortedDictionary<string, string?>.Empty), 1002 + i);
        }

        for (var i = 0; !memory.IsImageDue; i++)
        {
            Assert.True(i < 200);
            memory.Apply(new TopicConfigChanged(Id(0), ImmutableSortedDictionary<string, string?>.Empty), 2000 + i);
        }
    }

    // It could not be stored, perhaps for want of room: a controller that tried at once would fail again and again.
    [Fact]
    public void A_controller_that_finds_an_image_overdue_decides_a_few_things_first()
    {
        var memory = Memory(topics: 150);
        Assert.True(memory.IsImageDue);
        memory.OnRecovered();
        for (var i = 0; i < 10; i++)
        {
            Assert.False(memory.IsImageDue);
            memory.Apply(Topic(200 + i), 1000 + i);
        }

        Assert.True(memory.IsImageDue);
    }

    private static ControllerMemory Memory(int topics, int partitions = 1)
    {
        var memory = new ControllerMemory(eventsKept: 10, eventsBetweenImages: 100);
        memory.Apply(new ClusterFormed(Cluster, 1), 1);
        for (var i = 0; i < topics; i++) memory.Apply(Topic(i, partitions), 2 + i);
        return memory;
    }

    private static TopicCreated Topic(int number, int partitions = 1) => new(
        Id(number), $"topic-{number}", [.. Enumerable.Repeat(new PartitionAssignment([1, 2, 3], [1, 2, 3], 1), partitions)],
        ImmutableSortedDictionary<string, string>.Empty.Add("retention.ms", "é"));

    private static Guid Id(int number) => new(number, 1, 1, new byte[8]);

    private static ImagePart Stored(ImagePart part) => (ImagePart)Serializer.FromBinary(Serializer.ToBinary(part), Serializer.Manifest(part));

    private static string Text(MetadataImage image) => JsonSerializer.Serialize(ImageDocument.Of(image), ControllerJson.Default.ImageDocument);
}

using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// What members of a group tell each other through the coordinator, which does not look into it; byte for byte as Kafka's
/// consumers, so that both can share a group.
/// <code>
/// subscription  version int16 | topics [string] | user data bytes? | 1+ owned [topic string, partitions [int32]]
///               | 2+ generation int32 | 3+ rack string?
/// assignment    version int16 | partitions [topic string, partitions [int32]] | user data bytes?
/// user data     sticky: previous [topic string, partitions [int32]] | generation int32
///               cooperative-sticky: generation int32; others: none
/// </code>
/// A reader takes the fields it knows and leaves what a later version put behind them.
/// </summary>
internal static class ConsumerProtocol
{
    /// <summary>Kafka's name of the protocol type: groups of other kinds (Connect workers) can't be joined.</summary>
    public const string Type = "consumer";

    private const short Version = 3;
    private const int NoGeneration = -1;

    /// <param name="strategy">The one this subscription goes with: what user data it needs.</param>
    /// <param name="topics">Subscribed to.</param>
    /// <param name="owned">Not given up; empty where all is given up before each join.</param>
    /// <param name="previous">What it had last, given up or not.</param>
    /// <param name="generation">That gave it what it had; -1 if none did.</param>
    /// <param name="rack">Where the member stands, or null.</param>
    public static byte[] WriteSubscription(
        AssignmentStrategy strategy, IReadOnlyCollection<string> topics, IReadOnlyCollection<TopicPartition> owned,
        IReadOnlyCollection<TopicPartition> previous, int generation, string? rack)
    {
        var sorted = topics.Order(StringComparer.Ordinal).ToArray();
        ReadOnlyMemory<byte>? userData = strategy switch
        {
            AssignmentStrategy.Sticky => Write((previous, generation), WriteStickyData),
            AssignmentStrategy.CooperativeSticky => Write(generation, static (ref ProtocolWriter writer, int value) => writer.WriteInt32(value)),
            _ => default(ReadOnlyMemory<byte>?),
        };
        return Write((sorted, userData, owned, generation, rack), WriteSubscription);
    }

    /// <exception cref="ProtocolException">The bytes are no subscription.</exception>
    public static GroupMember ReadSubscription(string member, string? instance, AssignmentStrategy strategy, ReadOnlyMemory<byte> bytes)
    {
        var reader = new ProtocolReader(bytes);
        var version = reader.ReadInt16("version");
        var topics = new string[reader.ReadArrayLength(flexible: false, nullable: false, minElementSize: 2, elementCost: 8, "topics")];
        for (var i = 0; i < topics.Length; i++)
            topics[i] = reader.ReadString(flexible: false, "topic");
        var userData = reader.ReadNullableBytes(flexible: false, nullable: true, "user data");
        var owned = version >= 1 ? ReadPartitions(ref reader) : [];
        var generation = version >= 2 ? reader.ReadInt32("generation") : NoGeneration;
        if (strategy == AssignmentStrategy.Sticky && userData is { Length: > 0 } previous)
        {
            var inner = new ProtocolReader(previous);
            owned = ReadPartitions(ref inner);
            // Members of Kafka before 2.3 did not write it.
            generation = inner.Remaining >= sizeof(int) ? inner.ReadInt32("generation") : NoGeneration;
        }
        else if (version < 2 && strategy == AssignmentStrategy.CooperativeSticky && userData is { Length: >= sizeof(int) } encoded)
        {
            generation = new ProtocolReader(encoded).ReadInt32("generation");
        }

        return new GroupMember(member, instance, topics) { Owned = owned, Generation = generation };
    }

    public static byte[] WriteAssignment(IReadOnlyCollection<TopicPartition> partitions) => Write(partitions, static (ref ProtocolWriter writer, IReadOnlyCollection<TopicPartition> assigned) =>
    {
        writer.WriteInt16(Version);
        WritePartitions(ref writer, assigned);
        writer.WriteNullableBytes(null, flexible: false, nullable: true, "user data", Version);
    });

    /// <summary>No bytes at all are an empty assignment: so a coordinator answers a member that its leader left out.</summary>
    /// <exception cref="ProtocolException">The bytes are no assignment.</exception>
    public static List<TopicPartition> ReadAssignment(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty)
            return [];
        var reader = new ProtocolReader(bytes);
        reader.ReadInt16("version");
        return ReadPartitions(ref reader);
    }

    private delegate void Body<T>(ref ProtocolWriter writer, T value);

    private static byte[] Write<T>(T value, Body<T> body)
    {
        var measure = ProtocolWriter.Measure();
        body(ref measure, value);
        var bytes = new byte[measure.Length];
        var writer = new ProtocolWriter(bytes);
        body(ref writer, value);
        return bytes;
    }

    private static void WriteSubscription(
        ref ProtocolWriter writer,
        (string[] Topics, ReadOnlyMemory<byte>? UserData, IReadOnlyCollection<TopicPartition> Owned, int Generation, string? Rack) value)
    {
        writer.WriteInt16(Version);
        writer.WriteInt32(value.Topics.Length);
        foreach (var topic in value.Topics)
            writer.WriteString(topic, flexible: false, "topic");
        writer.WriteNullableBytes(value.UserData, flexible: false, nullable: true, "user data", Version);
        WritePartitions(ref writer, value.Owned);
        writer.WriteInt32(value.Generation);
        writer.WriteNullableString(value.Rack, flexible: false, nullable: true, "rack", Version);
    }

    private static void WriteStickyData(ref ProtocolWriter writer, (IReadOnlyCollection<TopicPartition> Previous, int Generation) value)
    {
        WritePartitions(ref writer, value.Previous);
        writer.WriteInt32(value.Generation);
    }

    private static void WritePartitions(ref ProtocolWriter writer, IReadOnlyCollection<TopicPartition> partitions)
    {
        var byTopic = partitions.GroupBy(partition => partition.Topic, StringComparer.Ordinal).OrderBy(topic => topic.Key, StringComparer.Ordinal).ToArray();
        writer.WriteInt32(byTopic.Length);
        foreach (var topic in byTopic)
        {
            writer.WriteString(topic.Key, flexible: false, "topic");
            writer.WriteInt32(topic.Count());
            foreach (var partition in topic.OrderBy(partition => partition.Partition))
                writer.WriteInt32(partition.Partition);
        }
    }

    private static List<TopicPartition> ReadPartitions(ref ProtocolReader reader)
    {
        var partitions = new List<TopicPartition>();
        var topics = reader.ReadArrayLength(flexible: false, nullable: false, minElementSize: 6, elementCost: 8, "topics");
        for (var i = 0; i < topics; i++)
        {
            var topic = reader.ReadString(flexible: false, "topic");
            var count = reader.ReadArrayLength(flexible: false, nullable: false, minElementSize: 4, elementCost: 16, "partitions");
            for (var j = 0; j < count; j++)
                partitions.Add(new TopicPartition(topic, reader.ReadInt32("partition")));
        }

        return partitions;
    }
}

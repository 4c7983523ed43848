using ActorBroker.Protocol;

namespace ActorBroker.Groups;

/// <summary>The one thing a coordinator reads in consumers' own metadata: the topics, so that offsets in use don't expire.</summary>
internal static class Subscriptions
{
    public const string ConsumerType = "consumer";

    private const string Field = "subscription";

    /// <summary>Null when any member's can't be read: then nothing is known about what the group reads.</summary>
    public static HashSet<string>? TopicsOf(IEnumerable<GroupMember> members, string? protocol)
    {
        var topics = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in members)
            if (!TryAdd(member.MetadataOf(protocol), topics)) return null;
        return topics;
    }

    private static bool TryAdd(ReadOnlyMemory<byte> metadata, HashSet<string> topics)
    {
        try
        {
            var reader = new ProtocolReader(metadata);
            if (reader.ReadInt16(Field) < 0) return false;
            var count = reader.ReadArrayLength(flexible: false, nullable: false, minElementSize: 2, elementCost: 8, Field);
            for (var i = 0; i < count; i++) topics.Add(reader.ReadString(flexible: false, Field));
            return true;
        }
        catch (ProtocolException)
        {
            return false;
        }
    }
}

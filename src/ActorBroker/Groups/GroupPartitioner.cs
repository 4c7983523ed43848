namespace ActorBroker.Groups;

/// <summary>Which partition of <c>__consumer_offsets</c> holds a group: Kafka's rule, so that Kafka's tools look in the right place.</summary>
internal static class GroupPartitioner
{
    public const string Topic = "__consumer_offsets";

    public static int PartitionOf(string group, int partitions)
    {
        // Java's String.hashCode.
        var hash = 0;
        foreach (var c in group) hash = unchecked((31 * hash) + c);
        return (hash & int.MaxValue) % partitions;
    }
}

namespace ActorBroker.Api.Admin;

/// <summary>What access rules about the cluster as a whole name.</summary>
internal static class ClusterResource
{
    /// <summary>Kafka's.</summary>
    public const string Name = "kafka-cluster";
}

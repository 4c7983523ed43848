using System.Collections.Immutable;
using Akka.Configuration;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Hosting;

/// <summary>A node's own settings: who it is, where its data lies, what the controller and topics default to.</summary>
/// <param name="ClusterId">Null: what the data folder says, or a new cluster's.</param>
/// <param name="AdvertisedHost">Null: the host that Akka.Remote advertises.</param>
/// <param name="DiskReserveBytes">Free bytes below which writes are refused.</param>
internal sealed record BrokerOptions(
    BrokerId NodeId,
    string DataDirectory,
    ClusterId? ClusterId,
    string? Rack,
    long DiskReserveBytes,
    ControllerOptions Controller,
    TopicDefaults TopicDefaults)
{
    public const string Section = "actorbroker";

    /// <exception cref="BrokerConfigurationException">Lists every fault.</exception>
    public static BrokerOptions Read(Config config)
    {
        var reader = new OptionsReader(config.GetConfig(Section), Section);
        var options = Read(reader);
        reader.ThrowIfFaulty();
        return options;
    }

    internal static BrokerOptions Read(OptionsReader reader)
    {
        var node = new BrokerId(reader.Int("node.id", least: 0));
        var clusterId = reader.OptionalText("cluster.id");
        return new BrokerOptions(
            node,
            reader.OptionalText("data.dir") ?? DefaultDataDirectory(node),
            clusterId is null ? null : new ClusterId(clusterId),
            reader.OptionalText("broker.rack"),
            reader.Long("disk.reserve.bytes", least: 0),
            new ControllerOptions(
                reader.Int("num.partitions", least: 1),
                reader.Int("default.replication.factor", least: 1, most: short.MaxValue),
                reader.Int("max.partitions.per.topic", least: 1)),
            ReadTopicDefaults(reader));
    }

    /// <summary>The user's application data folder, so that a node started anywhere finds its data again.</summary>
    public static string DefaultDataDirectory(BrokerId node) =>
        Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create),
            "actorbroker", $"node-{node}");

    private static TopicDefaults ReadTopicDefaults(OptionsReader reader)
    {
        var values = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var key in TopicConfigCatalog.All)
        {
            // min.insync.replicas depends on the replication factor unless it is set here.
            var value = reader.Text(key.BrokerKey);
            if (value.Length == 0) continue;
            reader.Check(key.BrokerKey, key.Fault);
            if (value != key.Default || key.Name == TopicConfigCatalog.MinInsyncReplicas) values[key.Name] = value;
        }

        return new TopicDefaults(values.ToImmutable());
    }
}

using System.Collections.Immutable;
using ActorBroker.Api;
using ActorBroker.Cleaning;
using ActorBroker.Control;
using ActorBroker.Forming;
using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Replication;
using Akka.Configuration;

namespace ActorBroker.Hosting;

/// <summary>A node's own settings: who it is, where its data lies, what the controller and topics default to.</summary>
/// <param name="ClusterId">Null: what the data folder says, or the cluster that accepts this node.</param>
/// <param name="AdvertisedHost">Null: the host that Akka.Remote advertises.</param>
/// <param name="DiskReserveBytes">Free bytes below which writes are refused.</param>
/// <param name="AutoCreateTopics">Whether topics are made that a Kafka client asks about.</param>
internal sealed record BrokerOptions(
    BrokerId NodeId,
    string DataDirectory,
    ClusterId? ClusterId,
    string? Rack,
    ClusterContacts Contacts,
    long DiskReserveBytes,
    bool AutoCreateTopics,
    ControllerOptions Controller,
    TopicDefaults TopicDefaults,
    ReplicationOptions Replication,
    SessionLimits Sessions,
    ListenerOptions Listener,
    GroupOptions Groups,
    NodeLifecycleOptions Lifecycle)
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
        var lifecycle = ReadLifecycle(reader);
        return new BrokerOptions(
            node,
            reader.OptionalText("data.dir") ?? DefaultDataDirectory(node),
            clusterId is null ? null : new ClusterId(clusterId),
            reader.OptionalText("broker.rack"),
            ReadContacts(reader),
            reader.Long("disk.reserve.bytes", least: 0),
            reader.Boolean("auto.create.topics.enable"),
            new ControllerOptions(
                reader.Int("num.partitions", least: 1),
                reader.Int("default.replication.factor", least: 1, most: short.MaxValue),
                reader.Int("max.partitions.per.topic", least: 1),
                lifecycle.Session,
                ReadImbalanceCheck(reader),
                reader.Int("leader.imbalance.per.broker.percentage", least: 0, most: 100),
                reader.Int("metadata.log.max.events.between.images", least: 100),
                ReadInternalReplicationFactor(reader)),
            ReadTopicDefaults(reader),
            ReadReplication(reader),
            ReadSessions(reader),
            ListenerOptions.Read(reader),
            ReadGroups(reader),
            lifecycle);
    }

    private static NodeLifecycleOptions ReadLifecycle(OptionsReader reader)
    {
        var heartbeat = reader.Milliseconds("broker.heartbeat.interval.ms", least: 10);
        var patience = reader.Milliseconds("controlled.shutdown.timeout.ms", least: 1);
        return new NodeLifecycleOptions(
            heartbeat,
            reader.Milliseconds("broker.session.timeout.ms", least: (long)heartbeat.TotalMilliseconds * 2),
            reader.Boolean("controlled.shutdown.enable") ? patience : TimeSpan.Zero);
    }

    /// <summary>Null where leaders are moved on command only.</summary>
    private static TimeSpan? ReadImbalanceCheck(OptionsReader reader)
    {
        var interval = TimeSpan.FromSeconds(reader.Int("leader.imbalance.check.interval.seconds", least: 1));
        return reader.Boolean("auto.leader.rebalance.enable") ? interval : null;
    }

    private static int ReadInternalReplicationFactor(OptionsReader reader)
    {
        const string Key = "offsets.topic.replication.factor";
        reader.Check(Key, text => text == "0" ? "must be -1 or at least 1" : null);
        var factor = reader.Int(Key, least: -1, most: short.MaxValue);
        return factor == -1 ? InternalTopics.DefaultReplicationFactor : factor;
    }

    /// <summary>The user's application data folder, so that a node started anywhere finds its data again.</summary>
    public static string DefaultDataDirectory(BrokerId node) =>
        Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create),
            "actorbroker", $"node-{node}");

    private static ClusterContacts ReadContacts(OptionsReader reader)
    {
        var voters = ClusterContacts.ParseVoters(reader.Text(ClusterContacts.VotersKey), out var faults);
        reader.Fault(ClusterContacts.VotersKey, faults);
        var seeds = ClusterContacts.ParseSeeds(reader.Text(ClusterContacts.SeedsKey), out faults);
        reader.Fault(ClusterContacts.SeedsKey, faults);
        return new ClusterContacts(voters, seeds);
    }

    private static ReplicationOptions ReadReplication(OptionsReader reader) => new(
        reader.Milliseconds("log.retention.check.interval.ms", least: 1),
        reader.Milliseconds("replica.high.watermark.checkpoint.interval.ms", least: 1),
        reader.Milliseconds("log.flush.offset.checkpoint.interval.ms", least: 1),
        reader.Int("num.recovery.threads.per.data.dir", least: 1, most: 256),
        reader.Milliseconds("replica.lag.time.max.ms", least: 1),
        reader.Milliseconds("producer.id.expiration.ms", least: 1),
        reader.Milliseconds("producer.id.expiration.check.interval.ms", least: 1),
        reader.Int("replication.port", least: 0, most: ushort.MaxValue),
        reader.Int("replication.advertised-port", least: 0, most: ushort.MaxValue),
        new FollowerOptions(
            reader.Milliseconds("replica.fetch.wait.max.ms", least: 1),
            reader.Int("replica.fetch.min.bytes", least: 1),
            reader.Int("replica.fetch.max.bytes", least: 1),
            reader.Int("replica.fetch.response.max.bytes", least: 1),
            reader.Milliseconds("replica.fetch.backoff.ms", least: 1),
            reader.Milliseconds("replica.socket.timeout.ms", least: 1),
            reader.Int("replica.socket.receive.buffer.bytes", least: -1)),
        new CleanerOptions(
            reader.Milliseconds("log.cleaner.backoff.ms", least: 1),
            reader.Long("log.cleaner.dedupe.buffer.size", least: 1024 * 1024),
            reader.Int("log.cleaner.io.buffer.size", least: 1024),
            reader.Long("log.cleaner.io.max.bytes.per.second", least: 1024)));

    private static SessionLimits ReadSessions(OptionsReader reader) => new(
        reader.Int("api.max-sessions", least: 1),
        reader.Int("api.max-pending-per-session", least: 1),
        reader.Long("api.max-bytes-per-session", least: 1),
        reader.Long("api.max-bytes-total", least: 1),
        reader.Milliseconds("api.session-idle-ms", least: 1));

    private static GroupOptions ReadGroups(OptionsReader reader)
    {
        var least = reader.Milliseconds("group.min.session.timeout.ms", least: 1);
        return new GroupOptions(
            least,
            reader.Milliseconds("group.max.session.timeout.ms", least: (long)least.TotalMilliseconds),
            reader.Milliseconds("group.initial.rebalance.delay.ms", least: 0),
            reader.Int("group.max.size", least: 1),
            reader.Milliseconds("offsets.commit.timeout.ms", least: 1),
            reader.Int("offset.metadata.max.bytes", least: 0, most: short.MaxValue / 3), // characters, of which UTF-8 makes up to three bytes each
            TimeSpan.FromMinutes(reader.Int("offsets.retention.minutes", least: 1)),
            reader.Milliseconds("offsets.retention.check.interval.ms", least: 1),
            reader.Int("offsets.load.buffer.size", least: 1),
            reader.Int("offsets.topic.num.partitions", least: 1),
            reader.Int("offsets.topic.replication.factor", least: -1, most: short.MaxValue),
            reader.Int("offsets.topic.segment.bytes", least: 1024 * 1024));
    }

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

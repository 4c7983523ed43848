using System.Collections.Immutable;
using ActorBroker.Metadata;
using ActorBroker.Protocol;

namespace ActorBroker.Hosting;

/// <summary>One setting of a broker as clients are shown it.</summary>
/// <param name="Value">Null where it is empty, and nothing stands for it.</param>
/// <param name="Default">What reference.conf says, likewise.</param>
internal sealed record BrokerConfig(string Name, ConfigType Type, string? Value, string? Default, string Documentation)
{
    public bool IsDefault => string.Equals(Value, Default, StringComparison.Ordinal);
}

/// <summary>
/// The settings of this broker that clients are shown, under Kafka's names and types where Kafka has them. None can be changed
/// while it runs, and none is a secret.
/// </summary>
internal static class BrokerConfigs
{
    private const string MaxConnections = "max.connections";

    private static readonly ImmutableArray<(string Name, ConfigType Type, string Documentation)> Keys =
    [
        ("node.id", ConfigType.Int, "This node's number, unique in the cluster."),
        ("broker.rack", ConfigType.String, "Where this node stands: replicas of a partition are spread over racks."),
        ("cluster.id", ConfigType.String, "The cluster whose data this node may hold; empty: whatever its data folder says."),
        ("controller.quorum.voters", ConfigType.List, "The nodes that vote on the cluster's metadata, as ID@HOST:PORT."),
        ("controller.quorum.bootstrap.servers", ConfigType.List, "Nodes to ask for the way into the cluster, as HOST:PORT."),
        ("disk.reserve.bytes", ConfigType.Long, "Free bytes on the volume below which writes are refused."),
        ("auto.create.topics.enable", ConfigType.Boolean, "Whether a topic is made that a Kafka client asks about and nobody made."),
        ("num.partitions", ConfigType.Int, "Partitions of a topic whose creator didn't say."),
        ("default.replication.factor", ConfigType.Int, "Replicas of a topic whose creator didn't say; never more than there are brokers."),
        ("max.partitions.per.topic", ConfigType.Int, "The most partitions that one topic may have."),
        ("broker.heartbeat.interval.ms", ConfigType.Int, "How often a broker tells the controller that it lives."),
        ("broker.session.timeout.ms", ConfigType.Int, "The silence after which the controller fences a broker."),
        ("metadata.log.max.events.between.images", ConfigType.Int, "Changes of the metadata after which all of it is stored as an image."),
        ("controlled.shutdown.enable", ConfigType.Boolean, "Whether a broker that stops has others lead in its place first."),
        ("controlled.shutdown.timeout.ms", ConfigType.Int, "How long it waits for that."),
        ("auto.leader.rebalance.enable", ConfigType.Boolean, "Whether a broker gets back the partitions that name it first."),
        ("leader.imbalance.check.interval.seconds", ConfigType.Long, "How often that is looked at."),
        ("leader.imbalance.per.broker.percentage", ConfigType.Int, "The part of such partitions that others may lead, in percent."),
        ("log.retention.check.interval.ms", ConfigType.Long, "How often segments are rolled by age and old ones deleted."),
        ("log.cleaner.backoff.ms", ConfigType.Long, "How long the cleaner of compacted logs waits where none is dirty enough."),
        ("log.cleaner.dedupe.buffer.size", ConfigType.Long, "The most memory that a cleaning takes for the keys it meets."),
        ("log.cleaner.io.buffer.size", ConfigType.Int, "Memory for reading and writing logs that are cleaned."),
        ("log.cleaner.io.max.bytes.per.second", ConfigType.Double, "Bytes that cleaning reads and writes in a second, together."),
        ("log.flush.offset.checkpoint.interval.ms", ConfigType.Int, "How often it is written down how far each log is on disk."),
        ("num.recovery.threads.per.data.dir", ConfigType.Int, "Logs that are opened, closed or deleted at the same time."),
        ("producer.id.expiration.ms", ConfigType.Int, "How long a partition remembers an idempotent producer that is silent."),
        ("producer.id.expiration.check.interval.ms", ConfigType.Int, "How often such producers are looked for."),
        ("replica.high.watermark.checkpoint.interval.ms", ConfigType.Long, "How often the high watermarks are written down."),
        ("replica.lag.time.max.ms", ConfigType.Long, "How long a follower may lag behind before it leaves the in-sync replicas."),
        ("replica.fetch.wait.max.ms", ConfigType.Int, "How long a leader with nothing new holds a follower's fetch."),
        ("replica.fetch.min.bytes", ConfigType.Int, "Bytes that are worth an answer before that."),
        ("replica.fetch.max.bytes", ConfigType.Int, "The most that a follower's fetch brings of one partition."),
        ("replica.fetch.response.max.bytes", ConfigType.Int, "The most that a follower's fetch brings in all."),
        ("replica.fetch.backoff.ms", ConfigType.Int, "The longest pause of a follower after a fault."),
        ("replica.socket.timeout.ms", ConfigType.Int, "An answer to a follower that takes longer means that the connection is dead."),
        ("replica.socket.receive.buffer.bytes", ConfigType.Int, "Receive buffer of a follower's connection; -1: the system tunes it."),
        ("group.min.session.timeout.ms", ConfigType.Int, "The shortest session timeout that members of a group may choose."),
        ("group.max.session.timeout.ms", ConfigType.Int, "The longest session timeout that members of a group may choose."),
        ("group.initial.rebalance.delay.ms", ConfigType.Int, "How long a group that was empty waits for more members."),
        ("group.max.size", ConfigType.Int, "The most members of one group."),
        ("offsets.commit.timeout.ms", ConfigType.Int, "How long a commit of offsets waits for the replicas."),
        ("offset.metadata.max.bytes", ConfigType.Int, "The longest remark that a consumer may commit beside an offset."),
        ("offsets.retention.minutes", ConfigType.Int, "How long offsets are kept after their group lost its last member."),
        ("offsets.retention.check.interval.ms", ConfigType.Long, "How often that is looked at."),
        ("offsets.load.buffer.size", ConfigType.Int, "Bytes that a group coordinator reads at a time when it takes over."),
        ("offsets.topic.num.partitions", ConfigType.Int, "Partitions of __consumer_offsets when it is made."),
        ("offsets.topic.replication.factor", ConfigType.Short, "Replicas of __consumer_offsets; -1: 3, or as many as there are brokers."),
        ("listeners", ConfigType.List, "Where Kafka's protocol is served, as KAFKA://HOST:PORT; empty: nowhere."),
        ("advertised.listeners", ConfigType.List, "What clients of Kafka's protocol are told instead."),
        ("socket.request.max.bytes", ConfigType.Int, "The largest request of a Kafka client."),
        ("queued.max.request.bytes", ConfigType.Long, "Bytes of all Kafka clients' requests together."),
        ("queued.max.requests.per.connection", ConfigType.Int, "Requests of one connection whose responses have not left."),
        ("fetch.max.bytes", ConfigType.Int, "The most that a Kafka client's fetch brings."),
        (MaxConnections, ConfigType.Int, "Connections of Kafka clients at a time."),
        ("max.connections.per.ip", ConfigType.Int, "Connections of Kafka clients from one address at a time."),
        ("connections.max.idle.ms", ConfigType.Long, "The silence after which a Kafka client's connection is closed."),
        ("offsets.topic.segment.bytes", ConfigType.Int, "Segment size of __consumer_offsets."),
    ];

    /// <param name="value">By key, as configured.</param>
    /// <param name="standard">By key, as in reference.conf.</param>
    /// <param name="dataDirectory">Where the logs are, whether or not that was configured.</param>
    /// <param name="defaults">Of topics that don't say.</param>
    public static ImmutableArray<BrokerConfig> Of(Func<string, string> value, Func<string, string> standard, string dataDirectory, TopicDefaults defaults)
    {
        var configs = ImmutableArray.CreateBuilder<BrokerConfig>();
        foreach (var (name, type, documentation) in Keys)
            configs.Add(new BrokerConfig(name, type, NullIfEmpty(value(KeyOf(name))), NullIfEmpty(standard(KeyOf(name))), documentation));
        configs.Add(new BrokerConfig("log.dirs", ConfigType.List, dataDirectory, null, "The folder of logs and metadata."));
        foreach (var key in TopicConfigCatalog.All)
            configs.Add(new BrokerConfig(key.BrokerKey, key.Type, defaults.Default(key.Name, replicationFactor: 1), key.Default, key.Documentation));
        configs.Sort(static (one, other) => string.CompareOrdinal(one.Name, other.Name));
        return configs.ToImmutable();
    }

    /// <summary>In our configuration, which has no room for a value beside its own sub-keys.</summary>
    internal static string KeyOf(string name) => name == MaxConnections ? "max.connections.total" : name;

    private static string? NullIfEmpty(string value) => value.Length == 0 ? null : value;
}

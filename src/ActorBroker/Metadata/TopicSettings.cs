using System.Collections.Immutable;
using System.Globalization;
using ActorBroker.Log;

namespace ActorBroker.Metadata;

/// <summary>A topic's configuration with all defaults filled in, parsed.</summary>
/// <param name="TimestampBeforeMaxMs"><c>message.timestamp.before.max.ms</c>; long.MaxValue: no limit.</param>
/// <param name="TimestampAfterMaxMs"><c>message.timestamp.after.max.ms</c>; long.MaxValue: no limit.</param>
internal sealed record TopicSettings(
    LogOptions Log, int MinInsyncReplicas, long TimestampBeforeMaxMs, long TimestampAfterMaxMs, bool UncleanLeaderElection);

/// <summary>
/// This broker's values for topic configuration keys that a topic doesn't set: from the broker's own configuration
/// where it names them, otherwise Kafka's defaults.
/// </summary>
/// <param name="BrokerValues">By topic key (not broker key); only keys whose value is not the catalog's default.</param>
internal sealed record TopicDefaults(ImmutableDictionary<string, string> BrokerValues)
{
    /// <summary>Where the factor is three or more, a write with acks=all must be on two replicas unless somebody decided otherwise (requirement B3; Kafka's default is 1).</summary>
    public const int MinInsyncReplicasOfThree = 2;

    public static readonly TopicDefaults Standard = new(ImmutableDictionary<string, string>.Empty);

    public TopicSettings Settings(TopicImage topic)
    {
        var log = new LogOptions
        {
            SegmentBytes = (int)Number(topic, "segment.bytes"),
            SegmentTime = Milliseconds(Number(topic, "segment.ms")),
            RetentionTime = Number(topic, "retention.ms") is var retention and >= 0 ? Milliseconds(retention) : null,
            RetentionBytes = Number(topic, "retention.bytes"),
            FlushMessages = Number(topic, "flush.messages"),
            FlushTime = Number(topic, "flush.ms") is var flush and < long.MaxValue ? Milliseconds(flush) : null,
            IndexIntervalBytes = (int)Number(topic, "index.interval.bytes"),
            SegmentIndexBytes = (int)Number(topic, "segment.index.bytes"),
            MaxMessageBytes = (int)Number(topic, "max.message.bytes"),
            CleanupPolicy = TopicConfigCatalog.TryParsePolicy(Value(topic, TopicConfigCatalog.CleanupPolicy), out var policy) ? policy : CleanupPolicy.Delete,
            MinCleanableDirtyRatio = double.Parse(Value(topic, "min.cleanable.dirty.ratio"), CultureInfo.InvariantCulture),
            MinCompactionLag = Milliseconds(Number(topic, TopicConfigCatalog.MinCompactionLag)),
            MaxCompactionLag = Number(topic, TopicConfigCatalog.MaxCompactionLag) is var lag and < long.MaxValue ? Milliseconds(lag) : null,
            DeleteRetention = Milliseconds(Number(topic, "delete.retention.ms")),
            MessageTimestampType = Value(topic, "message.timestamp.type") == "LogAppendTime" ? TimestampType.LogAppendTime : TimestampType.CreateTime,
        };
        return new TopicSettings(
            log,
            MinInsyncReplicas(topic),
            Number(topic, "message.timestamp.before.max.ms"),
            Number(topic, "message.timestamp.after.max.ms"),
            AllowsUncleanElection(topic));
    }

    public int MinInsyncReplicas(TopicImage topic) => (int)Number(topic, TopicConfigCatalog.MinInsyncReplicas);

    public bool AllowsUncleanElection(TopicImage topic) => Value(topic, TopicConfigCatalog.UncleanLeaderElection) == "true";

    /// <summary>The value in force for a key of the catalog.</summary>
    public string Value(TopicImage topic, string key) =>
        topic.Overrides.TryGetValue(key, out var own) ? own : Default(key, topic.ReplicationFactor);

    /// <summary>The value for topics that don't set the key.</summary>
    public string Default(string key, int replicationFactor)
    {
        if (BrokerValues.TryGetValue(key, out var configured)) return configured;
        if (key == TopicConfigCatalog.MinInsyncReplicas && replicationFactor >= 3)
            return MinInsyncReplicasOfThree.ToString(CultureInfo.InvariantCulture);
        return TopicConfigCatalog.Find(key)!.Default;
    }

    private long Number(TopicImage topic, string key) => long.Parse(Value(topic, key), CultureInfo.InvariantCulture);

    /// <summary>Kafka's milliseconds reach further than a TimeSpan; the furthest is for ever either way.</summary>
    private static TimeSpan Milliseconds(long value) =>
        value >= TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMillisecond ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(value);
}

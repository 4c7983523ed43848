using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using ActorBroker.Protocol;

namespace ActorBroker.Metadata;

/// <summary>One topic configuration key.</summary>
/// <param name="Name">On a topic.</param>
/// <param name="BrokerKey">The broker's key that gives the default for topics that don't set it.</param>
/// <param name="Fault">Null for a value that is fine, otherwise what is wrong with it ("must be ...").</param>
internal sealed record TopicConfigKey(
    string Name, string BrokerKey, ConfigType Type, string Default, string Documentation, Func<string, string?> Fault);

/// <summary>
/// Every topic configuration key this release honours, under Kafka's names, types and defaults. A key or value that
/// Kafka has but this release would not honour is refused rather than stored and ignored.
/// </summary>
internal static class TopicConfigCatalog
{
    public const string MinInsyncReplicas = "min.insync.replicas";
    public const string UncleanLeaderElection = "unclean.leader.election.enable";

    public const string CleanupPolicy = "cleanup.policy";
    public const string MinCompactionLag = "min.compaction.lag.ms";
    public const string MaxCompactionLag = "max.compaction.lag.ms";

    public static readonly ImmutableArray<TopicConfigKey> All =
    [
        new(CleanupPolicy, "log.cleanup.policy", ConfigType.List, "delete",
            "What happens to old segments: delete (by retention.ms and retention.bytes), compact (the newest record of each key stays), or both, separated by a comma.",
            value => TryParsePolicy(value, out _) ? null : "must be delete, compact or compact,delete"),
        new("compression.type", "compression.type", ConfigType.String, "producer",
            "Batches are kept as the producer compressed them.",
            value => value == "producer" ? null : "must be producer (batches are stored as they arrive)"),
        Long("delete.retention.ms", "log.cleaner.delete.retention.ms", 86_400_000, 0, "How long a compacted topic keeps tombstones after they were first cleaned, in milliseconds: a reader that takes longer from start to end may miss deletions."),
        Long("file.delete.delay.ms", "log.segment.delete.delay.ms", 60_000, 0, "Wait before a segment's files are removed from disk, in milliseconds."),
        Long("flush.messages", "log.flush.interval.messages", long.MaxValue, 1, "Records after which the log is forced to disk. 1: every acknowledged record is on disk."),
        Long("flush.ms", "log.flush.interval.ms", long.MaxValue, 0, "Longest time in milliseconds until a record is forced to disk."),
        Int("index.interval.bytes", "log.index.interval.bytes", 4096, 0, int.MaxValue, "Bytes of log between two entries of the offset index."),
        Int("max.message.bytes", "message.max.bytes", 1_048_588, 0, int.MaxValue, "Largest record batch accepted, in bytes."),
        Long(MaxCompactionLag, "log.cleaner.max.compaction.lag.ms", long.MaxValue, 1, "Longest time in milliseconds that a record may stay uncompacted, whatever min.cleanable.dirty.ratio says (compacted topics only)."),
        Long("message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms", 3_600_000, 0, "How far in the future a record's timestamp may lie, in milliseconds (CreateTime only)."),
        Long("message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms", long.MaxValue, 0, "How far in the past a record's timestamp may lie, in milliseconds (CreateTime only)."),
        new("message.timestamp.type", "log.message.timestamp.type", ConfigType.String, "CreateTime",
            "Whether records keep the producer's time or get the broker's.",
            value => value is "CreateTime" or "LogAppendTime" ? null : "must be CreateTime or LogAppendTime"),
        Double("min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio", 0.5, 0, 1, "Part of a compacted log that must be uncleaned, from 0 to 1, before it is cleaned. Smaller: cleaned more often. Larger: more space lies in superseded records."),
        Long(MinCompactionLag, "log.cleaner.min.compaction.lag.ms", 0, 0, "Time in milliseconds that a record stays before it may be compacted away (compacted topics only)."),
        Int(MinInsyncReplicas, "min.insync.replicas", 1, 1, short.MaxValue, "In-sync replicas that a write with acks=all needs."),
        Long("retention.bytes", "log.retention.bytes", -1, -1, "Size in bytes above which a partition's oldest segments go; -1: no limit."),
        Long("retention.ms", "log.retention.ms", 604_800_000, -1, "Age in milliseconds at which segments go; -1: no limit."),
        Int("segment.bytes", "log.segment.bytes", 1_073_741_824, 1024 * 1024, int.MaxValue, "Size at which the active segment is closed and a new one begun, in bytes."),
        Int("segment.index.bytes", "log.index.size.max.bytes", 10_485_760, 4, int.MaxValue, "Largest size of a segment's index, in bytes."),
        Long("segment.ms", "log.roll.ms", 604_800_000, 1, "Age in milliseconds at which the active segment is closed, also when nothing arrives."),
        Boolean(UncleanLeaderElection, "unclean.leader.election.enable", false, "Whether a replica outside the ISR may lead when no other is left, losing what it had not got."),
    ];

    private static readonly FrozenDictionary<string, TopicConfigKey> ByName = All.ToFrozenDictionary(key => key.Name, StringComparer.Ordinal);

    public static TopicConfigKey? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>Null when the key exists and takes the value; otherwise a sentence for the person who set it.</summary>
    public static string? Fault(string name, string value)
    {
        if (Find(name) is not { } key)
            return $"Unknown topic config name: {name}. Known are: {string.Join(", ", All.Select(known => known.Name))}.";
        return key.Fault(value) is { } fault ? $"Invalid value {value} for configuration {name}: {fault}." : null;
    }

    /// <summary>What can't go together in one topic's own values, each of which is fine; null when all is well.</summary>
    public static string? Conflict(IReadOnlyDictionary<string, string> values)
    {
        var least = Number(MinCompactionLag);
        var most = Number(MaxCompactionLag);
        return least > most ? $"{MinCompactionLag}={Text(least)} is above {MaxCompactionLag}={Text(most)}: records would have to be compacted before they may be." : null;

        long Number(string name) => long.Parse(values.TryGetValue(name, out var own) ? own : Find(name)!.Default, CultureInfo.InvariantCulture);
    }

    /// <summary>Kafka's list: delete and compact, in any order, each at most once.</summary>
    public static bool TryParsePolicy(string value, out Log.CleanupPolicy policy)
    {
        policy = Log.CleanupPolicy.None;
        foreach (var name in value.Split(',', StringSplitOptions.TrimEntries))
        {
            var one = name switch
            {
                "delete" => Log.CleanupPolicy.Delete,
                "compact" => Log.CleanupPolicy.Compact,
                _ => Log.CleanupPolicy.None,
            };
            if (one == Log.CleanupPolicy.None || (policy & one) != Log.CleanupPolicy.None) return false;
            policy |= one;
        }

        return true;
    }

    private static TopicConfigKey Double(string name, string brokerKey, double standard, double least, double most, string doc) =>
        new(name, brokerKey, ConfigType.Double, Text(standard), doc, value =>
            !double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? "must be a number"
            : number >= least && number <= most ? null : $"must be from {Text(least)} to {Text(most)}");

    private static TopicConfigKey Long(string name, string brokerKey, long standard, long least, string doc) =>
        new(name, brokerKey, ConfigType.Long, Text(standard), doc, value =>
            !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? "must be a whole number"
            : number < least ? $"must be at least {Text(least)}" : null);

    private static TopicConfigKey Int(string name, string brokerKey, int standard, int least, int most, string doc) =>
        new(name, brokerKey, ConfigType.Int, Text(standard), doc, value =>
            !int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? $"must be a whole number up to {Text(most)}"
            : number < least ? $"must be at least {Text(least)}"
            : number > most ? $"must be at most {Text(most)}" : null);

    private static TopicConfigKey Boolean(string name, string brokerKey, bool standard, string doc) =>
        new(name, brokerKey, ConfigType.Boolean, standard ? "true" : "false", doc, value =>
            value is "true" or "false" ? null : "must be true or false");

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}

namespace ActorBroker.Log;

/// <summary>What retention does with old segments.</summary>
[Flags]
public enum CleanupPolicy
{
    None = 0,
    Delete = 1,
    Compact = 2,
}

/// <summary>
/// A partition log's settings, in the units of Kafka's topic keys (named in each comment). May be replaced while the log is
/// open (<see cref="PartitionLog.Options"/>). Sizes are bytes, -1 is without limit where it is allowed.
/// </summary>
public sealed record LogOptions
{
    public static LogOptions Default { get; } = new();

    /// <summary>segment.bytes</summary>
    public int SegmentBytes { get; init; } = 1 << 30;

    /// <summary>segment.ms</summary>
    public TimeSpan SegmentTime { get; init; } = TimeSpan.FromHours(168);

    /// <summary>retention.ms; null is without limit (-1).</summary>
    public TimeSpan? RetentionTime { get; init; } = TimeSpan.FromHours(168);

    /// <summary>retention.bytes; -1 is without limit.</summary>
    public long RetentionBytes { get; init; } = -1;

    /// <summary>flush.messages: records written since the last flush that make one due.</summary>
    public long FlushMessages { get; init; } = long.MaxValue;

    /// <summary>flush.ms: age of the oldest record not flushed that makes a flush due; null is never.</summary>
    public TimeSpan? FlushTime { get; init; }

    /// <summary>index.interval.bytes: log bytes between two index entries.</summary>
    public int IndexIntervalBytes { get; init; } = 4096;

    /// <summary>segment.index.bytes: the size that an index may reach before its segment rolls.</summary>
    public int SegmentIndexBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>max.message.bytes: the largest batch that is taken.</summary>
    public int MaxMessageBytes { get; init; } = 1_048_588;

    /// <summary>message.timestamp.type</summary>
    public TimestampType MessageTimestampType { get; init; } = TimestampType.CreateTime;

    /// <summary>cleanup.policy</summary>
    public CleanupPolicy CleanupPolicy { get; init; } = CleanupPolicy.Delete;

    /// <summary>min.cleanable.dirty.ratio: the part of a compacted log, from 0 to 1, that must be uncleaned before it is cleaned.</summary>
    public double MinCleanableDirtyRatio { get; init; } = 0.5;

    /// <summary>min.compaction.lag.ms: younger records are not compacted away.</summary>
    public TimeSpan MinCompactionLag { get; init; } = TimeSpan.Zero;

    /// <summary>max.compaction.lag.ms: once a record has been uncleaned for so long the log is cleaned whatever the ratio; null is never.</summary>
    public TimeSpan? MaxCompactionLag { get; init; }

    /// <summary>delete.retention.ms: how long tombstones stay after they were first cleaned.</summary>
    public TimeSpan DeleteRetention { get; init; } = TimeSpan.FromDays(1);

    public bool IsCompacted => (CleanupPolicy & CleanupPolicy.Compact) != CleanupPolicy.None;

    /// <summary>The active segment of a compacted log must roll before max.compaction.lag.ms is over, since only closed ones are cleaned.</summary>
    internal TimeSpan RollTime => IsCompacted && MaxCompactionLag is { } lag && lag < SegmentTime ? lag : SegmentTime;

    public FlushPolicy FlushPolicy => new(FlushMessages, FlushTime);

    /// <summary>Every fault, in words; empty when all is well.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        AtLeast(faults, "segment.bytes", SegmentBytes, 14);
        if (SegmentTime <= TimeSpan.Zero)
            faults.Add("segment.ms must be positive");
        if (RetentionTime < TimeSpan.Zero)
            faults.Add("retention.ms must be -1 or not negative");
        AtLeast(faults, "retention.bytes", RetentionBytes, -1);
        AtLeast(faults, "flush.messages", FlushMessages, 1);
        if (FlushTime < TimeSpan.Zero)
            faults.Add("flush.ms must not be negative");
        AtLeast(faults, "index.interval.bytes", IndexIntervalBytes, 0);
        AtLeast(faults, "segment.index.bytes", SegmentIndexBytes, TimeIndex.EntrySize);
        AtLeast(faults, "max.message.bytes", MaxMessageBytes, 0);
        if (!(MinCleanableDirtyRatio is >= 0 and <= 1))
            faults.Add("min.cleanable.dirty.ratio must be from 0 to 1");
        if (MinCompactionLag < TimeSpan.Zero)
            faults.Add("min.compaction.lag.ms must not be negative");
        if (MaxCompactionLag <= TimeSpan.Zero)
            faults.Add("max.compaction.lag.ms must be positive");
        if (DeleteRetention < TimeSpan.Zero)
            faults.Add("delete.retention.ms must not be negative");
        if (CleanupPolicy == CleanupPolicy.None)
            faults.Add("cleanup.policy must name delete, compact or both");
        return faults;
    }

    private static void AtLeast(List<string> faults, string key, long value, long least)
    {
        if (value < least)
            faults.Add($"{key} must be at least {least}, not {value}");
    }
}

namespace ActorBroker.Log;

/// <summary>When appended records must be flushed: by count (flush.messages) or age (flush.ms); by default never, replication protects them.</summary>
public readonly record struct FlushPolicy(long Messages, TimeSpan? Time)
{
    public bool IsDue(long unflushedMessages, TimeSpan oldestAge) =>
        unflushedMessages > 0 && (unflushedMessages >= Messages || oldestAge >= Time);
}

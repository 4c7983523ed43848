using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// How far one partition is.
/// <code>
/// resolving (start known, offset not) -> idle -> asking -> buffered -> idle ...
///      ^-- seek, offset out of range --'    any -> failed -- seek --> resolving
/// </code>
/// </summary>
internal sealed class PartitionReader(TopicPartition partition, StartPosition? start)
{
    public TopicPartition Partition { get; } = partition;

    /// <summary>Where to begin, as long as <see cref="Position"/> is not found; else null. Both missing: nowhere to begin.</summary>
    public StartPosition? Start { get; private set; } = start;

    /// <summary>The next offset to fetch.</summary>
    public Offset Position { get; private set; } = Offset.None;

    /// <summary>The first offset that the target has not answered for.</summary>
    public Offset Processed { get; set; } = Offset.None;

    public Offset HighWatermark { get; set; } = Offset.None;

    /// <summary>Fetched and not yet handed over.</summary>
    public FetchedRecords? Buffered { get; set; }

    /// <summary>A fetch or an offset lookup is out.</summary>
    public bool IsAsking { get; set; }

    public bool IsPaused { get; set; }

    /// <summary>To be fetched by itself: one of several partitions has a batch that fits into no answer, so that none was given.</summary>
    public bool IsAlone { get; set; }

    public bool HasFailed { get; private set; }

    /// <summary>Counts seeks: an answer to a question from before one is void.</summary>
    public int Generation { get; private set; }

    public int Failures { get; private set; }

    public TimeSpan NotBefore { get; private set; }

    /// <summary>How often in a row what was fetched turned out damaged.</summary>
    public int Damages { get; set; }

    public TimeSpan? MissingSince { get; set; }

    /// <summary>The offset last reported as the end.</summary>
    public Offset EndReported { get; set; } = Offset.None;

    /// <summary>Whether it wants an offset looked up.</summary>
    public bool MayResolve(TimeSpan now) => Start is not null && !IsAsking && !HasFailed && NotBefore <= now;

    /// <summary>Whether it wants records: also while the target still works on the last ones.</summary>
    public bool MayFetch(TimeSpan now) =>
        Start is null && Position != Offset.None && !IsAsking && !HasFailed && !IsPaused && Buffered is null && NotBefore <= now;

    /// <summary>Whether the end of its back-off changes anything.</summary>
    public bool IsBackingOff(TimeSpan now) =>
        NotBefore > now && !IsAsking && !HasFailed && (Start is not null || (!IsPaused && Buffered is null));

    public bool MayDeliver => Buffered is not null && !IsPaused && !HasFailed;

    public void Seek(StartPosition start)
    {
        Generation++;
        IsAsking = HasFailed = false;
        Restart(start);
    }

    /// <summary>Looks for a position again, dropping what was fetched.</summary>
    public void Restart(StartPosition start)
    {
        (Start, Buffered, Position, Processed, HighWatermark, EndReported) =
            (start, null, Offset.None, Offset.None, Offset.None, Offset.None);
        Succeeded();
        if (start is StartPosition.FromOffset(var offset))
            BecomeResolved(offset);
    }

    public void BecomeResolved(Offset position)
    {
        Start = null;
        Position = Processed = position;
    }

    public void BecomeFailed()
    {
        HasFailed = true;
        Buffered = null;
    }

    public void Advance(Offset position) => Position = position;

    public void Succeeded() =>
        (Failures, Damages, NotBefore, MissingSince, IsAlone) = (0, 0, TimeSpan.Zero, null, false);

    public void BackOff(TimeSpan now, Backoff backoff)
    {
        Failures++;
        NotBefore = now + backoff.Delay(Failures);
    }
}

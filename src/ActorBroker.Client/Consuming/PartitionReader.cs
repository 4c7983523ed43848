using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// How far one partition is.
/// <code>
/// resolving (start known, offset not) -> idle -> asking -> buffered -> idle ...
///      ^-- seek, offset out of range --'    any -> failed -- seek --> resolving
/// idle -- another leader --> validating (does its log hold what was read?) --> idle, at an earlier offset if not (KIP-320)
/// </code>
/// </summary>
internal sealed class PartitionReader(TopicPartition partition, StartPosition? start, int generation)
{
    public TopicPartition Partition { get; } = partition;

    /// <summary>Where to begin, as long as <see cref="Position"/> is not found; else null. Both missing: nowhere to begin.</summary>
    public StartPosition? Start { get; private set; } = start;

    /// <summary>The next offset to fetch.</summary>
    public Offset Position { get; private set; } = Offset.None;

    /// <summary>The leader epoch of what stands before <see cref="Position"/>; none where it is not known, as after a seek.</summary>
    public LeaderEpoch PositionEpoch { get; private set; } = LeaderEpoch.None;

    /// <summary>The leader epoch whose log is known to hold all up to <see cref="Position"/>.</summary>
    public LeaderEpoch ValidatedUnder { get; private set; } = LeaderEpoch.None;

    /// <summary>The newest leader epoch known.</summary>
    public LeaderEpoch LeaderEpoch { get; private set; } = LeaderEpoch.None;

    /// <summary>The leader epoch under which it last asked.</summary>
    public LeaderEpoch AskedUnder { get; private set; } = LeaderEpoch.None;

    /// <summary>Another leader must first say whether it has what was read.</summary>
    public bool NeedsValidation => Start is null && Position != Offset.None && LeaderEpoch > ValidatedUnder && PositionEpoch != LeaderEpoch.None;

    /// <summary>The first offset that the target has not answered for.</summary>
    public Offset Processed { get; private set; } = Offset.None;

    public Offset HighWatermark { get; set; } = Offset.None;

    /// <summary>Fetched and not yet handed over.</summary>
    public FetchedRecords? Buffered { get; set; }

    /// <summary>A fetch or an offset lookup is out.</summary>
    public bool IsAsking { get; set; }

    public bool IsPaused { get; set; }

    /// <summary>Waits to hear what its group committed; <see cref="Start"/> is for when that is nothing.</summary>
    public bool IsAwaitingCommitted { get; set; }

    /// <summary>To be given up: what is out to the target is waited for, nothing more is handed over.</summary>
    public bool IsHeld { get; set; }

    /// <summary>What failed and is to be handed over again, before anything else.</summary>
    public Redelivery? Redelivery { get; set; }

    /// <summary>The leader epoch of what stands before <see cref="Processed"/>.</summary>
    public LeaderEpoch ProcessedEpoch { get; private set; } = LeaderEpoch.None;

    /// <summary>To be fetched by itself: one of several partitions has a batch that fits into no answer, so that none was given.</summary>
    public bool IsAlone { get; set; }

    public bool HasFailed { get; private set; }

    /// <summary>Counts seeks: an answer to a question from before one is void.</summary>
    public int Generation { get; private set; } = generation;

    public int Failures { get; private set; }

    public TimeSpan NotBefore { get; private set; }

    /// <summary>How often in a row what was fetched turned out damaged.</summary>
    public int Damages { get; set; }

    public TimeSpan? MissingSince { get; set; }

    /// <summary>The offset last reported as the end.</summary>
    public Offset EndReported { get; set; } = Offset.None;

    /// <summary>Whether it wants an offset looked up.</summary>
    public bool MayResolve(TimeSpan now) => Start is not null && !IsAwaitingCommitted && !IsAsking && !HasFailed && NotBefore <= now;

    /// <summary>Whether it wants to know that the leader has what was read.</summary>
    public bool MayValidate(TimeSpan now) => NeedsValidation && !IsAsking && !HasFailed && Buffered is null && NotBefore <= now;

    /// <summary>Whether it wants records: also while the target still works on the last ones.</summary>
    public bool MayFetch(TimeSpan now) =>
        Start is null && Position != Offset.None && !NeedsValidation && !IsAsking && !HasFailed && !IsPaused && !IsHeld && Buffered is null && NotBefore <= now;

    /// <summary>Whether the end of its back-off changes anything.</summary>
    public bool IsBackingOff(TimeSpan now) =>
        NotBefore > now && !IsAsking && !HasFailed && !IsAwaitingCommitted && (Start is not null || NeedsValidation || (!IsPaused && !IsHeld && Buffered is null));

    public bool MayDeliver(TimeSpan now) =>
        (Redelivery is null ? Buffered is not null : Redelivery.MayDeliver(now)) && !IsPaused && !IsHeld && !HasFailed;

    public void Seek(StartPosition start)
    {
        Generation++;
        IsAsking = HasFailed = IsAwaitingCommitted = false;
        Restart(start);
    }

    /// <summary>Looks for a position again, dropping what was fetched.</summary>
    public void Restart(StartPosition start)
    {
        (Start, Buffered, Redelivery, Position, Processed, HighWatermark, EndReported) =
            (start, null, null, Offset.None, Offset.None, Offset.None, Offset.None);
        Succeeded();
        if (start is StartPosition.FromOffset(var offset))
            BecomeResolved(offset, LeaderEpoch.None);
    }

    /// <param name="position">Where to read on.</param>
    /// <param name="epoch">Of what stands before it, where known.</param>
    public void BecomeResolved(Offset position, LeaderEpoch epoch)
    {
        Start = null;
        IsAwaitingCommitted = false;
        Position = Processed = position;
        PositionEpoch = ProcessedEpoch = epoch;
        ValidatedUnder = AskedUnder;
    }

    /// <summary>Another leader ends what is left of a back-off: it waited for just that.</summary>
    public void OnLeader(LeaderEpoch epoch)
    {
        if (epoch == LeaderEpoch)
            return;
        LeaderEpoch = epoch;
        (Failures, NotBefore) = (0, TimeSpan.Zero);
        // A topic made anew under its old name begins to count again.
        if (epoch < ValidatedUnder)
            ValidatedUnder = LeaderEpoch.None;
    }

    public void BecomeAsking()
    {
        IsAsking = true;
        AskedUnder = LeaderEpoch;
    }

    /// <summary>The leader has all that was read: it said so, or it gave what follows.</summary>
    public void BecomeValidated()
    {
        if (AskedUnder > ValidatedUnder)
            ValidatedUnder = AskedUnder;
    }

    /// <summary>The group has committed nothing here: <see cref="Start"/> it is, or a failure if there is none.</summary>
    public void BecomeUncommitted()
    {
        IsAwaitingCommitted = false;
        if (Start is { } start)
            Restart(start);
    }

    /// <summary>The target is done with all before this.</summary>
    public void OnProcessed(Offset next, LeaderEpoch epoch)
    {
        Processed = next;
        if (epoch > ProcessedEpoch)
            ProcessedEpoch = epoch;
    }

    public void BecomeFailed()
    {
        HasFailed = true;
        Buffered = null;
    }

    public void Advance(Offset position, LeaderEpoch epoch)
    {
        Position = position;
        if (epoch > PositionEpoch)
            PositionEpoch = epoch;
    }

    public void Succeeded() =>
        (Failures, Damages, NotBefore, MissingSince, IsAlone) = (0, 0, TimeSpan.Zero, null, false);

    /// <summary>Unless another leader became known meanwhile: then what the old one said is no reason to wait.</summary>
    public void BackOff(TimeSpan now, Backoff backoff)
    {
        if (AskedUnder != LeaderEpoch && AskedUnder != LeaderEpoch.None)
        {
            AskedUnder = LeaderEpoch.None;
            return;
        }

        Failures++;
        NotBefore = now + backoff.Delay(Failures);
    }
}

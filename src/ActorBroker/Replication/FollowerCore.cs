using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>What a fetch brought for one partition.</summary>
/// <param name="FetchOffset">Where it asked from.</param>
/// <param name="Bytes">Of batches; 0 when it brought only marks.</param>
internal readonly record struct FetchedInput(LeaderEpoch LeaderEpoch, Offset FetchOffset, int Bytes, Offset HighWatermark, Offset LogStart);

/// <summary>
/// The follower's half of a partition: takes what was fetched, keeps up with the leader's marks, and finds where its log
/// left the leader's.
/// Invariants: it fetches from its log end, and only while nothing is being written; what belongs to another epoch or
/// another place is dropped; once it has asked for a cut it takes nothing more, since this incarnation ends there.
/// </summary>
internal sealed class FollowerCore(PartitionState state, IReplicaLog log)
{
    private Offset _leaderHighWatermark = Offset.None;
    private Offset _leaderLogStart = Offset.None;
    private Offset _askedLogStart = Offset.None;

    /// <summary>The epoch it fetches under; none while it does not.</summary>
    private LeaderEpoch _fetching = LeaderEpoch.None;

    private bool _isEnding;

    public void Begin() => (_fetching, _leaderHighWatermark, _leaderLogStart) = (LeaderEpoch.None, Offset.None, Offset.None);

    /// <summary>Nothing is being written any more.</summary>
    public void StartFetching(LeaderEpoch epoch, List<PartitionEffect> effects)
    {
        if (_isEnding || _fetching == epoch) return;
        _fetching = epoch;
        effects.Add(PartitionEffect.At(PartitionEffectKind.StartFetching, state.LogEnd, epoch));
    }

    /// <summary>
    /// True when the batches, if any came, are to be persisted. The leader's marks hold wherever this log ends, since it sends
    /// none before it has found that the logs agree: else what is to be cut would count as committed.
    /// </summary>
    public bool OnFetched(in FetchedInput fetched, List<PartitionEffect> effects)
    {
        if (_isEnding || fetched.LeaderEpoch != _fetching) return false;
        (_leaderHighWatermark, _leaderLogStart) = (fetched.HighWatermark, fetched.LogStart);
        FollowMarks(effects);
        return fetched.Bytes > 0 && fetched.FetchOffset == state.LogEnd;
    }

    /// <summary>The fetcher is gone; another begins at the log's end.</summary>
    public void OnFetcherLost() => _fetching = LeaderEpoch.None;

    public void OnWritten(List<PartitionEffect> effects)
    {
        FollowMarks(effects);
        if (_fetching != LeaderEpoch.None) effects.Add(PartitionEffect.At(PartitionEffectKind.Replicated, state.LogEnd, _fetching));
    }

    public void OnRefused(PartitionError reason, List<PartitionEffect> effects)
    {
        if (_fetching != LeaderEpoch.None)
            effects.Add(PartitionEffect.At(PartitionEffectKind.Replicated, state.LogEnd, _fetching) with { Error = reason });
    }

    /// <summary>
    /// KIP-101, 279, 595: the leader names the largest epoch that both may share and where it ends there. What is kept ends
    /// where this log or the leader's ends that epoch, whichever comes first; if this log does not have it, the next round
    /// finds an earlier one.
    /// </summary>
    public void OnDiverging(LeaderEpoch epoch, Offset fetchOffset, EpochEnd leaders, List<PartitionEffect> effects)
    {
        if (!IsCurrent(epoch, fetchOffset)) return;
        var own = log.EndOffsetFor(leaders.Epoch);
        var cut = own.Epoch == LeaderEpoch.None ? leaders.EndOffset
            : own.Epoch == leaders.Epoch ? Offset.Min(own.EndOffset, leaders.EndOffset)
            : own.EndOffset;
        cut = Offset.MaxOf(cut, state.LogStart);
        // A leader that names a point beyond this log's end contradicts itself: asked again later, it may know better.
        if (cut < state.LogEnd) End(PartitionEffect.At(PartitionEffectKind.Cut, cut, epoch), effects);
        else OnRefused(PartitionError.Diverging, effects);
    }

    /// <summary>The leader no longer has what comes next, or this log is empty and lies beyond its end.</summary>
    public void OnOutOfRange(LeaderEpoch epoch, Offset fetchOffset, Offset leaderLogStart, List<PartitionEffect> effects)
    {
        var holdsNothingOfIt = leaderLogStart > state.LogEnd || (state.LogStart == state.LogEnd && leaderLogStart != state.LogEnd);
        if (!IsCurrent(epoch, fetchOffset) || leaderLogStart == Offset.None || !holdsNothingOfIt) return;
        End(PartitionEffect.At(PartitionEffectKind.StartOver, leaderLogStart, epoch), effects);
    }

    private bool IsCurrent(LeaderEpoch epoch, Offset fetchOffset) => !_isEnding && epoch == _fetching && fetchOffset == state.LogEnd;

    private void End(PartitionEffect how, List<PartitionEffect> effects)
    {
        _isEnding = true;
        effects.Add(how);
    }

    /// <summary>As far as this log reaches. Deleted is only what is committed, which the leader's start always is.</summary>
    private void FollowMarks(List<PartitionEffect> effects)
    {
        var committed = Offset.Min(_leaderHighWatermark, state.LogEnd);
        if (committed > state.HighWatermark) state.ApplyHighWatermark(committed);
        var start = Offset.Min(_leaderLogStart, state.HighWatermark);
        if (start <= state.LogStart || start <= _askedLogStart) return;
        _askedLogStart = start;
        effects.Add(PartitionEffect.At(PartitionEffectKind.AdvanceLogStart, start, _fetching));
    }
}

using ActorBroker.Log;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Replication;

/// <summary>A follower's fetch of one partition.</summary>
/// <param name="BrokerEpoch">Of the follower's incarnation.</param>
/// <param name="FetchOffset">The follower's log end: it holds all below.</param>
/// <param name="LastEpoch">Of the follower's last batch; none when it holds none.</param>
internal readonly record struct FollowerFetch(
    RequestKey Key, BrokerId Replica, long BrokerEpoch, LeaderEpoch LeaderEpoch, Offset FetchOffset, LeaderEpoch LastEpoch);

/// <summary>
/// The leader's half of a partition: what is committed, who is answered, who is in sync.
/// Invariants: the high watermark is <see cref="IsrTracker.CommitPoint"/> and never steps back; it stands still while the
/// accepted ISR is below min.insync.replicas, whatever the acks (KIP-966); a follower's fetch counts only at this leader's own
/// epoch and where the logs have not diverged; a produce is answered in the order of its append.
/// </summary>
internal sealed class LeaderCore(PartitionState state, IReplicaLog log, long lagTimeMs)
{
    /// <summary>acks=all produces that are written but not committed, by offset.</summary>
    private readonly Queue<UncommittedProduce> _uncommitted = new();

    private readonly Dictionary<RequestKey, Offset> _waitingFetches = [];
    private readonly IsrTracker _isr = new(lagTimeMs);
    private PartitionAssignment _assignment = null!; // Begin comes first
    private int _minIsr;

    private readonly record struct UncommittedProduce(RequestKey Key, Offset NextOffset, Offset BaseOffset, long AppendTimeMs);

    /// <summary>Log end when this epoch began here: below it lies what former leaders wrote.</summary>
    public Offset EpochStart { get; private set; } = Offset.None;

    public int Waiting => _uncommitted.Count + _waitingFetches.Count;

    public bool HasEnoughReplicas => _assignment.Isr.Length >= Math.Min(_minIsr, _assignment.Replicas.Length);

    /// <summary>A new term begins; what waited for the same leader's former one goes on waiting, followers ask again.</summary>
    public void Begin(PartitionAssignment assignment, int minIsr, long nowMs, List<PartitionEffect> effects)
    {
        (_assignment, _minIsr) = (assignment, minIsr);
        EpochStart = state.LogEnd;
        AnswerFollowers(PartitionError.FencedLeaderEpoch, effects);
        _isr.Begin(assignment, nowMs);
        AdvanceHighWatermark(nowMs, effects);
    }

    public void Follow(PartitionAssignment assignment, int minIsr, long nowMs, List<PartitionEffect> effects)
    {
        (_assignment, _minIsr) = (assignment, minIsr);
        _isr.Follow(assignment);
        AdvanceHighWatermark(nowMs, effects);
        if (_isr.TryExpand(state.HighWatermark, EpochStart) is { } change) effects.Add(PartitionEffect.Propose(change));
    }

    /// <summary>Somebody else leads, or nobody: whoever waits must look there.</summary>
    public void Resign(PartitionError reason, List<PartitionEffect> effects)
    {
        EpochStart = Offset.None;
        while (_uncommitted.TryDequeue(out var produce))
            effects.Add(PartitionEffect.Refused(produce.Key, reason));
        foreach (var key in _waitingFetches.Keys)
            effects.Add(PartitionEffect.Wake(key, reason));
        _waitingFetches.Clear();
        AnswerFollowers(reason, effects);
    }

    /// <summary>The log has grown from <paramref name="endBefore"/>, by a produce of this leader's or by what it was still writing as a follower.</summary>
    public void OnGrown(Offset endBefore, long nowMs, List<PartitionEffect> effects)
    {
        _isr.OnLeaderGrows(endBefore, nowMs);
        AnswerFollowers(PartitionError.None, effects);
        AdvanceHighWatermark(nowMs, effects);
    }

    /// <summary>
    /// A batch has just been stored (then <see cref="OnGrown"/> follows), or was when it came before. A repeated one waits
    /// behind those that wait already, which are committed soon after it at the latest.
    /// </summary>
    public void OnStored(RequestKey key, Acks acks, Offset baseOffset, Offset nextOffset, long appendTimeMs, List<PartitionEffect> effects)
    {
        if (acks == Acks.All && nextOffset > state.HighWatermark) _uncommitted.Enqueue(new UncommittedProduce(key, nextOffset, baseOffset, appendTimeMs));
        else effects.Add(PartitionEffect.Appended(key, baseOffset, appendTimeMs));
    }

    /// <summary>Answered at once, or when there is more.</summary>
    public void OnFetch(in FollowerFetch fetch, long nowMs, List<PartitionEffect> effects)
    {
        var error = Check(fetch, out var end);
        if (error != PartitionError.None)
        {
            effects.Add(error == PartitionError.Diverging
                ? PartitionEffect.Diverging(fetch.Key, end.Epoch, end.EndOffset)
                : PartitionEffect.FollowerAnswer(fetch.Key, error));
            return;
        }

        var follower = _isr.OnFetch(fetch.Replica, fetch.BrokerEpoch, fetch.FetchOffset, state.LogEnd, nowMs);
        if (fetch.FetchOffset < state.LogEnd) effects.Add(PartitionEffect.FollowerAnswer(fetch.Key, PartitionError.None));
        if (follower is null) return;
        follower.Waiting = fetch.FetchOffset < state.LogEnd ? null : fetch.Key;
        if (follower.Waiting is not null && !ReferenceEquals(follower.Client, fetch.Key.Client))
            effects.Add(new PartitionEffect(PartitionEffectKind.FollowerAccepted) { Key = fetch.Key });
        follower.Client = fetch.Key.Client;
        AdvanceHighWatermark(nowMs, effects);
        if (_isr.TryExpand(fetch.Replica, state.HighWatermark, EpochStart) is { } change) effects.Add(PartitionEffect.Propose(change));
    }

    public void OnFollowerGone(in RequestKey fetch) => _isr.OnGone(fetch);

    /// <summary>What held the high watermark back may be over.</summary>
    public void OnLookAgain(long nowMs, List<PartitionEffect> effects) => AdvanceHighWatermark(nowMs, effects);

    public void OnTick(long nowMs, List<PartitionEffect> effects)
    {
        if (_isr.OnTick(state.LogEnd, state.HighWatermark, EpochStart, nowMs) is { } change) effects.Add(PartitionEffect.Propose(change));
        // Who has been late for too long no longer holds anybody up.
        AdvanceHighWatermark(nowMs, effects);
    }

    public void OnProposalRefused(int partitionEpoch, long nowMs, List<PartitionEffect> effects)
    {
        if (!_isr.HasProposal || partitionEpoch != _assignment.PartitionEpoch) return;
        _isr.OnRefused();
        AdvanceHighWatermark(nowMs, effects);
    }

    /// <summary>Registers a consumer's fetch to be woken once. It is woken at once when there is news already.</summary>
    public void OnWait(in WaitInput input, List<PartitionEffect> effects)
    {
        var error = PartitionCore.CheckEpoch(_assignment.LeaderEpoch, input.ExpectedEpoch);
        if (error != PartitionError.None || state.HighWatermark > input.SeenHighWatermark)
            effects.Add(PartitionEffect.Wake(input.Key, error));
        else
            _waitingFetches[input.Key] = input.SeenHighWatermark;
    }

    public void OnCancelWait(in RequestKey key) => _waitingFetches.Remove(key);

    private PartitionError Check(in FollowerFetch fetch, out EpochEnd end)
    {
        end = default;
        if (fetch.LeaderEpoch < _assignment.LeaderEpoch) return PartitionError.FencedLeaderEpoch;
        if (fetch.LeaderEpoch > _assignment.LeaderEpoch) return PartitionError.UnknownLeaderEpoch;
        if (!_isr.IsReplica(fetch.Replica)) return PartitionError.NotLeader;
        // The log may begin within a batch, which followers have to take whole.
        if (fetch.FetchOffset < state.LogStart && fetch.FetchOffset < log.FirstBatchOffset) return PartitionError.OffsetOutOfRange;
        if (fetch.LastEpoch == LeaderEpoch.None)
            return fetch.FetchOffset > state.LogEnd ? PartitionError.OffsetOutOfRange : PartitionError.None;
        end = log.EndOffsetFor(fetch.LastEpoch);
        // Above all that this log knows of: so the follower has what a former leader wrote and nobody committed, unless
        // there is nothing here to compare with.
        if (end.Epoch == LeaderEpoch.None) end = new EpochEnd(state.LogStart == state.LogEnd ? fetch.LastEpoch : state.LastBatchEpoch, state.LogEnd);
        return end.Epoch < fetch.LastEpoch || end.EndOffset < fetch.FetchOffset ? PartitionError.Diverging : PartitionError.None;
    }

    private void AnswerFollowers(PartitionError error, List<PartitionEffect> effects)
    {
        foreach (var follower in _isr.Followers)
        {
            if (follower.Waiting is not { } key) continue;
            follower.Waiting = null;
            effects.Add(PartitionEffect.FollowerAnswer(key, error));
        }
    }

    private void AdvanceHighWatermark(long nowMs, List<PartitionEffect> effects)
    {
        if (!HasEnoughReplicas) return;
        var committed = _isr.CommitPoint(state.LogEnd, nowMs, out var isHeld);
        if (isHeld) effects.Add(new PartitionEffect(PartitionEffectKind.LookAgain));
        if (committed <= state.HighWatermark) return;
        state.ApplyHighWatermark(committed);
        while (_uncommitted.TryPeek(out var produce) && produce.NextOffset <= committed)
        {
            _uncommitted.Dequeue();
            effects.Add(PartitionEffect.Appended(produce.Key, produce.BaseOffset, produce.AppendTimeMs));
        }

        // A waiting fetch has always seen all that was committed, so the move concerns each of them.
        foreach (var key in _waitingFetches.Keys)
            effects.Add(PartitionEffect.Wake(key, PartitionError.None));
        _waitingFetches.Clear();
    }
}

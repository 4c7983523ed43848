using System.Collections.Immutable;
using ActorBroker.Log;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Replication;

/// <summary>
/// The leader's view of who is in sync: how far followers have come, which ISR is accepted, which is proposed.
/// Invariants: at most one proposal is under way, made against the accepted standing's partition epoch; until its outcome
/// is certain, what it would add counts like the accepted ISR (maximal ISR), since the controller may have accepted it;
/// what it would take away counts until the controller has accepted that.
/// </summary>
internal sealed class IsrTracker(long lagTimeMs)
{
    /// <summary>
    /// So long the committed end waits for a follower that is about to join: under constant load it would never reach it
    /// otherwise. Short, since it may have died meanwhile without anybody's knowing.
    /// </summary>
    private const long LongestHoldMs = 500;

    private readonly long _holdMs = Math.Min(LongestHoldMs, lagTimeMs / 2);
    private readonly Dictionary<BrokerId, FollowerProgress> _followers = [];
    private PartitionAssignment _assignment = null!; // set before anything else is called
    private ImmutableArray<BrokerId>? _proposed;

    /// <summary>The last proposal was refused: no other before the next tick, or each fetch would make one.</summary>
    private bool _isHeldOff;

    public IEnumerable<FollowerProgress> Followers => _followers.Values;

    public bool HasProposal => _proposed is not null;

    /// <summary>A new term: what followers reported before may have been cut since. ISR members get a whole lag time from now.</summary>
    public void Begin(PartitionAssignment assignment, long nowMs)
    {
        _followers.Clear();
        Follow(assignment);
        foreach (var id in assignment.Isr)
            if (id != assignment.Self) _followers[id] = new FollowerProgress(nowMs);
    }

    /// <summary>A later partition epoch settles whatever was proposed.</summary>
    public void Follow(PartitionAssignment assignment)
    {
        var isNew = _assignment is null || assignment.PartitionEpoch != _assignment.PartitionEpoch || assignment.LeaderEpoch != _assignment.LeaderEpoch;
        if (isNew) _proposed = null;
        if (isNew || assignment.Brokers != _assignment!.Brokers) _isHeldOff = false;
        _assignment = assignment;
        foreach (var id in _followers.Keys)
            if (!assignment.Replicas.Contains(id)) _followers.Remove(id);
    }

    public bool IsReplica(BrokerId id) => id != _assignment.Self && _assignment.Replicas.Contains(id);

    /// <summary>Null when the fetch comes from an incarnation that has been replaced since.</summary>
    public FollowerProgress? OnFetch(BrokerId id, long brokerEpoch, Offset logEnd, Offset leaderEnd, long nowMs)
    {
        if (!_followers.TryGetValue(id, out var follower)) _followers.Add(id, follower = new FollowerProgress(null));
        if (brokerEpoch < follower.BrokerEpoch) return null;
        follower.OnFetch(logEnd, brokerEpoch, leaderEnd, nowMs);
        return follower;
    }

    /// <summary>The connection through which this fetch came is gone.</summary>
    public void OnGone(in RequestKey fetch)
    {
        foreach (var follower in _followers.Values)
            if (follower.Waiting == fetch) (follower.Waiting, follower.Client) = (null, null);
    }

    public void OnLeaderGrows(Offset leaderEndBefore, long nowMs)
    {
        foreach (var follower in _followers.Values) follower.OnLeaderGrows(leaderEndBefore, nowMs);
    }

    /// <summary>
    /// The lowest log end over everybody who may be in the ISR or be elected, now or by a decision under way; and over
    /// those that keep up and are about to join, so that the end does not run away from them.
    /// </summary>
    /// <param name="isHeld">Only for one of the latter: ask again a little later, whatever happens until then.</param>
    public Offset CommitPoint(Offset leaderEnd, long nowMs, out bool isHeld)
    {
        isHeld = false;
        var committed = Lowest(_assignment.Isr, leaderEnd);
        if (_proposed is { } proposed) committed = Lowest(proposed, committed);
        committed = Lowest(_assignment.EligibleLeaders, committed);
        foreach (var (id, follower) in _followers)
        {
            if (follower.LogEnd >= committed || follower.CaughtUpMs is not { } at || nowMs - at > _holdMs || !IsEligible(id, follower)) continue;
            committed = follower.LogEnd;
            isHeld = true;
        }

        return committed;
    }

    /// <summary>Kafka's rule: whoever has all that is committed, and has reached this leader's own epoch, joins.</summary>
    public IsrChange? TryExpand(BrokerId id, Offset highWatermark, Offset epochStart)
    {
        if (HasProposal || _isHeldOff || _assignment.Isr.Contains(id)) return null;
        if (!_followers.TryGetValue(id, out var follower) || !IsEligible(id, follower)) return null;
        if (follower.LogEnd < highWatermark || follower.LogEnd < epochStart) return null;
        return Propose(_assignment.Isr.Add(id));
    }

    /// <summary>Whoever has lagged for too long leaves; otherwise whoever may join does.</summary>
    public IsrChange? OnTick(Offset leaderEnd, Offset highWatermark, Offset epochStart, long nowMs)
    {
        _isHeldOff = false;
        if (HasProposal) return null;
        var isr = _assignment.Isr.RemoveAll(id => id != _assignment.Self && !IsInSync(id, leaderEnd, nowMs));
        if (isr.Length < _assignment.Isr.Length) return Propose(isr);
        return TryExpand(highWatermark, epochStart);
    }

    /// <summary>Whoever waits for more and may join now: it was fenced when it asked, or another proposal was under way.</summary>
    public IsrChange? TryExpand(Offset highWatermark, Offset epochStart)
    {
        foreach (var (id, follower) in _followers)
            if (follower.Waiting is not null && TryExpand(id, highWatermark, epochStart) is { } change) return change;
        return null;
    }

    /// <summary>The proposal against this standing was certainly not accepted, and never will be.</summary>
    public void OnRefused()
    {
        _proposed = null;
        _isHeldOff = true;
    }

    private bool IsInSync(BrokerId id, Offset leaderEnd, long nowMs) =>
        _followers.TryGetValue(id, out var follower) && follower.IsCaughtUp(leaderEnd, nowMs, lagTimeMs);

    /// <summary>Only the incarnation that the controller knows, and only while it is neither fenced nor leaving (KIP-841, 903).</summary>
    private bool IsEligible(BrokerId id, FollowerProgress follower) =>
        _assignment.Brokers.Find(id) is { IsActive: true } standing && standing.Epoch == follower.BrokerEpoch;

    private IsrChange Propose(ImmutableArray<BrokerId> isr)
    {
        _proposed = isr;
        return new IsrChange(_assignment.LeaderEpoch, _assignment.PartitionEpoch, [.. isr.Select(Member)]);
    }

    private IsrMember Member(BrokerId id)
    {
        var fetched = _followers.TryGetValue(id, out var follower) ? follower.BrokerEpoch : -1;
        return new IsrMember(id, fetched >= 0 ? fetched : _assignment.Brokers.Find(id)?.Epoch ?? -1);
    }

    private Offset Lowest(ImmutableArray<BrokerId> members, Offset lowest)
    {
        foreach (var id in members)
        {
            if (id == _assignment.Self) continue;
            lowest = Offset.Min(lowest, CountedEnd(id));
        }

        return lowest;
    }

    /// <summary>What an older incarnation had, a newer one may have lost.</summary>
    private Offset CountedEnd(BrokerId id)
    {
        if (!_followers.TryGetValue(id, out var follower) || follower.LogEnd == Offset.None) return Offset.Zero;
        return _assignment.Brokers.Find(id) is { } standing && standing.Epoch != follower.BrokerEpoch ? Offset.Zero : follower.LogEnd;
    }
}

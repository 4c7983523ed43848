using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>How far one follower has come, as its leader knows from its fetches under the leader's own epoch.</summary>
internal sealed class FollowerProgress
{
    private long _lastFetchMs;
    private Offset _leaderEndAtLastFetch = Offset.None;

    /// <param name="caughtUpMs">When it was last known to have everything; null for never.</param>
    public FollowerProgress(long? caughtUpMs) => CaughtUpMs = caughtUpMs;

    /// <summary>It holds all below. None until its first fetch.</summary>
    public Offset LogEnd { get; private set; } = Offset.None;

    /// <summary>Under which it fetched.</summary>
    public long BrokerEpoch { get; private set; } = -1;

    public long? CaughtUpMs { get; private set; }

    /// <summary>Its fetch that waits for more, if one does.</summary>
    public RequestKey? Waiting { get; set; }

    /// <summary>Through which it fetches, and which has been told that the logs agree.</summary>
    public object? Client { get; set; }

    public void OnFetch(Offset logEnd, long brokerEpoch, Offset leaderEnd, long nowMs)
    {
        if (logEnd >= leaderEnd) CaughtUpMs = nowMs;
        // It has now what was there when it last asked: so it had caught up at that time.
        else if (_leaderEndAtLastFetch != Offset.None && logEnd >= _leaderEndAtLastFetch) CaughtUpMs = Math.Max(CaughtUpMs ?? long.MinValue, _lastFetchMs);
        LogEnd = logEnd;
        BrokerEpoch = brokerEpoch;
        _lastFetchMs = nowMs;
        _leaderEndAtLastFetch = leaderEnd;
    }

    /// <summary>The leader's log grows: until this moment, whoever had everything was caught up, however long ago it asked.</summary>
    public void OnLeaderGrows(Offset leaderEndBefore, long nowMs)
    {
        if (LogEnd >= leaderEndBefore) CaughtUpMs = nowMs;
    }

    public bool IsCaughtUp(Offset leaderEnd, long nowMs, long lagTimeMs) =>
        LogEnd >= leaderEnd || (CaughtUpMs is { } at && nowMs - at <= lagTimeMs);
}

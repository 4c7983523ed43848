using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>What is fetched of one partition.</summary>
internal sealed class FetchedPartition(ReplicaKey key)
{
    public ReplicaKey Key => key;

    public FetchPosition Position { get; set; }

    public FetchPhase Phase { get; set; }

    /// <summary>The request that last named it; answers to earlier ones are about what it was before.</summary>
    public int NamedIn { get; set; }

    /// <summary>The leader's session holds it.</summary>
    public bool IsKnown { get; set; }

    public long RetryAtMs { get; set; }

    public int Failures { get; set; }
}

internal enum FetchPhase
{
    /// <summary>The next request names it.</summary>
    Changed,

    /// <summary>The leader answers when it has more.</summary>
    Asked,

    /// <summary>The partition stores what came, and says when.</summary>
    Storing,

    /// <summary>A fault; named again after a pause.</summary>
    Paused,
}

/// <summary>What one request says: partitions with their positions, and those to forget.</summary>
internal sealed record FetchPlan(int Number, IReadOnlyList<FetchedPartition> Named, IReadOnlyList<ReplicaKey> Forgotten);

/// <summary>
/// Decides what is asked of one leader's node, over one connection for all partitions that it leads and this node follows
/// (KIP-227's incremental sessions, which live as long as the connection).
/// <code>
/// phase    input                       becomes
/// (none)   follow                      Changed
/// Changed  request made                Asked
/// Asked    records                     Storing
/// Asked    marks only                  Asked
/// Asked    error                       Paused, for a time that grows with each
/// Storing  replicated                  Changed; Paused when it failed
/// Paused   its time                    Changed
/// any      follow                      Changed, at the new position
/// any      connected                   Changed, but what is stored goes on being stored
/// </code>
/// Invariants: at most <see cref="MaxOutstanding"/> requests are under way, and a second one only because something changed
/// while the leader holds the first (which ends that wait); what a partition is told belongs to what it last asked.
/// </summary>
internal sealed class FetcherCore(long maxPauseMs, Func<double> nextJitter)
{
    private const int MaxOutstanding = 2;
    private const long FirstPauseMs = 20;

    private readonly Dictionary<(TopicId Topic, int Index), FetchedPartition> _partitions = [];
    private readonly List<FetchedPartition> _changed = [];
    private readonly List<ReplicaKey> _forgotten = [];
    private int _nextNumber;
    private int _answered;
    private int _storing;
    private int _paused;
    private bool _isConnected;

    public int Count => _partitions.Count;

    public bool HasStoring => _storing > 0;

    public int Outstanding => _nextNumber - _answered;

    /// <summary>Some wait for news while others are stored: they should not wait for that.</summary>
    public bool HasOthersThanStoring => _partitions.Count > _storing;

    public void Follow(ReplicaKey key, FetchPosition position)
    {
        var id = (key.Topic, key.Partition.Partition);
        if (!_partitions.TryGetValue(id, out var partition)) _partitions.Add(id, partition = new FetchedPartition(key) { Phase = FetchPhase.Asked });
        partition.Position = position;
        partition.Failures = 0;
        MoveTo(partition, FetchPhase.Changed);
    }

    public void Unfollow(ReplicaKey key)
    {
        if (!_partitions.Remove((key.Topic, key.Partition.Partition), out var partition)) return;
        MoveTo(partition, FetchPhase.Asked);
        if (partition.IsKnown) _forgotten.Add(key);
    }

    /// <summary>What belongs to another epoch than the one last asked for is late.</summary>
    public void OnReplicated(ReplicaKey key, FetchPosition position, bool isDone, long nowMs)
    {
        if (Find(key.Topic, key.Partition.Partition) is not { Phase: FetchPhase.Storing } partition) return;
        if (partition.Position.LeaderEpoch != position.LeaderEpoch) return;
        partition.Position = position;
        if (isDone) Succeed(partition);
        else Pause(partition, nowMs);
    }

    public void OnConnected()
    {
        _isConnected = true;
        _nextNumber = _answered = 0;
        _forgotten.Clear();
        foreach (var partition in _partitions.Values)
        {
            partition.IsKnown = false;
            partition.NamedIn = 0;
            if (partition.Phase != FetchPhase.Storing) MoveTo(partition, FetchPhase.Changed);
        }
    }

    public void OnDisconnected() => _isConnected = false;

    public void OnTick(long nowMs)
    {
        if (_paused == 0) return;
        foreach (var partition in _partitions.Values)
            if (partition.Phase == FetchPhase.Paused && partition.RetryAtMs <= nowMs) MoveTo(partition, FetchPhase.Changed);
    }

    /// <summary>The request that is to be sent now, if one is.</summary>
    /// <param name="isLate">Nothing is to be waited for: others have been kept waiting by what is being stored.</param>
    public FetchPlan? TryMakeRequest(bool isLate)
    {
        if (!_isConnected || Outstanding >= MaxOutstanding) return null;
        var hasChanges = _changed.Count > 0 || _forgotten.Count > 0;
        if (Outstanding > 0 ? !hasChanges : !hasChanges && _storing > 0 && !isLate) return null;
        var plan = new FetchPlan(_nextNumber++, [.. _changed], [.. _forgotten]);
        _forgotten.Clear();
        foreach (var partition in plan.Named)
        {
            partition.Phase = FetchPhase.Asked;
            partition.IsKnown = true;
            partition.NamedIn = plan.Number;
        }

        _changed.Clear();
        return plan;
    }

    /// <summary>Answers come in the order of requests; false for one to no request.</summary>
    public bool TryAnswer(int number)
    {
        if (number != _answered || Outstanding == 0) return false;
        _answered++;
        return true;
    }

    /// <summary>The partition that an answer speaks of; null when it is followed no more, or asked for something else since.</summary>
    public FetchedPartition? Addressed(int answer, TopicId topic, int index) =>
        Find(topic, index) is { Phase: FetchPhase.Asked } partition && partition.NamedIn <= answer ? partition : null;

    public void OnRecords(FetchedPartition partition)
    {
        partition.Failures = 0;
        MoveTo(partition, FetchPhase.Storing);
    }

    public void Pause(FetchedPartition partition, long nowMs)
    {
        var pause = Math.Min(maxPauseMs, FirstPauseMs << Math.Min(partition.Failures++, 16));
        partition.RetryAtMs = nowMs + (long)(pause * (0.5 + (0.5 * nextJitter())));
        MoveTo(partition, FetchPhase.Paused);
    }

    private void Succeed(FetchedPartition partition)
    {
        partition.Failures = 0;
        MoveTo(partition, FetchPhase.Changed);
    }

    private FetchedPartition? Find(TopicId topic, int index) => _partitions.GetValueOrDefault((topic, index));

    private void MoveTo(FetchedPartition partition, FetchPhase phase)
    {
        if (partition.Phase == phase) return;
        Account(partition.Phase, partition, -1);
        partition.Phase = phase;
        Account(phase, partition, +1);
    }

    private void Account(FetchPhase phase, FetchedPartition partition, int change)
    {
        if (phase == FetchPhase.Storing) _storing += change;
        else if (phase == FetchPhase.Paused) _paused += change;
        else if (phase == FetchPhase.Changed && change > 0) _changed.Add(partition);
        else if (phase == FetchPhase.Changed) _changed.Remove(partition);
    }
}

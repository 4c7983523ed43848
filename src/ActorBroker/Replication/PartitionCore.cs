using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Replication;

/// <summary>A produce at a partition: one batch, already found well-formed.</summary>
/// <param name="ExpectedEpoch">The leader epoch the caller relies on; none when it relies on no particular one.</param>
/// <param name="Bytes">Size of the batch as stored.</param>
internal readonly record struct AppendInput(RequestKey Key, Acks Acks, LeaderEpoch ExpectedEpoch, int Bytes);

/// <summary>A fetch that found too little and wants to hear of more.</summary>
/// <param name="SeenHighWatermark">The high watermark the fetch has already read up to.</param>
internal readonly record struct WaitInput(RequestKey Key, LeaderEpoch ExpectedEpoch, Offset SeenHighWatermark);

/// <summary>
/// Decides for one replica of a partition: what is admitted, when it is committed, who is answered.
/// <code>
/// role      input                       becomes / effect
/// offline   assignment led here         leader: epoch start = log end, replicas' log ends unknown
/// offline   anything else               refused NotLeader
/// leader    append                      Append, or ProduceReply with the refusal
/// leader    persisted                   applied; ProduceReply (acks=0, 1); high watermark may move
/// leader    persist rejected            ProduceReply with the reason (no room, most likely)
/// leader    high watermark moved        ProduceReply (acks=all), WakeFetch
/// leader    newer epoch, led here       leader of that epoch; what waits goes on waiting
/// leader    led elsewhere or nowhere    offline; what waits is answered NotLeader
/// leader    draining                    appends refused NotLeader; what is in flight still counts
/// any       closed                      offline for ever; what waits is answered NotLeader
/// any       persist failed              offline for ever; what waits is answered StorageFailed
/// </code>
/// Invariants: the high watermark is the lowest log end over the ISR and never steps back; a produce is answered in
/// the order of its append; nothing is answered before it is applied, nothing applied before it is persisted.
/// It leaves to others: bytes (ActorBroker.Log), deadlines (sessions, which cancel), elections (controller).
/// </summary>
internal sealed class PartitionCore
{
    /// <summary>A produce that is being written, oldest first: persisting keeps order.</summary>
    private readonly Queue<(RequestKey Key, Acks Acks)> _inFlight = new();

    /// <summary>acks=all produces that are written but not committed, by offset.</summary>
    private readonly Queue<UncommittedProduce> _uncommitted = new();

    private readonly Dictionary<RequestKey, Offset> _waitingFetches = [];
    private readonly Dictionary<BrokerId, Offset> _replicaLogEnds = [];

    private PartitionAssignment? _assignment;
    private TopicSettings _settings;

    /// <summary>Why appends are refused for the rest of this incarnation; None while they are not.</summary>
    private PartitionError _closing;

    public PartitionCore(PartitionState state, TopicSettings settings)
    {
        State = state;
        _settings = settings;
    }

    private readonly record struct UncommittedProduce(RequestKey Key, Offset NextOffset, Offset BaseOffset, long AppendTimeMs);

    public PartitionState State { get; }

    public bool IsLeader { get; private set; }

    public LeaderEpoch LeaderEpoch => _assignment?.LeaderEpoch ?? LeaderEpoch.None;

    /// <summary>Log end when this epoch began here: below it lies what former leaders wrote.</summary>
    public Offset EpochStart { get; private set; } = Offset.None;

    public int InFlight => _inFlight.Count;

    public int Waiting => _uncommitted.Count + _waitingFetches.Count;

    /// <summary>Recovery is over: takes up the checkpointed high watermark as far as the log still reaches.</summary>
    public void OnRecovered(Offset checkpointedHighWatermark)
    {
        var reachable = Offset.Min(checkpointedHighWatermark, State.LogEnd);
        if (reachable > State.HighWatermark) State.ApplyHighWatermark(reachable);
    }

    /// <summary>A stale assignment (lower partition epoch) is ignored.</summary>
    public void OnAssignment(PartitionAssignment assignment, List<PartitionEffect> effects)
    {
        if (_closing != PartitionError.None || (_assignment is { } known && assignment.PartitionEpoch < known.PartitionEpoch)) return;
        var newTerm = assignment.LeaderEpoch > LeaderEpoch;
        _assignment = assignment;
        if (!assignment.LeadsHere)
        {
            BecomeOffline(PartitionError.NotLeader, effects);
            return;
        }

        if (!IsLeader || newTerm) BecomeLeader();
        AdvanceHighWatermark(effects);
    }

    public void OnSettings(TopicSettings settings, List<PartitionEffect> effects)
    {
        _settings = settings;
        AdvanceHighWatermark(effects);
    }

    public void OnAppend(in AppendInput input, List<PartitionEffect> effects)
    {
        var error = Admit(input);
        if (error == PartitionError.None)
        {
            _inFlight.Enqueue((input.Key, input.Acks));
            effects.Add(PartitionEffect.Append(input.Key));
        }
        else
        {
            effects.Add(PartitionEffect.Refused(input.Key, error));
        }
    }

    /// <summary>The oldest batch in flight is stored as durably as promised.</summary>
    public void OnPersisted(in BatchAppended batch, List<PartitionEffect> effects)
    {
        var (key, acks) = _inFlight.Dequeue();
        State.Apply(batch);
        if (acks != Acks.All)
            effects.Add(PartitionEffect.Appended(key, batch.BaseOffset, batch.AppendTimeMs));
        else if (IsLeader)
            _uncommitted.Enqueue(new UncommittedProduce(key, batch.NextOffset, batch.BaseOffset, batch.AppendTimeMs));
        else
            effects.Add(PartitionEffect.Refused(key, PartitionError.NotLeader));
        AdvanceHighWatermark(effects);
    }

    /// <summary>A persistent actor does not survive a failed persist, so this replica is done; its next incarnation reopens the log.</summary>
    public void OnPersistFailed(List<PartitionEffect> effects)
    {
        _closing = PartitionError.StorageFailed;
        BecomeOffline(PartitionError.StorageFailed, effects);
        while (_inFlight.TryDequeue(out var lost))
            effects.Add(PartitionEffect.Refused(lost.Key, PartitionError.StorageFailed));
    }

    /// <summary>The oldest batch in flight was refused and nothing of it written; the log goes on.</summary>
    public void OnPersistRejected(PartitionError reason, List<PartitionEffect> effects) =>
        effects.Add(PartitionEffect.Refused(_inFlight.Dequeue().Key, reason));

    /// <summary>The replica is to stop by order (shutdown, deletion): nothing new is admitted, and once nothing is in flight it may close.</summary>
    public void OnDrain()
    {
        if (_closing == PartitionError.None) _closing = PartitionError.NotLeader;
    }

    /// <summary>Drained: what still waits is sent to look for another leader.</summary>
    public void OnClose(List<PartitionEffect> effects)
    {
        Invariant.Check(_inFlight.Count == 0, "closed with writes in flight");
        OnDrain();
        BecomeOffline(_closing, effects);
    }

    /// <summary>A replica at this leader's epoch has everything below the offset.</summary>
    public void OnReplicaLogEnd(BrokerId replica, LeaderEpoch epoch, Offset logEnd, List<PartitionEffect> effects)
    {
        if (!IsLeader || epoch != LeaderEpoch) return;
        _replicaLogEnds[replica] = logEnd;
        AdvanceHighWatermark(effects);
    }

    /// <summary>Registers a fetch to be woken once. It is woken at once when there is news already.</summary>
    public void OnWait(in WaitInput input, List<PartitionEffect> effects)
    {
        var error = IsLeader && _closing == PartitionError.None ? CheckEpoch(LeaderEpoch, input.ExpectedEpoch) : PartitionError.NotLeader;
        if (error != PartitionError.None || State.HighWatermark > input.SeenHighWatermark)
            effects.Add(PartitionEffect.Wake(input.Key, error));
        else
            _waitingFetches[input.Key] = input.SeenHighWatermark;
    }

    /// <summary>The fetch was answered otherwise (its time ran out, another partition had data, its client left).</summary>
    public void OnCancelWait(in RequestKey key) => _waitingFetches.Remove(key);

    public void OnLogStart(Offset logStart)
    {
        if (logStart > State.LogStart) State.ApplyLogStart(logStart);
    }

    /// <summary>Kafka's rule (KIP-320): no epoch claimed is always fine, otherwise it must be the leader's own.</summary>
    public static PartitionError CheckEpoch(LeaderEpoch current, LeaderEpoch claimed)
    {
        if (claimed == LeaderEpoch.None || claimed == current) return PartitionError.None;
        return claimed < current ? PartitionError.FencedLeaderEpoch : PartitionError.UnknownLeaderEpoch;
    }

    private PartitionError Admit(in AppendInput input)
    {
        if (_closing != PartitionError.None) return _closing;
        if (!IsLeader) return PartitionError.NotLeader;
        var epoch = CheckEpoch(LeaderEpoch, input.ExpectedEpoch);
        if (epoch != PartitionError.None) return epoch;
        if (input.Bytes > _settings.Log.MaxMessageBytes) return PartitionError.MessageTooLarge;
        if (input.Acks == Acks.All && _assignment!.Isr.Length < EffectiveMinIsr) return PartitionError.NotEnoughReplicas;
        return PartitionError.None;
    }

    private int EffectiveMinIsr => Math.Min(_settings.MinInsyncReplicas, _assignment!.Replicas.Length);

    private void BecomeLeader()
    {
        IsLeader = true;
        EpochStart = State.LogEnd;
        // What replicas reported under an earlier epoch may have been cut since.
        _replicaLogEnds.Clear();
    }

    private void BecomeOffline(PartitionError reason, List<PartitionEffect> effects)
    {
        IsLeader = false;
        EpochStart = Offset.None;
        while (_uncommitted.TryDequeue(out var produce))
            effects.Add(PartitionEffect.Refused(produce.Key, reason));
        foreach (var key in _waitingFetches.Keys)
            effects.Add(PartitionEffect.Wake(key, reason));
        _waitingFetches.Clear();
    }

    private void AdvanceHighWatermark(List<PartitionEffect> effects)
    {
        // Below min.insync.replicas nothing is committed, whatever the acks (KIP-966).
        if (!IsLeader || _assignment!.Isr.Length < EffectiveMinIsr) return;
        var committed = State.LogEnd;
        foreach (var replica in _assignment.Isr)
        {
            if (replica == _assignment.Self) continue;
            committed = Offset.Min(committed, _replicaLogEnds.GetValueOrDefault(replica, Offset.Zero));
        }

        if (committed <= State.HighWatermark) return;
        State.ApplyHighWatermark(committed);
        while (_uncommitted.TryPeek(out var produce) && produce.NextOffset <= committed)
        {
            _uncommitted.Dequeue();
            effects.Add(PartitionEffect.Appended(produce.Key, produce.BaseOffset, produce.AppendTimeMs));
        }

        WakeFetches(effects);
    }

    private void WakeFetches(List<PartitionEffect> effects)
    {
        if (_waitingFetches.Count == 0) return;
        foreach (var (key, seen) in _waitingFetches)
            if (seen < State.HighWatermark)
                effects.Add(PartitionEffect.Wake(key, PartitionError.None));
        // A waiting fetch has always seen all that was committed, so the move concerned each of them.
        _waitingFetches.Clear();
    }
}

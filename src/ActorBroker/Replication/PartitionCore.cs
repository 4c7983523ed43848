using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Replication;

/// <summary>A produce at a partition: one batch, already found well-formed.</summary>
/// <param name="ExpectedEpoch">The leader epoch the caller relies on; none when it relies on no particular one.</param>
/// <param name="Bytes">Size of the batch as stored.</param>
/// <param name="GoesOn">The batch before it came with the same request, and this one must not be written if that one is refused for now.</param>
internal readonly record struct AppendInput(
    RequestKey Key, Acks Acks, LeaderEpoch ExpectedEpoch, int Bytes, ProducerStamp Producer, bool GoesOn = false);

/// <summary>A fetch that found too little and wants to hear of more.</summary>
/// <param name="SeenHighWatermark">The high watermark the fetch has already read up to.</param>
internal readonly record struct WaitInput(RequestKey Key, LeaderEpoch ExpectedEpoch, Offset SeenHighWatermark);

internal enum PartitionRole
{
    Offline,
    Leader,
    Follower,
}

/// <summary>
/// Decides for one replica of a partition: its role, what is admitted, in which order it is applied.
/// <see cref="LeaderCore"/> and <see cref="FollowerCore"/> decide within the roles.
/// <code>
/// role      input                       becomes / effect
/// any       assignment led here         leader: epoch start = log end, replicas' log ends unknown; AssignEpoch
/// any       assignment led elsewhere    follower: StartFetching once nothing is being written
/// any       assignment without leader   offline
/// not leader append, follower's fetch   refused NotLeader
/// leader    append                      Append, or ProduceReply with the refusal
/// leader    append of a duplicate       ProduceReply as for the first one, at once or when that one has come so far
/// leader    persisted                   applied; ProduceReply (acks=0, 1), FollowerAnswer; high watermark may move
/// leader    persist rejected            ProduceReply with the reason (no room, most likely); so are all in flight behind it
/// leader    high watermark moved        ProduceReply (acks=all), WakeFetch
/// leader    newer epoch, led here       leader of that epoch; what waits goes on waiting
/// leader    led elsewhere or nowhere    what waits is answered NotLeader
/// leader    records to delete           AdvanceLogStart; DeletionReply once the log start has moved
/// leader    draining                    appends refused NotLeader; what is in flight still counts
/// follower  fetched                     AppendFetched; persisted: applied, Replicated
/// follower  diverging, out of range     Cut, StartOver: the end of this incarnation
/// any       closed                      offline for ever; what waits is answered NotLeader
/// any       persist failed              offline for ever; what waits is answered StorageFailed
/// </code>
/// A producer's batches are judged by <see cref="ProducerTable"/>, where those in flight count.
/// Invariants: a produce is answered in the order of its append; nothing is written behind what was refused, within a producer or
/// a request; nothing is answered before it is applied, nothing applied before it is persisted. Time is milliseconds of a clock that never steps back.
/// It leaves to others: bytes (ActorBroker.Log), deadlines (sessions, which cancel), elections (controller).
/// </summary>
internal sealed class PartitionCore
{
    private readonly WritesInFlight _writes = new();
    private readonly LeaderCore _leader;
    private readonly FollowerCore _follower;
    private readonly RecordDeletions _deletions;
    private PartitionAssignment? _assignment;
    private TopicSettings _settings;

    /// <summary>Why appends are refused for the rest of this incarnation; None while they are not.</summary>
    private PartitionError _closing;

    /// <summary>Why the last batch was refused, if what goes on behind it must be too.</summary>
    private PartitionError _refused;

    /// <summary>Ticket of the newest write of what was fetched.</summary>
    private long _fetched = -1;

    public PartitionCore(PartitionState state, TopicSettings settings, IReplicaLog log, long lagTimeMs)
    {
        State = state;
        _settings = settings;
        _leader = new LeaderCore(state, log, lagTimeMs);
        _follower = new FollowerCore(state, log);
        _deletions = new RecordDeletions(state);
    }

    public PartitionState State { get; }

    public PartitionRole Role { get; private set; }

    public bool IsLeader => Role == PartitionRole.Leader;

    public BrokerId? Leader => _assignment?.Leader;

    public LeaderEpoch LeaderEpoch => _assignment?.LeaderEpoch ?? LeaderEpoch.None;

    /// <summary>None while not leading.</summary>
    public Offset EpochStart => _leader.EpochStart;

    public int InFlight => _writes.Count;

    /// <summary>How many rejections by the log it has heard of; see <see cref="WritesInFlight"/>.</summary>
    public int Rejections => _writes.Rejections;

    public int Waiting => _leader.Waiting;

    /// <summary>Recovery is over: takes up the checkpointed high watermark as far as the log still reaches.</summary>
    public void OnRecovered(Offset checkpointedHighWatermark)
    {
        var reachable = Offset.Min(checkpointedHighWatermark, State.LogEnd);
        if (reachable > State.HighWatermark) State.ApplyHighWatermark(reachable);
    }

    /// <summary>A stale assignment (lower partition epoch) is ignored.</summary>
    public void OnAssignment(PartitionAssignment assignment, long nowMs, List<PartitionEffect> effects)
    {
        if (_closing != PartitionError.None || (_assignment is { } known && assignment.PartitionEpoch < known.PartitionEpoch)) return;
        var newTerm = assignment.LeaderEpoch > LeaderEpoch || assignment.Leader != _assignment?.Leader;
        _assignment = assignment;
        if (assignment.LeadsHere) Lead(assignment, newTerm || !IsLeader, nowMs, effects);
        else if (assignment.Leader is not null) Follow(newTerm || Role != PartitionRole.Follower, effects);
        else BecomeOffline(PartitionError.NotLeader, effects);
    }

    public void OnSettings(TopicSettings settings, long nowMs, List<PartitionEffect> effects)
    {
        _settings = settings;
        if (IsLeader) _leader.Follow(_assignment!, _settings.MinInsyncReplicas, nowMs, effects);
    }

    public void OnAppend(in AppendInput input, long nowMs, List<PartitionEffect> effects)
    {
        var error = input.GoesOn && _refused != PartitionError.None ? _refused : Admit(input);
        if (error == PartitionError.NotEnoughReplicas && input.Producer.IsIdempotent) State.Producers.Await(input.Producer, nowMs);
        var verdict = default(ProducerVerdict);
        if (error == PartitionError.None && input.Producer.IsIdempotent)
        {
            verdict = State.Producers.Judge(input.Producer);
            error = ErrorOf(verdict);
        }

        // One that will never be written holds nobody up.
        _refused = error == PartitionError.MessageTooLarge ? PartitionError.None : error;
        if (error != PartitionError.None) effects.Add(PartitionEffect.Refused(input.Key, error));
        else if (verdict.Judgement == ProducerJudgement.Next) Begin(input, nowMs, effects);
        else OnDuplicate(input, verdict, effects);
    }

    /// <summary>The oldest write in flight is stored as durably as promised.</summary>
    /// <param name="headers">Of the batches that it holds.</param>
    public void OnPersisted(in BatchAppended batch, ReadOnlySpan<RecordBatchHeader> headers, long nowMs, List<PartitionEffect> effects)
    {
        var written = _writes.TakeWritten(out var duplicates);
        var before = State.LogEnd;
        State.Apply(batch, headers, nowMs);
        OnWritten(written, batch, effects);
        if (duplicates is not null)
            foreach (var duplicate in duplicates) OnWritten(duplicate, batch, effects);
        if (IsLeader) _leader.OnGrown(before, nowMs, effects);
        else if (Role == PartitionRole.Follower && written.Key is null) _follower.OnWritten(effects);
        StartFetchingIfIdle(effects);
    }

    /// <summary>A persistent actor does not survive a failed persist, so this replica is done; its next incarnation reopens the log.</summary>
    public void OnPersistFailed(List<PartitionEffect> effects)
    {
        _closing = PartitionError.StorageFailed;
        BecomeOffline(PartitionError.StorageFailed, effects);
        while (_writes.Count > 0) Refuse(_writes.TakeOldest(out var duplicates), duplicates, PartitionError.StorageFailed, effects);
    }

    /// <summary>The oldest write in flight was refused and nothing of it written; the log goes on, without what was in flight behind it.</summary>
    public void OnPersistRejected(PartitionError reason, List<PartitionEffect> effects)
    {
        var rejected = _writes.TakeRejected(out var duplicates, out var isNews);
        if (isNews) State.Producers.DropAdmitted();
        Refuse(rejected, duplicates, reason, effects);
        if (rejected.Key is null && Role == PartitionRole.Follower) _follower.OnRefused(reason, effects);
        StartFetchingIfIdle(effects);
    }

    /// <summary>The replica is to stop by order (shutdown, deletion, a cut): nothing new is admitted, and once nothing is in flight it may close.</summary>
    public void OnDrain()
    {
        if (_closing == PartitionError.None) _closing = PartitionError.NotLeader;
    }

    /// <summary>Drained: what still waits is sent to look for another leader.</summary>
    public void OnClose(List<PartitionEffect> effects)
    {
        Invariant.Check(_writes.Count == 0, "closed with writes in flight");
        OnDrain();
        BecomeOffline(_closing, effects);
    }

    public void OnFollowerFetch(in FollowerFetch fetch, long nowMs, List<PartitionEffect> effects)
    {
        if (IsLeader && _closing == PartitionError.None) _leader.OnFetch(fetch, nowMs, effects);
        else effects.Add(PartitionEffect.FollowerAnswer(fetch.Key, fetch.LeaderEpoch > LeaderEpoch ? PartitionError.UnknownLeaderEpoch : PartitionError.NotLeader));
    }

    /// <summary>Whoever waits with this fetch will not hear of anything; it may come back.</summary>
    public void OnFollowerGone(in RequestKey fetch)
    {
        if (IsLeader) _leader.OnFollowerGone(fetch);
    }

    /// <summary>Now and then, so that followers which fell behind leave the ISR.</summary>
    public void OnIsrTick(long nowMs, List<PartitionEffect> effects)
    {
        if (IsLeader && _closing == PartitionError.None) _leader.OnTick(nowMs, effects);
    }

    public void OnLookAgain(long nowMs, List<PartitionEffect> effects)
    {
        if (IsLeader) _leader.OnLookAgain(nowMs, effects);
    }

    /// <summary>The proposal against this partition epoch was certainly not accepted; an accepted one comes as an assignment.</summary>
    public void OnIsrRefused(int partitionEpoch, long nowMs, List<PartitionEffect> effects)
    {
        if (IsLeader) _leader.OnProposalRefused(partitionEpoch, nowMs, effects);
    }

    /// <summary>True: the batches that came with it are to be persisted (AppendFetched). Otherwise they are of no use.</summary>
    /// <param name="headers">Of the batches. Their producers count from here on: this replica may lead before they are written.</param>
    public bool OnFetched(in FetchedInput fetched, ReadOnlySpan<RecordBatchHeader> headers, long nowMs, List<PartitionEffect> effects)
    {
        if (Role != PartitionRole.Follower || _closing != PartitionError.None) return false;
        if (!_follower.OnFetched(fetched, effects) || _writes.Count > 0) return false;
        _fetched = _writes.NextTicket;
        foreach (ref readonly var header in headers)
            if (ProducerStamp.Of(header) is { IsIdempotent: true } producer) State.Producers.Admit(producer, _fetched, nowMs);
        _writes.Begin(new Writer(null, Acks.None));
        effects.Add(new PartitionEffect(PartitionEffectKind.AppendFetched));
        return true;
    }

    public void OnDiverging(LeaderEpoch epoch, Offset fetchOffset, EpochEnd leaders, List<PartitionEffect> effects)
    {
        if (TakesFetched) _follower.OnDiverging(epoch, fetchOffset, leaders, effects);
    }

    public void OnOutOfRange(LeaderEpoch epoch, Offset fetchOffset, Offset leaderLogStart, List<PartitionEffect> effects)
    {
        if (TakesFetched) _follower.OnOutOfRange(epoch, fetchOffset, leaderLogStart, effects);
    }

    public void OnFetcherLost(List<PartitionEffect> effects)
    {
        _follower.OnFetcherLost();
        StartFetchingIfIdle(effects);
    }

    /// <summary>Registers a fetch to be woken once. It is woken at once when there is news already.</summary>
    public void OnWait(in WaitInput input, List<PartitionEffect> effects)
    {
        if (IsLeader && _closing == PartitionError.None) _leader.OnWait(input, effects);
        else effects.Add(PartitionEffect.Wake(input.Key, PartitionError.NotLeader));
    }

    /// <summary>The fetch was answered otherwise (its time ran out, another partition had data, its client left).</summary>
    public void OnCancelWait(in RequestKey key) => _leader.OnCancelWait(key);

    public void OnLogStart(Offset logStart, List<PartitionEffect> effects)
    {
        if (logStart > State.LogStart) State.ApplyLogStart(logStart);
        _deletions.OnLogStart(effects);
    }

    /// <param name="key">Of who is to be answered.</param>
    /// <param name="before">The first offset to keep; none for the high watermark.</param>
    /// <param name="effects">Takes the answer, now or once it is done.</param>
    public void OnDeleteRecords(in RequestKey key, Offset before, List<PartitionEffect> effects)
    {
        if (IsLeader && _closing == PartitionError.None) _deletions.Ask(key, before, LeaderEpoch, effects);
        else effects.Add(PartitionEffect.Deleted(key, PartitionError.NotLeader, Offset.None));
    }

    public void OnExpireProducers(long nowMs, TimeSpan expiration) => State.Producers.Expire(nowMs, (long)expiration.TotalMilliseconds);

    /// <summary>Kafka's rule (KIP-320): no epoch claimed is always fine, otherwise it must be the leader's own.</summary>
    public static PartitionError CheckEpoch(LeaderEpoch current, LeaderEpoch claimed)
    {
        if (claimed == LeaderEpoch.None || claimed == current) return PartitionError.None;
        return claimed < current ? PartitionError.FencedLeaderEpoch : PartitionError.UnknownLeaderEpoch;
    }

    private bool TakesFetched => Role == PartitionRole.Follower && _closing == PartitionError.None && _writes.Count == 0;

    private PartitionError Admit(in AppendInput input)
    {
        if (_closing != PartitionError.None) return _closing;
        if (!IsLeader) return PartitionError.NotLeader;
        var epoch = CheckEpoch(LeaderEpoch, input.ExpectedEpoch);
        if (epoch != PartitionError.None) return epoch;
        if (input.Bytes > _settings.Log.MaxMessageBytes) return PartitionError.MessageTooLarge;
        return input.Acks == Acks.All && !_leader.HasEnoughReplicas ? PartitionError.NotEnoughReplicas : PartitionError.None;
    }

    private PartitionError ErrorOf(in ProducerVerdict verdict) => verdict.Judgement switch
    {
        ProducerJudgement.OutOfOrder => PartitionError.OutOfOrderSequence,
        ProducerJudgement.StaleEpoch => PartitionError.StaleProducerEpoch,
        // This replica has only begun to lead: when it comes again, its offset will be known.
        ProducerJudgement.DuplicateInFlight when verdict.Ticket == _fetched => PartitionError.NotLeader,
        _ => PartitionError.None,
    };

    private void Begin(in AppendInput input, long nowMs, List<PartitionEffect> effects)
    {
        if (input.Producer.IsIdempotent) State.Producers.Admit(input.Producer, _writes.NextTicket, nowMs);
        _writes.Begin(new Writer(input.Key, input.Acks));
        effects.Add(PartitionEffect.Append(input.Key));
    }

    private void OnDuplicate(in AppendInput input, in ProducerVerdict verdict, List<PartitionEffect> effects)
    {
        if (verdict.Judgement == ProducerJudgement.DuplicateInFlight)
        {
            _writes.Repeat(verdict.Ticket, new Writer(input.Key, input.Acks));
            return;
        }

        var stampedMs = _settings.Log.MessageTimestampType == TimestampType.LogAppendTime ? verdict.TimestampMs : -1;
        _leader.OnStored(input.Key, input.Acks, verdict.BaseOffset, verdict.LastOffset + 1, stampedMs, effects);
    }

    private void OnWritten(in Writer writer, in BatchAppended batch, List<PartitionEffect> effects)
    {
        if (writer.Key is not { } asker) return;
        if (IsLeader) _leader.OnStored(asker, writer.Acks, batch.BaseOffset, batch.NextOffset, batch.AppendTimeMs, effects);
        else if (writer.Acks == Acks.All) effects.Add(PartitionEffect.Refused(asker, PartitionError.NotLeader));
        else effects.Add(PartitionEffect.Appended(asker, batch.BaseOffset, batch.AppendTimeMs));
    }

    private static void Refuse(in Writer writer, List<Writer>? duplicates, PartitionError reason, List<PartitionEffect> effects)
    {
        if (writer.Key is { } asker) effects.Add(PartitionEffect.Refused(asker, reason));
        if (duplicates is null) return;
        foreach (var duplicate in duplicates) effects.Add(PartitionEffect.Refused(duplicate.Key!.Value, reason));
    }

    private void Lead(PartitionAssignment assignment, bool isNew, long nowMs, List<PartitionEffect> effects)
    {
        Role = PartitionRole.Leader;
        if (!isNew)
        {
            _leader.Follow(assignment, _settings.MinInsyncReplicas, nowMs, effects);
            return;
        }

        _leader.Begin(assignment, _settings.MinInsyncReplicas, nowMs, effects);
        // Behind writes of an earlier epoch the log would not take them; then the first batch of this one notes it.
        if (_writes.Count == 0) effects.Add(PartitionEffect.At(PartitionEffectKind.AssignEpoch, State.LogEnd, LeaderEpoch));
    }

    private void Follow(bool isNew, List<PartitionEffect> effects)
    {
        if (IsLeader) Resign(PartitionError.NotLeader, effects);
        Role = PartitionRole.Follower;
        if (isNew) _follower.Begin();
        StartFetchingIfIdle(effects);
    }

    private void StartFetchingIfIdle(List<PartitionEffect> effects)
    {
        if (TakesFetched) _follower.StartFetching(LeaderEpoch, effects);
    }

    private void BecomeOffline(PartitionError reason, List<PartitionEffect> effects)
    {
        if (IsLeader) Resign(reason, effects);
        Role = PartitionRole.Offline;
    }

    private void Resign(PartitionError reason, List<PartitionEffect> effects)
    {
        _leader.Resign(reason, effects);
        _deletions.Resign(reason, effects);
    }
}

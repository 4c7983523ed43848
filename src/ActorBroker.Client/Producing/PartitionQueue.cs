using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// One partition's batches, in order: those to send and the open one. Says when the next may leave:
/// alone, as long as none that was sent since the last failure or change of leader has been acknowledged, or while one
/// that failed before is out; several at once otherwise. So batches that are lost or refused together (a connection breaks, a
/// leader is not ready) are repeated in order. A batch refused alone with successors already out ends behind them,
/// unless sequence numbers or max.in.flight = 1 exclude that.
/// </summary>
/// <param name="partition">Whose batches.</param>
/// <param name="sequences">Null without idempotence.</param>
internal sealed class PartitionQueue(TopicPartition partition, PartitionSequences? sequences = null)
{
    private readonly LinkedList<ProducerBatch> _closed = [];
    private bool _proven;
    private int _retriesInFlight;

    /// <summary>Grows with every failure, doubt and change of leader: only what is sent after the last of them proves anything.</summary>
    private int _term;

    private long _highestAcknowledged = -1;
    private Offset _highestOffset = Offset.None;

    public TopicPartition Partition { get; } = partition;

    public BrokerId Leader { get; private set; } = BrokerId.None;

    public LeaderEpoch LeaderEpoch { get; private set; } = LeaderEpoch.None;

    public ProducerBatch? Open { get; set; }

    /// <summary>Fills <see cref="Open"/>; null exactly when that is.</summary>
    public RecordBatchBuilder? Builder { get; set; }

    /// <summary>Batches sent and not answered, given-up ones included.</summary>
    public int InFlight { get; private set; }

    /// <summary>In a broker's list of partitions to send.</summary>
    public bool IsListed { get; set; }

    /// <summary>Closed batches that wait to be sent.</summary>
    public int Waiting => _closed.Count;

    public int EpochsEnded => sequences?.EpochsEnded ?? 0;

    public ProducerBatch? Head => _closed.First?.Value;

    public bool MaySend(TimeSpan now) =>
        Head is { } head
        && head.NotBefore <= now
        && (InFlight == 0 || (_proven && head.Failures == 0 && _retriesInFlight == 0))
        && sequences?.Admits(head) != false;

    public void Append(ProducerBatch batch)
    {
        batch.IsQueued = true;
        _closed.AddLast(batch);
    }

    public ProducerBatch TakeHead()
    {
        var batch = _closed.First!.Value;
        _closed.RemoveFirst();
        batch.IsQueued = false;
        batch.Term = _term;
        sequences?.Stamp(batch);
        InFlight++;
        if (batch.Failures > 0)
            _retriesInFlight++;
        return batch;
    }

    /// <summary>Drops a batch that was given up before it was sent.</summary>
    public void Remove(ProducerBatch batch)
    {
        batch.IsQueued = false;
        _closed.Remove(batch);
    }

    /// <param name="batch">One that was sent.</param>
    /// <param name="baseOffset">None with acks=0, or where the broker only knows that it has it.</param>
    /// <returns>False if it was written behind a later one.</returns>
    public bool OnAcknowledged(ProducerBatch batch, Offset baseOffset)
    {
        Returned(batch);
        sequences?.OnDelivered(batch);
        sequences?.TryRenew(InFlight);
        if (batch.Term == _term)
            _proven = true;
        if (baseOffset == Offset.None)
            return true;
        if (batch.Number < _highestAcknowledged)
            return baseOffset < _highestOffset;
        (_highestAcknowledged, _highestOffset) = (batch.Number, baseOffset);
        return true;
    }

    /// <summary>A sent batch came back without success, for good or to be tried again (its failures not yet counted up).</summary>
    public void OnFailed(ProducerBatch batch)
    {
        Returned(batch);
        sequences?.TryRenew(InFlight);
        Doubt();
    }

    /// <summary>A batch got its outcome without being acknowledged, wherever it was then.</summary>
    public void OnGivenUp(ProducerBatch batch)
    {
        sequences?.OnGivenUp(batch);
        sequences?.TryRenew(InFlight);
    }

    /// <summary>
    /// The leader refused a returned batch as out of order. Nothing follows while others are out, which may be what it lacks;
    /// otherwise the batch's epoch can't go on.
    /// </summary>
    /// <param name="doubtful">Gets what must be given up for that.</param>
    public void OnOutOfOrder(ProducerBatch batch, bool needsAnotherId, List<ProducerBatch> doubtful)
    {
        if (sequences is null || InFlight > 0 || !sequences.IsFirst(batch))
            return;
        sequences.BecomeOver(needsAnotherId, doubtful);
        sequences.TryRenew(InFlight);
    }

    /// <summary>What is in flight may be lost although that is not known yet: nothing more follows it until it is back.</summary>
    public void Doubt()
    {
        _proven = false;
        _term++;
    }

    /// <summary>Puts a failed batch back before all later ones.</summary>
    public void Requeue(ProducerBatch batch)
    {
        batch.IsQueued = true;
        var node = _closed.First;
        while (node is not null && node.Value.Number < batch.Number)
            node = node.Next;
        if (node is null)
            _closed.AddLast(batch);
        else
            _closed.AddBefore(node, batch);
    }

    /// <summary>
    /// Another leader, or the same one elected anew, ends what is left of back-offs: they waited for just that, and
    /// nothing is known against it.
    /// </summary>
    public void SetLeader(BrokerId leader, LeaderEpoch epoch)
    {
        if (leader == Leader && epoch == LeaderEpoch)
            return;
        (Leader, LeaderEpoch) = (leader, epoch);
        Doubt();
        if (leader == BrokerId.None)
            return;
        foreach (var batch in _closed)
        {
            if (batch.Failures == 0)
                break;
            batch.EndBackoff();
        }
    }

    private void Returned(ProducerBatch batch)
    {
        InFlight--;
        if (batch.Failures > 0)
            _retriesInFlight--;
    }
}

using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// The sequence numbers of one partition's batches, by which its leader tells a repetition and a gap.
/// <code>
/// batch    unstamped --first sent--> stamped --delivered--> (gone)
///                                            --given up---> (gone), and the epoch is over
///                                            --the epoch can't go on--> unstamped, or given up if it may be written
/// epoch    open --a stamped batch is given up--> over --no batch of it is unresolved or out--> the next one, from sequence 0
/// </code>
/// Invariants: a batch keeps its stamp on every repetition; stamps of an epoch follow each other without a gap; from the
/// oldest batch without an outcome on at most <see cref="MaxUnresolved"/> are stamped, so whatever is repeated is one of the last
/// five that the leader can have, which is as far back as it remembers. (Their number alone would not do: an answer may wait for
/// another partition of its request, while later ones come.) A batch gets another stamp only if no copy of it can
/// have been written: so it is never written twice, however late a lost request arrives.
/// </summary>
internal sealed class PartitionSequences(ProducerIdentity producer)
{
    public const int MaxUnresolved = 5;

    private readonly List<ProducerBatch> _unresolved = new(MaxUnresolved);
    private ProducerId _id = ProducerId.None;
    private ProducerEpoch _epoch = ProducerEpoch.None;
    private int _next;
    private long _stamped;
    private bool _isOver;
    private bool _isAnotherIdNeeded;

    /// <summary>How often an epoch ended because a batch was given up.</summary>
    public int EpochsEnded { get; private set; }

    /// <summary>Whether a batch may leave: stamped ones always, others while the epoch is open and none that is unresolved lies too far back.</summary>
    public bool Admits(ProducerBatch batch) =>
        batch.IsStamped || (!_isOver && IsRemembered && (_id != ProducerId.None || producer.TryGet()));

    /// <summary>Whether the leader remembers the oldest unresolved batch even if one more is written.</summary>
    private bool IsRemembered => _unresolved.Count == 0 || _stamped - _unresolved[0].StampNumber < MaxUnresolved;

    /// <param name="batch">One that is <see cref="Admits"/>ted, about to leave.</param>
    public void Stamp(ProducerBatch batch)
    {
        if (batch.IsStamped)
            return;
        if (_id == ProducerId.None)
            (_id, _epoch, _next) = (producer.Id, producer.FirstEpoch, 0);
        batch.BecomeStamped(_id, _epoch, _next, _stamped++);
        _next = RecordBatchHeader.AddSequence(_next, batch.RecordCount);
        _unresolved.Add(batch);
    }

    public void OnDelivered(ProducerBatch batch) => _unresolved.Remove(batch);

    /// <summary>What comes behind it in its epoch is refused if it was not written: so the epoch ends with those that are out.</summary>
    public void OnGivenUp(ProducerBatch batch)
    {
        if (_unresolved.Remove(batch))
            End();
    }

    /// <summary>All before it have their outcome: so the leader has all that it will ever have of this epoch before the batch.</summary>
    public bool IsFirst(ProducerBatch batch) => _unresolved.Count > 0 && _unresolved[0] == batch;

    /// <summary>
    /// The leader refused the first unresolved batch as out of order, with nothing else out: it lacks something
    /// before, and always will. All unresolved lose their stamps.
    /// </summary>
    /// <param name="needsAnotherId">The leader knows a later epoch of the id, which this producer has not begun.</param>
    /// <param name="doubtful">Gets those that may have been written nevertheless, by a request whose answer was lost: they have to be given up.</param>
    public void BecomeOver(bool needsAnotherId, List<ProducerBatch> doubtful)
    {
        foreach (var batch in _unresolved)
        {
            if (batch.MayBeWritten)
                doubtful.Add(batch);
            else
                batch.BecomeUnstamped();
        }

        _unresolved.Clear();
        _isAnotherIdNeeded |= needsAnotherId;
        End();
    }

    /// <summary>Begins the next epoch if the last is over and nothing of it is left.</summary>
    public void TryRenew(int inFlight)
    {
        if (!_isOver || inFlight > 0 || _unresolved.Count > 0)
            return;
        if (_isAnotherIdNeeded || _epoch.Value == short.MaxValue)
        {
            producer.Drop(_id);
            _id = ProducerId.None;
        }
        else
        {
            (_epoch, _next) = (new ProducerEpoch((short)(_epoch.Value + 1)), 0);
        }

        (_isOver, _isAnotherIdNeeded) = (false, false);
    }

    private void End()
    {
        if (!_isOver)
            EpochsEnded++;
        _isOver = true;
    }
}

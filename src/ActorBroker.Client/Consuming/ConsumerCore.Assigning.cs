using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>The half about a group: partitions that come and go, and how far they are.</summary>
internal sealed partial class ConsumerCore
{
    private readonly Dictionary<TopicPartition, int> _pastGenerations = [];
    private List<TopicPartition> _moved = [];

    /// <summary>Since when the target has owed an answer; null while it owes none.</summary>
    public TimeSpan? OutstandingSince { get; private set; }

    /// <summary>What waits for the group's committed offsets.</summary>
    public IEnumerable<TopicPartition> AwaitingCommitted
    {
        get
        {
            foreach (var reader in _turns)
            {
                if (reader.IsAwaitingCommitted)
                    yield return reader.Partition;
            }
        }
    }

    /// <summary>Where the group may read on, as far as the target is done: for commits.</summary>
    public IEnumerable<(TopicPartition Partition, CommittedOffset Offset)> Processed
    {
        get
        {
            foreach (var reader in _turns)
            {
                if (reader.Processed != Offset.None)
                    yield return (reader.Partition, new CommittedOffset(reader.Processed) { LeaderEpoch = reader.ProcessedEpoch });
            }
        }
    }

    /// <summary>Those whose offsets no longer mean what they did: their log lost or never had what was read. What is committed next may be less.</summary>
    public List<TopicPartition> TakeMoved()
    {
        var moved = _moved;
        if (moved.Count > 0)
            _moved = [];
        return moved;
    }

    /// <summary>The group gave these to this member. Each begins at <see cref="Resolve"/>.</summary>
    public void Assign(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
            Assign(partition, late: false);
    }

    /// <param name="partition">One that waits for it; any other is left alone.</param>
    /// <param name="committed">What the group has committed, if anything.</param>
    public void Resolve(TopicPartition partition, CommittedOffset committed)
    {
        if (!_readers.TryGetValue(partition, out var reader) || !reader.IsAwaitingCommitted)
            return;
        if (committed.Offset != Offset.None)
            reader.BecomeResolved(committed.Offset, committed.LeaderEpoch);
        else
            reader.BecomeUncommitted();
        FailImpossible();
    }

    /// <summary>Hands over nothing more of these.</summary>
    public void Hold(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            if (_readers.TryGetValue(partition, out var reader))
                reader.IsHeld = true;
        }
    }

    /// <summary>Whether something of these is out: to the target, or to the dead-letter topic.</summary>
    public bool IsBusyWith(IReadOnlySet<TopicPartition> partitions)
    {
        if (_outstanding is { } batch && partitions.Contains(batch.Partition) && _readers.TryGetValue(batch.Partition, out var reader) && reader.Generation == batch.Generation)
            return true;
        foreach (var candidate in _turns)
        {
            if (candidate.Redelivery is { IsBuried: true } && partitions.Contains(candidate.Partition))
                return true;
        }

        return false;
    }

    /// <summary>Reads them no more; what is out of them no longer counts, though the target still owes its answer.</summary>
    public void Unassign(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            if (!_readers.Remove(partition, out var reader))
                continue;
            _turns.Remove(reader);
            _pastGenerations[partition] = reader.Generation;
            reader.Seek(StartPosition.End);
        }
    }

    /// <summary>Of the partition as it is read now; batches with a lower one are void. Partitions not read have the one of their next reader.</summary>
    public int GenerationOf(TopicPartition partition) =>
        _readers.TryGetValue(partition, out var reader) ? reader.Generation : _pastGenerations.GetValueOrDefault(partition, -1) + 1;

    private void BecomeIdle() => (_outstanding, OutstandingSince) = (null, null);
}

using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>How a partition stands for new records.</summary>
/// <param name="Batches">Filled and not sent.</param>
/// <param name="IsStuck">Its broker has taken none for <c>partitioner.availability.timeout.ms</c>.</param>
internal readonly record struct PartitionLoad(int Batches, bool IsStuck);

/// <summary>
/// Chooses partitions for one topic's records: by key as Kafka does, else sticky or in turn. Only partitions with a
/// leader are chosen for records without a key, as long as there is one. Sticky is adaptive (KIP-794): of two partitions the one
/// behind which fewer batches wait is chosen more often, so that a slow broker gets what it can take.
/// </summary>
/// <param name="settings">Those named partitioner, and batch.size.</param>
/// <param name="random">For sticky.</param>
/// <param name="loadOf">Asked when sticky moves on.</param>
internal sealed class TopicPartitioner(ProducerSettings settings, Random random, Func<int, TimeSpan, PartitionLoad> loadOf)
{
    private readonly List<int> _available = [];
    private readonly List<(int Partition, int Batches)> _candidates = [];
    private int _count;
    private int _current = -1;
    private long _bytesInCurrent;

    /// <param name="topic">A topic without error, so with at least one partition.</param>
    public void Update(TopicView topic)
    {
        _count = topic.Partitions.Length;
        _available.Clear();
        foreach (var partition in topic.Partitions)
        {
            if (partition.HasLeader)
                _available.Add(partition.Index);
        }

        if (_available.Count == 0)
        {
            for (var i = 0; i < _count; i++)
                _available.Add(i);
        }

        if (settings.Partitioner == KeylessPartitioner.Sticky && !_available.Contains(_current))
            _current = -1;
    }

    public int Choose(ReadOnlyMemory<byte>? key, TimeSpan now)
    {
        if (Decides(key))
            return Murmur2.Partition(key!.Value.Span, _count);
        if (settings.Partitioner == KeylessPartitioner.RoundRobin)
        {
            _current = (_current + 1) % _available.Count;
            return _available[_current];
        }

        if (_current < 0)
            Stick(now);
        return _current;
    }

    /// <summary>A record went into the partition chosen for it; if that was not for its key, moves on once a batch's worth has.</summary>
    public void OnAppended(ReadOnlyMemory<byte>? key, int bytes, TimeSpan now)
    {
        if (Decides(key) || settings.Partitioner == KeylessPartitioner.RoundRobin)
            return;
        _bytesInCurrent += bytes;
        if (_bytesInCurrent >= settings.BatchSize)
            Stick(now);
    }

    private bool Decides(ReadOnlyMemory<byte>? key) => key is not null && !settings.PartitionerIgnoreKeys;

    private void Stick(TimeSpan now)
    {
        _bytesInCurrent = 0;
        if (settings.PartitionerAdaptivePartitioningEnable && TryStickByLoad(now))
            return;
        var at = _available.IndexOf(_current);
        if (at < 0 || _available.Count == 1)
        {
            _current = _available[random.Next(_available.Count)];
            return;
        }

        // Uniform among the others.
        var next = random.Next(_available.Count - 1);
        _current = _available[next < at ? next : next + 1];
    }

    /// <summary>Kafka's weights: as many more than the fullest's one as fewer batches wait. False if all stand alike.</summary>
    private bool TryStickByLoad(TimeSpan now)
    {
        _candidates.Clear();
        var (fewest, most) = (int.MaxValue, 0);
        foreach (var partition in _available)
        {
            var load = loadOf(partition, now);
            if (load.IsStuck)
                continue;
            _candidates.Add((partition, load.Batches));
            (fewest, most) = (Math.Min(fewest, load.Batches), Math.Max(most, load.Batches));
        }

        if (_candidates.Count == 0 || (_candidates.Count == _available.Count && fewest == most))
            return false;
        long sum = 0;
        foreach (var (_, batches) in _candidates)
            sum += most + 1 - batches;
        var drawn = random.NextInt64(sum);
        foreach (var (partition, batches) in _candidates)
        {
            _current = partition;
            drawn -= most + 1 - batches;
            if (drawn < 0)
                break;
        }

        return true;
    }
}

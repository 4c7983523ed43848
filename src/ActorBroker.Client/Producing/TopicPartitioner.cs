using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>
/// Chooses partitions for one topic's records: by key as Kafka does, else sticky or in turn. Only partitions with a
/// leader are chosen for records without a key, as long as there is one.
/// </summary>
internal sealed class TopicPartitioner(KeylessPartitioner keyless, int stickyBytes, Random random)
{
    private readonly List<int> _available = [];
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

        if (keyless == KeylessPartitioner.Sticky && !_available.Contains(_current))
            _current = -1;
    }

    public int Choose(ReadOnlyMemory<byte>? key)
    {
        if (key is { } bytes)
            return Murmur2.Partition(bytes.Span, _count);
        if (keyless == KeylessPartitioner.RoundRobin)
        {
            _current = (_current + 1) % _available.Count;
            return _available[_current];
        }

        if (_current < 0)
            Stick();
        return _current;
    }

    /// <summary>A record without a key went into the partition last chosen; moves on once a batch's worth has.</summary>
    public void OnAppended(int bytes)
    {
        if (keyless == KeylessPartitioner.RoundRobin)
            return;
        _bytesInCurrent += bytes;
        if (_bytesInCurrent >= stickyBytes)
            Stick();
    }

    private void Stick()
    {
        _bytesInCurrent = 0;
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
}

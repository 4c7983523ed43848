namespace ActorBroker.Client;

/// <summary>A topic as a producer sees it: its partitions' queues, or the records that wait to learn of them.</summary>
internal sealed class ProducerTopic
{
    private readonly ProducerIdentity? _identity;
    private PartitionQueue[] _queues = [];

    /// <param name="name">Its name.</param>
    /// <param name="settings">For the partitioner.</param>
    /// <param name="random">Likewise.</param>
    /// <param name="loadOf">Likewise.</param>
    /// <param name="identity">Null without idempotence.</param>
    public ProducerTopic(string name, ProducerSettings settings, Random random, Func<PartitionQueue, TimeSpan, PartitionLoad> loadOf, ProducerIdentity? identity)
    {
        (Name, _identity) = (name, identity);
        Partitioner = new TopicPartitioner(settings, random, (partition, now) => loadOf(_queues[partition], now));
    }

    public string Name { get; }

    public TopicPartitioner Partitioner { get; }

    /// <summary>Whether its partitions are known; stays so although the topic may be gone later.</summary>
    public bool IsKnown => _queues.Length > 0;

    public ReadOnlySpan<PartitionQueue> Queues => _queues;

    /// <summary>Records that wait for the topic's partitions, oldest first, with the memory they were charged.</summary>
    public Queue<(OutgoingRecord Record, FlushGroup Group, long Reserved)> Pending { get; } = new();

    /// <summary>Since when brokers have answered that there is no such topic.</summary>
    public TimeSpan? MissingSince { get; set; }

    /// <summary>The partition's queue, or null if the topic has no such partition.</summary>
    public PartitionQueue? QueueOf(int partition) =>
        (uint)partition < (uint)_queues.Length ? _queues[partition] : null;

    public void Update(TopicView view, ClusterImage image)
    {
        MissingSince = null;
        var known = _queues.Length;
        if (view.Partitions.Length > known)
        {
            Array.Resize(ref _queues, view.Partitions.Length);
            for (var i = known; i < _queues.Length; i++)
                _queues[i] = new PartitionQueue(new Log.TopicPartition(Name, i), _identity is null ? null : new PartitionSequences(_identity));
        }

        foreach (var queue in _queues)
            queue.SetLeader(image.LeaderOf(queue.Partition), image.EpochOf(queue.Partition));
        Partitioner.Update(view);
    }
}

namespace ActorBroker.Client;

/// <summary>A topic as a producer sees it: its partitions' queues, or the records that wait to learn of them.</summary>
/// <param name="name">Its name.</param>
/// <param name="partitioner">Its own.</param>
/// <param name="identity">Null without idempotence.</param>
internal sealed class ProducerTopic(string name, TopicPartitioner partitioner, ProducerIdentity? identity)
{
    private PartitionQueue[] _queues = [];

    public string Name { get; } = name;

    public TopicPartitioner Partitioner { get; } = partitioner;

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
                _queues[i] = new PartitionQueue(new Log.TopicPartition(Name, i), identity is null ? null : new PartitionSequences(identity));
        }

        foreach (var queue in _queues)
            queue.SetLeader(image.LeaderOf(queue.Partition), image.EpochOf(queue.Partition));
        Partitioner.Update(view);
    }
}

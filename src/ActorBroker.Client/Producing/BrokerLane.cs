using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>What goes to one broker: the partitions with something to send, in turn, and the requests out.</summary>
internal sealed class BrokerLane(BrokerId broker)
{
    private readonly Queue<PartitionQueue> _ready = new();
    private readonly List<PartitionQueue> _again = [];

    public BrokerId Broker { get; } = broker;

    public int RequestsInFlight { get; set; }

    /// <summary>Since when something is ready and nothing could be sent for want of answers.</summary>
    public TimeSpan? FullSince { get; set; }

    public bool HasReady => _ready.Count > 0;

    public void List(PartitionQueue queue)
    {
        if (queue.IsListed)
            return;
        queue.IsListed = true;
        _ready.Enqueue(queue);
    }

    /// <summary>
    /// The next batch of as many partitions as fit into a request; then, while it is small, more batches of the same
    /// partitions, each partition's in order. Null if none may leave now.
    /// </summary>
    /// <param name="now">Monotonic.</param>
    /// <param name="requestBytes">What a request may hold.</param>
    /// <param name="fillBytes">Up to how many bytes a partition may add a second batch, a third, ...</param>
    public List<ProducerBatch>? Take(TimeSpan now, long requestBytes, long fillBytes)
    {
        List<ProducerBatch>? batches = null;
        long used = 0;
        while (_ready.TryPeek(out var queue))
        {
            if (queue.Leader != Broker || !queue.MaySend(now))
            {
                // Whatever holds it back (an answer, a back-off, a new leader) lists it again when it ends.
                Unlist();
                continue;
            }

            var size = queue.Head!.Bytes.Length + FrameBudget.PartitionOverhead(queue.Partition.Topic);
            if (batches is not null && used + size > requestBytes)
                break;
            Unlist();
            used += size;
            (batches ??= []).Add(queue.TakeHead());
            _again.Add(queue);
        }

        if (batches is not null)
            Fill(batches, used, now, Math.Min(requestBytes, fillBytes));
        foreach (var queue in _again)
        {
            if (queue.MaySend(now))
                List(queue);
        }

        _again.Clear();
        return batches;
    }

    private void Fill(List<ProducerBatch> batches, long used, TimeSpan now, long fillBytes)
    {
        foreach (var queue in _again)
        {
            while (queue.MaySend(now))
            {
                used += queue.Head!.Bytes.Length + FrameBudget.PartitionOverhead(queue.Partition.Topic);
                if (used > fillBytes)
                    return;
                batches.Add(queue.TakeHead());
            }
        }
    }

    private void Unlist() => _ready.Dequeue().IsListed = false;
}

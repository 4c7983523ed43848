using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>What goes to one broker: the partitions with something to send, in turn, and the requests out.</summary>
internal sealed class BrokerLane(BrokerId broker)
{
    private readonly Queue<PartitionQueue> _ready = new();
    private readonly List<PartitionQueue> _again = [];

    public BrokerId Broker { get; } = broker;

    public int RequestsInFlight { get; set; }

    public bool HasReady => _ready.Count > 0;

    public void List(PartitionQueue queue)
    {
        if (queue.IsListed)
            return;
        queue.IsListed = true;
        _ready.Enqueue(queue);
    }

    /// <summary>The next batch of as many partitions as fit into a request; null if none may leave now.</summary>
    public List<ProducerBatch>? Take(TimeSpan now, long requestBytes)
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

        foreach (var queue in _again)
        {
            if (queue.MaySend(now))
                List(queue);
        }

        _again.Clear();
        return batches;
    }

    private void Unlist() => _ready.Dequeue().IsListed = false;
}

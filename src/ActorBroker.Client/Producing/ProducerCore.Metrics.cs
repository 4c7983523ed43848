namespace ActorBroker.Client;

/// <summary>The half about being watched.</summary>
internal sealed partial class ProducerCore
{
    private readonly RateWindow _errors = new();
    private Counters _counters;
    private long _failedSince;

    public ProducerMetrics MetricsAt(TimeSpan now)
    {
        var queued = 0;
        long ended = 0;
        foreach (var topic in _topics.Values)
        {
            foreach (var queue in topic.Queues)
            {
                queued += queue.Waiting;
                ended += queue.EpochsEnded;
            }
        }

        var inFlight = 0;
        foreach (var (_, batches) in _inFlight.Values)
            inFlight += batches.Count;
        return new ProducerMetrics
        {
            RecordsAccepted = _counters.Accepted,
            RecordsDelivered = _counters.Delivered,
            RecordsFailed = _counters.Failed,
            RecordErrorRate = _errors.PerSecond(now),
            RequestsSent = _counters.Requests,
            RequestsInFlight = _inFlight.Count,
            BatchesSent = _counters.Batches,
            BatchesOpen = _accumulator.OpenBatches,
            BatchesQueued = queued,
            BatchesInFlight = inFlight,
            BatchesRetried = _counters.Retried,
            BatchesReordered = _counters.Reordered,
            RecordBytesSent = _counters.Bytes,
            CompressionRate = _accumulator.CompressionRate,
            BufferBytesUsed = _accumulator.BytesUsed,
            BufferBytesTotal = _settings.BufferMemory,
            RecordsWaiting = _waiting.Count,
            BytesWaiting = _bytesWaiting,
            ProducerId = _identity?.Id.Value ?? -1,
            SequenceEpochsEnded = ended,
        };
    }

    /// <summary>Failures become a rate at the next <see cref="Advance"/>.</summary>
    private void CountFailed(int records)
    {
        _counters.Failed += records;
        _failedSince += records;
    }

    private struct Counters
    {
        public long Accepted, Delivered, Failed, Requests, Batches, Bytes, Retried, Reordered;
    }
}

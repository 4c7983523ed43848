namespace ActorBroker.MultiNode.Tests.Histories;

/// <summary>Holds the replicas of a partition against each other, and their batches against what producers sent again. Pure.</summary>
internal static class ReplicaChecker
{
    /// <summary>Every replica holds everything below the high watermark, byte for byte the same.</summary>
    public static IReadOnlyList<string> Compare(int partition, long highWatermark, IReadOnlyList<ReplicaLog> replicas)
    {
        var faults = new List<string>();
        foreach (var replica in replicas)
        {
            long next = 0;
            foreach (var batch in replica.Batches)
            {
                if (batch.BaseOffset != next)
                    faults.Add($"partition {partition} on {replica.Broker}: a batch at {batch.BaseOffset} where {next} belongs");
                next = batch.NextOffset;
            }

            if (next < highWatermark) faults.Add($"partition {partition} on {replica.Broker} ends at {next}, below the high watermark {highWatermark}");
        }

        var reference = replicas[0];
        foreach (var other in replicas.Skip(1))
        {
            foreach (var (mine, theirs) in reference.Batches.Zip(other.Batches))
            {
                if (mine.BaseOffset >= highWatermark || mine.Bytes.AsSpan().SequenceEqual(theirs.Bytes)) continue;
                faults.Add($"partition {partition}: {reference.Broker} and {other.Broker} differ at {mine.BaseOffset} (epoch {mine.LeaderEpoch}) and {theirs.BaseOffset} (epoch {theirs.LeaderEpoch}), high watermark {highWatermark}");
                break;
            }
        }

        return faults;
    }

    /// <summary>Copies are of whole batches as they were first sent, and no more than the producer sent again.</summary>
    /// <param name="batchesSentAgain">By producer.</param>
    public static IReadOnlyList<string> CheckCopies(IEnumerable<StoredBatch> batchesOfAllPartitions, IReadOnlyDictionary<string, long> batchesSentAgain)
    {
        var faults = new List<string>();
        var copies = new Dictionary<string, long>(StringComparer.Ordinal);
        var first = new Dictionary<string, StoredBatch>(StringComparer.Ordinal);
        foreach (var batch in batchesOfAllPartitions)
        {
            var values = batch.Values();
            var known = values.Select(value => first.GetValueOrDefault(value)).Distinct().ToList();
            if (known is [null])
            {
                foreach (var value in values) first.TryAdd(value, batch);
                continue;
            }

            var producer = RecordText.Parse(values[0]).Producer;
            copies[producer] = copies.GetValueOrDefault(producer) + 1;
            if (known is not [{ } original] || original.Crc != batch.Crc || original.NextOffset - original.BaseOffset != batch.NextOffset - batch.BaseOffset)
                faults.Add($"the batch at {batch.BaseOffset} (epoch {batch.LeaderEpoch}, first {values[0]}) repeats records, but not a batch");
        }

        foreach (var (producer, count) in copies)
        {
            if (count > batchesSentAgain.GetValueOrDefault(producer))
                faults.Add($"{producer} sent {batchesSentAgain.GetValueOrDefault(producer)} batches again, and {count} copies are there");
        }

        return faults;
    }
}

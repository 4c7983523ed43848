namespace ActorBroker.Log;

/// <summary>What one cleaning of a log goes by, beside the log's own <see cref="LogOptions"/>.</summary>
/// <param name="MapBytes">The most that the map of keys may take; a cleaning that meets more keys ends where it was full.</param>
/// <param name="BufferBytes">Read at a time, and written at a time; a single larger batch is taken whole.</param>
/// <param name="Secret">Of the hash of keys: unpredictable.</param>
/// <param name="Codecs">Batches are packed again as they were.</param>
/// <param name="LastBatches">
/// The last offset of each live producer's newest batch, which stays, emptied if need be, so that a duplicate of it is known. Null: not
/// known, so every producer's batches stay.
/// </param>
public sealed record CleaningOptions(
    long MapBytes, int BufferBytes, Guid Secret, CompressionCodecs Codecs, IReadOnlyDictionary<ProducerId, Offset>? LastBatches)
{
    internal bool IsLastOfProducer(in RecordBatchHeader batch)
    {
        if (!batch.IsIdempotent)
            return false;
        return LastBatches is null || (LastBatches.TryGetValue(batch.ProducerId, out var last) && last == batch.LastOffset);
    }
}

/// <summary>What a cleaning did so far.</summary>
public sealed class CleaningStatistics
{
    public int SegmentsBefore { get; internal set; }

    public int SegmentsAfter { get; internal set; }

    public long BytesBefore { get; internal set; }

    public long BytesAfter { get; internal set; }

    public long RecordsBefore { get; internal set; }

    public long RecordsAfter { get; internal set; }

    /// <summary>Records without a key: from a time when the log was not compacted. They can't be told apart and go.</summary>
    public long WithoutKey { get; internal set; }

    /// <summary>Different keys in the part that was dirty.</summary>
    public long Keys { get; internal set; }
}

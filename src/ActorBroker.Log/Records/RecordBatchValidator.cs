namespace ActorBroker.Log;

/// <summary>What is wrong with bytes that should be a record batch.</summary>
public enum BatchFault
{
    None,

    /// <summary>Fewer bytes than the header, or than the batch says it has.</summary>
    TooShort,

    /// <summary>A length below the header's own, or negative.</summary>
    BadLength,

    /// <summary>Not format v2.</summary>
    BadMagic,
    BadCrc,

    /// <summary>A negative base offset or offset delta.</summary>
    BadOffset,

    /// <summary>The count of records differs from the header's, or is not positive in a batch from a producer.</summary>
    BadRecordCount,

    /// <summary>Record offsets not ascending, past the last offset or, from a producer, not dense.</summary>
    BadOffsets,

    /// <summary>A length or number inside a record that can't be.</summary>
    MalformedRecord,

    /// <summary>Compression that has no codec here.</summary>
    UnknownCompression,

    /// <summary>Packed records that can't be unpacked, or unpack to more than the bound.</summary>
    UnpackFailed,

    /// <summary>Larger than <c>max.message.bytes</c>.</summary>
    TooLarge,

    /// <summary>Attributes that a producer may not set.</summary>
    BadAttributes,

    /// <summary>A record without a key, where the log is compacted by keys.</summary>
    MissingKey,
}

/// <summary>Judges batches before they are trusted, in three depths that each include the one before.</summary>
public static class RecordBatchValidator
{
    /// <summary>The header's own numbers fit the bytes, which may go on behind the batch.</summary>
    public static BatchFault CheckFrame(ReadOnlySpan<byte> bytes, out RecordBatchHeader header)
    {
        if (!RecordBatchHeader.TryParse(bytes, out header))
            return BatchFault.TooShort;
        var fault = CheckHeader(header);
        if (fault != BatchFault.None)
            return fault;
        return header.SizeInBytes > bytes.Length ? BatchFault.TooShort : BatchFault.None;
    }

    /// <summary>What can be told from the header alone.</summary>
    public static BatchFault CheckHeader(in RecordBatchHeader header)
    {
        if (header.Magic != RecordBatchHeader.CurrentMagic)
            return BatchFault.BadMagic;
        if (header.SizeInBytes < RecordBatchHeader.Size || header.SizeInBytes > int.MaxValue)
            return BatchFault.BadLength;
        if (header.BaseOffset.Value < 0 || header.LastOffsetDelta < 0 || header.BaseOffset.Value > long.MaxValue - header.LastOffsetDelta - 1)
            return BatchFault.BadOffset;
        return header.RecordCount < 0 ? BatchFault.BadRecordCount : BatchFault.None;
    }

    /// <summary>Frame and checksum: what recovery asks of stored batches.</summary>
    public static BatchFault CheckChecksum(ReadOnlySpan<byte> bytes, out RecordBatchHeader header)
    {
        var fault = CheckFrame(bytes, out header);
        if (fault != BatchFault.None)
            return fault;
        var covered = bytes[RecordBatchHeader.AttributesAt..(int)header.SizeInBytes];
        return Crc32C.Compute(covered) == header.Crc ? BatchFault.None : BatchFault.BadCrc;
    }

    /// <summary>
    /// Everything, for a batch from a producer: one whole batch and nothing behind it, dense offsets, every record sound,
    /// unpacked no larger than <paramref name="maxUnpackedBytes"/>; with <paramref name="requireKeys"/> every record has a key.
    /// </summary>
    public static BatchFault CheckProduced(
        ReadOnlySpan<byte> batch, int maxBytes, out RecordBatchHeader header, CompressionCodecs? codecs = null, int maxUnpackedBytes = RecordEnumerator.DefaultMaxUnpackedBytes,
        bool requireKeys = false)
    {
        var fault = CheckChecksum(batch, out header);
        if (fault != BatchFault.None)
            return fault;
        if (header.SizeInBytes != batch.Length)
            return BatchFault.BadLength;
        if (batch.Length > maxBytes)
            return BatchFault.TooLarge;
        if (header.HasDeleteHorizon || header.TimestampType == TimestampType.LogAppendTime)
            return BatchFault.BadAttributes;
        if (header.RecordCount <= 0 || header.RecordCount != header.LastOffsetDelta + 1L)
            return BatchFault.BadRecordCount;
        return CheckRecords(batch, codecs, maxUnpackedBytes, requireKeys);
    }

    private static BatchFault CheckRecords(ReadOnlySpan<byte> batch, CompressionCodecs? codecs, int maxUnpackedBytes, bool requireKeys)
    {
        // As many records as the last delta allows, ascending: so the offsets are dense.
        using var records = new RecordEnumerator(batch, codecs, maxUnpackedBytes);
        var keyed = true;
        while (records.TryMoveNext())
            keyed &= records.Current.HasKey;
        return records.Fault == BatchFault.None && requireKeys && !keyed ? BatchFault.MissingKey : records.Fault;
    }
}

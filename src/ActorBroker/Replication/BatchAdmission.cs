using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Replication;

/// <summary>What keeps a produced batch out, whatever partition it goes to.</summary>
internal enum BatchRefusal
{
    None,

    /// <summary>The bytes are not the batch that the producer made: worth sending again.</summary>
    Corrupt,

    /// <summary>A producer made it like this: sending it again changes nothing.</summary>
    Invalid,

    /// <summary>Not record batch v2.</summary>
    UnsupportedFormat,

    UnsupportedCompression,

    /// <summary>A record without a key for a compacted topic.</summary>
    MissingKey,
    TooLarge,
    TimestampOutOfRange,

    /// <summary>Of a transaction, which this broker does not serve.</summary>
    Transactional,
}

/// <summary>
/// Judges the bytes of a produced batch against the topic's settings, without allocating. This happens in the session, so
/// that many clients' batches are checked in parallel and a partition's actor never spends time on garbage.
/// </summary>
internal static class BatchAdmission
{
    public static BatchRefusal Judge(ReadOnlySpan<byte> batch, TopicSettings settings, long nowMs, out BatchFault fault)
    {
        fault = RecordBatchValidator.CheckProduced(batch, settings.Log.MaxMessageBytes, out var header, requireKeys: settings.Log.IsCompacted);
        if (fault != BatchFault.None) return IsOlderFormat(batch) ? BatchRefusal.UnsupportedFormat : Classify(fault);
        if (header.IsControl) return BatchRefusal.Invalid;
        if (header.IsTransactional) return BatchRefusal.Transactional;
        if (header.IsIdempotent && (header.ProducerEpoch.Value < 0 || header.BaseSequence < 0)) return BatchRefusal.Invalid;
        return TimestampsFit(header, settings, nowMs) ? BatchRefusal.None : BatchRefusal.TimestampOutOfRange;
    }

    /// <summary>Formats v0 and v1 have their number at the same place; they may be shorter than the header of v2.</summary>
    private static bool IsOlderFormat(ReadOnlySpan<byte> batch) =>
        batch.Length > RecordBatchHeader.MagicAt && batch[RecordBatchHeader.MagicAt] is 0 or 1;

    private static BatchRefusal Classify(BatchFault fault) => fault switch
    {
        BatchFault.TooLarge => BatchRefusal.TooLarge,
        BatchFault.BadMagic => BatchRefusal.UnsupportedFormat,
        BatchFault.MissingKey => BatchRefusal.MissingKey,
        BatchFault.UnknownCompression => BatchRefusal.UnsupportedCompression,
        // Only these can come from damage on the way: everything else is covered by the checksum.
        BatchFault.TooShort or BatchFault.BadLength or BatchFault.BadCrc => BatchRefusal.Corrupt,
        _ => BatchRefusal.Invalid,
    };

    private static bool TimestampsFit(in RecordBatchHeader header, TopicSettings settings, long nowMs)
    {
        // With LogAppendTime the producer's times are overwritten, and -1 is "no timestamp".
        if (settings.Log.MessageTimestampType == TimestampType.LogAppendTime || header.MaxTimestamp < 0) return true;
        // Written so that neither "no limit" (long.MaxValue) nor a producer's wildest time can overflow.
        return header.MaxTimestamp - nowMs <= settings.TimestampAfterMaxMs
            && header.BaseTimestamp >= nowMs - settings.TimestampBeforeMaxMs;
    }
}

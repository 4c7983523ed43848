namespace ActorBroker.Log;

/// <summary>
/// Who made a batch, and which of that producer's records it holds: sequences count them within one partition and epoch from 0
/// on, and wrap from int.MaxValue to 0.
/// </summary>
public readonly record struct ProducerStamp(ProducerId Id, ProducerEpoch Epoch, int BaseSequence, int LastSequence)
{
    /// <summary>Of a batch that nobody could tell from a second one like it.</summary>
    public static ProducerStamp None => new(ProducerId.None, ProducerEpoch.None, -1, -1);

    public bool IsIdempotent => Id.Value >= 0;

    /// <summary>Control batches have none: their sequences count nothing.</summary>
    public static ProducerStamp Of(in RecordBatchHeader header) => header.IsIdempotent && !header.IsControl
        ? new(header.ProducerId, header.ProducerEpoch, header.BaseSequence, header.LastSequence)
        : None;
}

/// <summary>How a batch goes with what is known of its producer.</summary>
public enum ProducerJudgement
{
    /// <summary>What comes next, or from a producer of whom nothing is known.</summary>
    Next,

    /// <summary>It is stored already.</summary>
    Duplicate,

    /// <summary>It has been admitted already and is not stored yet.</summary>
    DuplicateInFlight,

    /// <summary>Records of this producer before it are missing, or it is a duplicate older than those that are remembered.</summary>
    OutOfOrder,

    /// <summary>The producer, or who took over from it, has begun a later epoch.</summary>
    StaleEpoch,
}

/// <param name="BaseOffset">With <see cref="ProducerJudgement.Duplicate"/>: where the stored batch lies.</param>
/// <param name="LastOffset">Likewise.</param>
/// <param name="TimestampMs">Likewise: the stored batch's greatest timestamp.</param>
/// <param name="Ticket">With <see cref="ProducerJudgement.DuplicateInFlight"/>: under which the first one was admitted.</param>
public readonly record struct ProducerVerdict(
    ProducerJudgement Judgement, Offset BaseOffset = default, Offset LastOffset = default, long TimestampMs = -1, long Ticket = -1);

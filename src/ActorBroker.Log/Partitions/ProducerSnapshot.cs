namespace ActorBroker.Log;

/// <summary>What a snapshot file keeps of one idempotent producer.</summary>
/// <param name="OffsetDelta">Last offset minus first offset of its last batch.</param>
/// <param name="CurrentTransactionFirstOffset">-1 outside a transaction.</param>
public readonly record struct ProducerSnapshotEntry(
    ProducerId ProducerId,
    ProducerEpoch Epoch,
    int LastSequence,
    Offset LastOffset,
    int OffsetDelta,
    long TimestampMs,
    int CoordinatorEpoch,
    Offset CurrentTransactionFirstOffset);

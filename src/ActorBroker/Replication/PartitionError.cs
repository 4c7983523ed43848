namespace ActorBroker.Replication;

/// <summary>Why a partition declined an input. Mapped to Kafka's codes at the edge (Api/PartitionErrors).</summary>
internal enum PartitionError
{
    None,

    /// <summary>Another broker leads, or nobody does.</summary>
    NotLeader,

    /// <summary>The caller knows an older leader epoch than this leader's.</summary>
    FencedLeaderEpoch,

    /// <summary>The caller knows a newer leader epoch: this broker's metadata lags behind.</summary>
    UnknownLeaderEpoch,

    /// <summary>acks=all while fewer replicas are in sync than min.insync.replicas; nothing was written.</summary>
    NotEnoughReplicas,

    /// <summary>Batches of its producer before it are missing; nothing was written.</summary>
    OutOfOrderSequence,

    /// <summary>Its producer has begun a later epoch, or another took over from it.</summary>
    StaleProducerEpoch,

    /// <summary>A batch that it would have been written behind was refused by the log; nothing was written. Retriable.</summary>
    BehindRefused,

    /// <summary>The batch is larger than max.message.bytes.</summary>
    MessageTooLarge,

    /// <summary>The volume is below its reserve. Retriable: writes resume by themselves.</summary>
    StorageFull,

    /// <summary>The log does not take this batch, now or later.</summary>
    BatchRefused,

    /// <summary>A follower's log left the leader's: it must cut.</summary>
    Diverging,

    /// <summary>A follower asks for what lies below the leader's log start, or beyond its end.</summary>
    OffsetOutOfRange,

    /// <summary>A write failed; whether the batch is on disk is unknown. Retriable: the partition is being reopened.</summary>
    StorageFailed,
}

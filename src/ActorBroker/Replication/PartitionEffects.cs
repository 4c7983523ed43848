using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>
/// Names one waiting question: who asked, which of its calls, which partition of that call.
/// <paramref name="Client"/> is opaque here: compared, never called.
/// </summary>
internal readonly record struct RequestKey(object Client, long Call, int Slot);

/// <summary>How far a produce must have come before it is answered.</summary>
internal enum Acks : short
{
    All = -1,

    /// <summary>The client wants no answer; its session still hears when the batch is written, as with <see cref="Leader"/>.</summary>
    None = 0,

    /// <summary>Written by the leader, as durably as the flush policy promises.</summary>
    Leader = 1,
}

internal enum PartitionEffectKind
{
    /// <summary>Persist the batch that came with this key.</summary>
    Append,

    /// <summary>Answer a produce.</summary>
    ProduceReply,

    /// <summary>Tell a waiting fetch that it may look again.</summary>
    WakeFetch,
}

/// <summary>One thing for the actor to do, as data. Which fields matter depends on <see cref="Kind"/>.</summary>
internal readonly record struct PartitionEffect(
    PartitionEffectKind Kind,
    RequestKey Key,
    PartitionError Error,
    Offset BaseOffset,
    long AppendTimeMs)
{
    public static PartitionEffect Append(RequestKey key) =>
        new(PartitionEffectKind.Append, key, PartitionError.None, Offset.None, -1);

    public static PartitionEffect Appended(RequestKey key, Offset baseOffset, long appendTimeMs) =>
        new(PartitionEffectKind.ProduceReply, key, PartitionError.None, baseOffset, appendTimeMs);

    public static PartitionEffect Refused(RequestKey key, PartitionError error) =>
        new(PartitionEffectKind.ProduceReply, key, error, Offset.None, -1);

    public static PartitionEffect Wake(RequestKey key, PartitionError error) =>
        new(PartitionEffectKind.WakeFetch, key, error, Offset.None, -1);
}

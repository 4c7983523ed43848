using System.Buffers;
using System.Runtime.InteropServices;
using ActorBroker.Journal;
using ActorBroker.Log;

namespace ActorBroker.Replication;

/// <summary>
/// Received bytes in a pooled buffer, shared by the partitions that find their batches in them. Whoever made it holds it
/// until the first <see cref="Release"/>; each <see cref="Retain"/> asks for one more. One that is never released is
/// merely collected.
/// </summary>
internal sealed class SharedBuffer(byte[] pooled, int length)
{
    private int _holders = 1;

    public ReadOnlyMemory<byte> Memory => pooled.AsMemory(0, length);

    public void Retain() => Interlocked.Increment(ref _holders);

    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0) ArrayPool<byte>.Shared.Return(pooled);
    }
}

/// <summary>A partition's batches as they came from its leader. Whoever gets it releases the buffer once they are stored, or of no use.</summary>
internal sealed record FetchedBatches(SharedBuffer Buffer, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>
    /// Checks every batch and makes one event of all. Null with the reason when they can't be what follows this log's end.
    /// </summary>
    /// <param name="first">The first batch's base offset, also where that is the reason.</param>
    public RecordBatchEvent? TryMakeEvent(Offset logEnd, LeaderEpoch lastEpoch, LeaderEpoch leaderEpoch, out Offset first, out string reason)
    {
        first = Offset.None;
        var (next, epoch) = (logEnd, lastEpoch);
        for (var rest = Bytes.Span; !rest.IsEmpty;)
        {
            var fault = RecordBatchValidator.CheckChecksum(rest, out var header);
            if (first == Offset.None) first = header.BaseOffset;
            reason = fault != BatchFault.None ? $"a batch near offset {next} is damaged ({fault})"
                : header.BaseOffset < next ? $"a batch begins at offset {header.BaseOffset}, below {next}"
                : header.PartitionLeaderEpoch < epoch || header.PartitionLeaderEpoch > leaderEpoch
                    ? $"a batch of leader epoch {header.PartitionLeaderEpoch} comes behind {epoch} from a leader of {leaderEpoch}"
                    : "";
            if (reason.Length > 0) return null;
            (next, epoch) = (header.NextOffset, header.PartitionLeaderEpoch);
            rest = rest[(int)header.SizeInBytes..];
        }

        reason = "";
        return RecordBatchEvent.Fetched(MemoryMarshal.AsMemory(Bytes), first, next - 1, epoch);
    }
}

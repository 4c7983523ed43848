using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Groups;

/// <summary>Reads a partition of <c>__consumer_offsets</c> from its start, a stretch at a time, into a core.</summary>
internal sealed class CoordinatorLoader(PartitionLog log, CoordinatorCore core, int bufferBytes)
{
    private readonly GroupRecordCodec _codec = new();

    /// <summary>All below has been read.</summary>
    public Offset Position { get; private set; } = log.LogStartOffset;

    public long Records { get; private set; }

    /// <summary>Records that are none of ours, or can't be read.</summary>
    public long Skipped { get; private set; }

    /// <summary>Reads on, below <paramref name="end"/>. False once there is nothing left to read.</summary>
    /// <exception cref="IOException">The log can't be read.</exception>
    public bool TryReadMore(Offset end)
    {
        if (Position < log.LogStartOffset) Position = log.LogStartOffset;
        if (Position >= end) return false;
        using var read = log.Read(Position, bufferBytes, end, minOneBatch: true);
        if (read.Status == LogReadStatus.OutOfRange) return Position < log.LogStartOffset;
        // Behind the last batch there may be offsets whose records were compacted away.
        if (read.Batches.IsEmpty) return false;
        for (var rest = read.Batches.Span; RecordBatchHeader.TryParse(rest, out var header); rest = rest[(int)header.SizeInBytes..])
            ReadBatch(rest[..(int)header.SizeInBytes], header);

        Position = read.NextOffset;
        return true;
    }

    private void ReadBatch(ReadOnlySpan<byte> batch, in RecordBatchHeader header)
    {
        if (header.IsControl) return;
        using var records = new RecordEnumerator(batch);
        while (records.MoveNext())
        {
            Records++;
            if (TryDecode(records.Current) is { } change) core.Apply(change);
            else Skipped++;
        }
    }

    private GroupEvent? TryDecode(in Record record)
    {
        try
        {
            return _codec.Decode(record);
        }
        catch (ProtocolException)
        {
            return null;
        }
    }
}

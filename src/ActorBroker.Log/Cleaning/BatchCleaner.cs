namespace ActorBroker.Log;

/// <summary>
/// Takes the superseded records out of one batch after the other. Offsets, timestamps, leader epoch and producer fields stay as they
/// are. Bytes that it returns are valid until the next call.
/// <list type="bullet">
/// <item>A record stays when the map knows no later one of its key, or when it lies beyond what was mapped.</item>
/// <item>A record without a value (a tombstone) stays until its batch's delete horizon, which is set when the batch is first cleaned:
/// then plus delete.retention.ms (KIP-534: an attribute bit, and the base timestamp holds it).</item>
/// <item>A batch that loses all records goes, unless somebody needs its header: then it stays without records.</item>
/// <item>Control batches stay as they are.</item>
/// </list>
/// </summary>
/// <param name="mappedTo">The map knows every key below.</param>
internal sealed class BatchCleaner(OffsetMap map, Offset mappedTo, long nowMs, TimeSpan deleteRetention, CleaningOptions options, CleaningStatistics statistics)
    : IDisposable
{
    private readonly PooledBuffer _plain = new(4096);
    private readonly PooledBuffer _packed = new(4096);
    private readonly List<Kept> _kept = [];

    private readonly long _horizonMs = (long)Math.Min(nowMs + deleteRetention.TotalMilliseconds, long.MaxValue / 2.0);

    /// <summary>A record that stays: where it lies among the batch's records, and what it says of itself.</summary>
    private readonly record struct Kept(int Start, int Fields, int End, int OffsetDelta, long TimestampMs);

    /// <summary>What is left of the batch; empty when nothing is. The very bytes handed in when nothing changes.</summary>
    /// <param name="keepsHeader">It is to stay even without records.</param>
    /// <param name="path">For a fault: the file and the position of the batch in it.</param>
    /// <exception cref="LogCorruptException">It can't be read.</exception>
    public ReadOnlySpan<byte> Clean(ReadOnlySpan<byte> batch, in RecordBatchHeader header, bool keepsHeader, string path, long position)
    {
        statistics.RecordsBefore += header.RecordCount;
        if (header.IsControl)
        {
            statistics.RecordsAfter += header.RecordCount;
            return batch;
        }

        if (header.IsTransactional)
            throw new LogCorruptException(path, position, "a transaction's records, which this release can't compact");
        keepsHeader |= options.IsLastOfProducer(header);
        if (header.RecordCount == 0)
            return keepsHeader ? batch : default;

        var records = new RecordEnumerator(batch, options.Codecs);
        try
        {
            var tombstones = ChooseRecords(ref records, header);
            if (records.Fault != BatchFault.None)
                throw new LogCorruptException(path, position, $"its records can't be read ({records.Fault})");
            statistics.RecordsAfter += _kept.Count;
            if (_kept.Count == 0)
                return keepsHeader ? EmptyOf(header) : default;
            var setsHorizon = tombstones && !header.HasDeleteHorizon && header.NextOffset <= mappedTo;
            return _kept.Count == header.RecordCount && !setsHorizon ? batch : Rebuild(records.Records, header, setsHorizon);
        }
        finally
        {
            records.Dispose();
        }
    }

    public void Dispose()
    {
        _plain.Dispose();
        _packed.Dispose();
    }

    /// <summary>True when there is a tombstone among those that stay.</summary>
    private bool ChooseRecords(ref RecordEnumerator records, in RecordBatchHeader header)
    {
        _kept.Clear();
        var tombstones = false;
        var tombstonesMayGo = header.HasDeleteHorizon && nowMs >= header.BaseTimestamp;
        while (records.TryMoveNext())
        {
            var record = records.Current;
            if (record.Offset < mappedTo)
            {
                if (!record.HasKey)
                {
                    statistics.WithoutKey++;
                    continue;
                }

                if (map.NewestOf(record.Key) > record.Offset || (tombstonesMayGo && !record.HasValue))
                    continue;
            }

            tombstones |= !record.HasValue;
            var (start, fields, end) = records.CurrentPlace;
            _kept.Add(new Kept(start, fields, end, (int)(record.Offset - header.BaseOffset), record.Timestamp));
        }

        return tombstones;
    }

    private Span<byte> EmptyOf(in RecordBatchHeader header)
    {
        _plain.SetLength(RecordBatchHeader.Size);
        return Finish(_plain, header with
        {
            Attributes = RecordBatchHeader.MakeAttributes(CompressionType.None, header.TimestampType, isTransactional: false, isControl: false),
            BaseTimestamp = -1,
            RecordCount = 0,
        });
    }

    private Span<byte> Rebuild(ReadOnlySpan<byte> records, in RecordBatchHeader header, bool setsHorizon)
    {
        _plain.SetLength(RecordBatchHeader.Size);
        var maxTimestamp = -1L;
        foreach (var kept in _kept)
        {
            maxTimestamp = Math.Max(maxTimestamp, kept.TimestampMs);
            // Timestamps count from the base timestamp, which the horizon takes over.
            if (setsHorizon)
                WriteAnew(records, kept);
            else
                Write(records[kept.Start..kept.End]);
        }

        var rebuilt = header with
        {
            Attributes = setsHorizon ? RecordBatchHeader.WithDeleteHorizon(header.Attributes) : header.Attributes,
            BaseTimestamp = setsHorizon ? _horizonMs : header.BaseTimestamp,
            MaxTimestamp = maxTimestamp,
            RecordCount = _kept.Count,
        };
        if (header.Compression == CompressionType.None)
            return Finish(_plain, rebuilt);
        if (!options.Codecs.TryGet(header.Compression, out var codec))
            throw new InvalidOperationException($"No codec for {header.Compression} although it unpacked a batch.");
        _packed.SetLength(RecordBatchHeader.Size);
        codec.Compress(_plain.WrittenSpan[RecordBatchHeader.Size..], _packed);
        return Finish(_packed, rebuilt);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_plain.GetSpan(bytes.Length));
        _plain.Advance(bytes.Length);
    }

    private void WriteAnew(ReadOnlySpan<byte> records, in Kept kept)
    {
        var fields = records[kept.Fields..kept.End];
        var timestampDelta = kept.TimestampMs - _horizonMs;
        var body = 1 + Varint.SizeOf(timestampDelta) + Varint.SizeOf(kept.OffsetDelta) + fields.Length;
        var target = _plain.GetSpan(Varint.SizeOf(body) + body);
        var at = Varint.Write(target, body);
        target[at++] = 0;
        at += Varint.Write(target[at..], timestampDelta);
        at += Varint.Write(target[at..], kept.OffsetDelta);
        fields.CopyTo(target[at..]);
        _plain.Advance(at + fields.Length);
    }

    private static Span<byte> Finish(PooledBuffer buffer, RecordBatchHeader header)
    {
        var bytes = buffer.MutableMemory.Span;
        (header with { BatchLength = bytes.Length - RecordBatchHeader.LengthPrefix }).WriteTo(bytes);
        RecordBatchHeader.PatchCrc(bytes);
        return bytes;
    }
}

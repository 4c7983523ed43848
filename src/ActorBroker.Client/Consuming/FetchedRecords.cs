using ActorBroker.Log;

namespace ActorBroker.Client;

/// <summary>What a fetch brought for one partition: whole record batches, decoded one at a time as they are handed over.</summary>
internal sealed class FetchedRecords
{
    private readonly TopicPartition _partition;
    private readonly bool _checkCrcs;
    private ReadOnlyMemory<byte> _rest;
    private ConsumerRecord[] _decoded = [];
    private int _at;
    private Offset _afterDecoded;

    /// <param name="partition">The partition.</param>
    /// <param name="bytes">Batches as the broker sent them; the last one may be cut.</param>
    /// <param name="from">The offset asked for: batches begin at or before it.</param>
    /// <param name="highWatermark">As of this fetch.</param>
    /// <param name="checkCrcs">Whether each batch's checksum is checked.</param>
    public FetchedRecords(TopicPartition partition, ReadOnlyMemory<byte> bytes, Offset from, Offset highWatermark, bool checkCrcs)
    {
        _partition = partition;
        _rest = bytes;
        _checkCrcs = checkCrcs;
        _afterDecoded = Next = from;
        HighWatermark = highWatermark;
    }

    public Offset HighWatermark { get; }

    /// <summary>The offset behind all that was taken.</summary>
    public Offset Next { get; private set; }

    /// <summary>The highest leader epoch among the batches that were decoded.</summary>
    public LeaderEpoch Epoch { get; private set; } = LeaderEpoch.None;

    /// <summary>Set when a batch turned out bad: what came before it was sound.</summary>
    public BatchFault Fault { get; private set; }

    /// <summary>Nothing is left to take.</summary>
    public bool IsEmpty => _at == _decoded.Length && _rest.IsEmpty;

    /// <summary>Up to that many records in offset order; empty at the end or in front of a <see cref="Fault"/>.</summary>
    public ConsumerRecord[] Take(int most)
    {
        if (!Decode())
            return [];
        var first = Math.Min(most, _decoded.Length - _at);
        if (_at == 0 && first == _decoded.Length && (first == most || _rest.IsEmpty))
            return Took(_decoded, first);

        var taken = new List<ConsumerRecord>(Math.Min(most, 1024));
        do
        {
            var count = Math.Min(most - taken.Count, _decoded.Length - _at);
            taken.AddRange(_decoded.AsSpan(_at, count));
            _at += count;
        }
        while (taken.Count < most && Decode());
        SetNext();
        return taken.ToArray();
    }

    private ConsumerRecord[] Took(ConsumerRecord[] records, int count)
    {
        _at += count;
        SetNext();
        return records;
    }

    private void SetNext() => Next = _at == _decoded.Length ? _afterDecoded : _decoded[_at].Offset;

    /// <summary>Makes sure that a decoded record is there, if any is left; skips batches that hold none for the reader.</summary>
    private bool Decode()
    {
        while (_at == _decoded.Length && !_rest.IsEmpty)
        {
            Fault = _checkCrcs
                ? RecordBatchValidator.CheckChecksum(_rest.Span, out var header)
                : RecordBatchValidator.CheckFrame(_rest.Span, out header);
            if (Fault == BatchFault.TooShort && HasTaken)
            {
                // The cut end of an answer: the next fetch begins with this batch.
                Fault = BatchFault.None;
                _rest = default;
                break;
            }

            if (Fault != BatchFault.None || !DecodeBatch(_rest[..(int)header.SizeInBytes], header))
            {
                _rest = default;
                break;
            }

            HasTaken = true;
            if (header.PartitionLeaderEpoch > Epoch)
                Epoch = header.PartitionLeaderEpoch;
            _rest = _rest[(int)header.SizeInBytes..];
            if (header.NextOffset > _afterDecoded)
                _afterDecoded = header.NextOffset;
            if (_at == _decoded.Length)
                Next = _afterDecoded;
        }

        return _at < _decoded.Length;
    }

    /// <summary>Whether a whole batch was met, so that a cut one behind it is no fault.</summary>
    private bool HasTaken { get; set; }

    private bool DecodeBatch(ReadOnlyMemory<byte> batch, in RecordBatchHeader header)
    {
        _at = 0;
        _decoded = [];
        if (header.IsControl || header.NextOffset <= _afterDecoded)
            return true;
        var records = new RecordEnumerator(batch.Span);
        try
        {
            var body = header.Compression == CompressionType.None ? batch[RecordBatchHeader.Size..] : records.Records.ToArray();
            var decoded = new ConsumerRecord[Math.Min(header.RecordCount, body.Length)];
            var count = 0;
            while (records.TryMoveNext())
            {
                var record = records.Current;
                if (record.Offset >= _afterDecoded)
                    decoded[count++] = Decode(record, body);
            }

            Fault = records.Fault;
            if (count < decoded.Length)
                Array.Resize(ref decoded, count);
            if (Fault == BatchFault.None)
                _decoded = decoded;
            return Fault == BatchFault.None;
        }
        finally
        {
            records.Dispose();
        }
    }

    private ConsumerRecord Decode(in Record record, ReadOnlyMemory<byte> body) => new(
        _partition, record.Offset, record.Timestamp, Slice(body, record.KeySlice), Slice(body, record.ValueSlice), record.CopyHeaders());

    private static ReadOnlyMemory<byte>? Slice(ReadOnlyMemory<byte> body, RecordSlice slice) =>
        slice.IsNull ? default(ReadOnlyMemory<byte>?) : body.Slice(slice.Start, slice.Length);
}

using ActorBroker.Log;
using Akka.Persistence;

namespace ActorBroker.Journal;

/// <summary>Reads the events of a range of sequence numbers from a log, in order.</summary>
internal sealed class LogReplay(JournalLog log, string persistenceId, EventCodec codec, Action<IPersistentRepresentation> callback)
{
    private const int ReadBytes = 1 << 20;

    private long _left;
    private long _from;
    private long _to;

    /// <summary>Both bounds are inclusive; at most <paramref name="max"/> events.</summary>
    /// <exception cref="LogCorruptException">What is stored is not what was written.</exception>
    /// <exception cref="InvalidDataException">An event can't be read by this release.</exception>
    public void Run(long fromSequenceNr, long toSequenceNr, long max)
    {
        var end = log.Log.LogEndOffset;
        // The event with number n ends at offset n - 1, so events from number f on lie at offset f - 1 or beyond.
        var start = Offset.MaxOf(new Offset(Math.Max(fromSequenceNr, 1) - 1), log.Log.LogStartOffset);
        (_from, _to, _left) = (start.Value + 1, toSequenceNr, max);
        if (log.Content == JournalLogContent.RecordBatches) ReplayHeaders(start, end);
        else ReplayEvents(start, end);
    }

    private void ReplayEvents(Offset at, Offset end)
    {
        while (at < end && MayGoOn(at))
        {
            using var read = log.Log.Read(at, ReadBytes, end, minOneBatch: true);
            if (read.Batches.IsEmpty) return;
            for (var rest = read.Batches.Span; !rest.IsEmpty;)
            {
                if (!RecordBatchHeader.TryParse(rest, out var header) || header.SizeInBytes > rest.Length)
                    throw new InvalidDataException($"The log of [{persistenceId}] ends within a batch near offset {at}.");
                // A quorum's own entries are no events.
                if (!header.IsControl) ReplayRecords(rest[..(int)header.SizeInBytes]);
                rest = rest[(int)header.SizeInBytes..];
            }

            at = read.NextOffset;
        }
    }

    private void ReplayRecords(ReadOnlySpan<byte> batch)
    {
        using var records = new RecordEnumerator(batch);
        while (records.MoveNext())
        {
            var sequenceNr = records.Current.Offset.Value + 1;
            if (sequenceNr < _from) continue;
            if (sequenceNr > _to || _left == 0) return;
            callback(codec.Decode(records.Current, persistenceId));
            _left--;
        }
    }

    /// <summary>Headers only: what a batch holds is read when somebody asks for it.</summary>
    private void ReplayHeaders(Offset at, Offset end)
    {
        Span<byte> bytes = stackalloc byte[RecordBatchHeader.Size];
        while (at < end && MayGoOn(at))
        {
            using var region = log.Log.ReadRegion(at, int.MaxValue, end, minOneBatch: true);
            if (region is null) return;
            var before = at;
            var (position, regionEnd) = (region.Position, region.Position + region.Length);
            while (position + RecordBatchHeader.Size <= regionEnd && MayGoOn(at))
            {
                if (region.File.Read(bytes, position) < bytes.Length || !RecordBatchHeader.TryParse(bytes, out var header))
                    throw new InvalidDataException($"The log of [{persistenceId}] ends within a batch near offset {at}.");
                // A region may end within a batch; the next one begins with it.
                if (position + header.SizeInBytes > regionEnd || header.NextOffset > end) break;
                ReplayHeader(header);
                position += header.SizeInBytes;
                at = header.NextOffset;
            }

            if (at == before) return;
        }
    }

    private void ReplayHeader(in RecordBatchHeader header)
    {
        var sequenceNr = header.NextOffset.Value;
        if (sequenceNr < _from || sequenceNr > _to) return;
        callback(new Persistent(RecordBatchEvent.Stored(header), sequenceNr, persistenceId, timestamp: header.MaxTimestamp));
        _left--;
    }

    private bool MayGoOn(Offset at) => _left > 0 && at.Value < _to;
}

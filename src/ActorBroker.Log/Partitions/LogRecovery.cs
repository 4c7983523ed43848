using System.Buffers;

namespace ActorBroker.Log;

/// <summary>
/// Finds a log's true end after a crash. Every batch of the segments from the recovery point on is checked, its checksum
/// included; at the first that is bad, torn or out of order the log is cut and what follows is removed. Indexes of checked
/// segments are built anew, epochs are taken from the batches. What it leaves is flushed.
/// <para>
/// A segment begins where the one before it ended. A crash may leave a later segment and lose the end of an earlier one, so
/// a hole between segments above the recovery point cuts the log too. (Compaction leaves none: what it makes of segments ends
/// where they ended.)
/// </para>
/// <para>
/// After a failed flush the platform may show bytes that it will never write: it has given up on them and calls them clean.
/// A flush of them succeeds and saves nothing. So then (<paramref name="rewriteTail"/>) what was not flushed is written again.
/// </para>
/// </summary>
internal sealed class LogRecovery(List<LogSegment> segments, LeaderEpochCache epochs, int indexIntervalBytes, bool rewriteTail)
{
    private const int RewriteBytes = 1 << 20;

    private Offset _expected;
    private long _bytesScanned;
    private long _bytesCut;
    private int _scanned;
    private Offset? _firstBadOffset;
    private string? _firstBadFile;
    private long _firstBadPosition;
    private BatchFault _fault;

    /// <summary>Returns the log's end; the list of segments holds those that are left, at least one.</summary>
    public Offset Run(Offset recoveryPoint)
    {
        // The segment that ends at the recovery point too: its indexes are flushed only with the next one.
        var first = segments.FindLastIndex(s => s.BaseOffset < recoveryPoint);
        first = Math.Max(first, 0);
        for (var i = 0; i < first; i++)
            segments[i].IsFlushed = true;
        _expected = segments[first].BaseOffset;
        for (var i = first; i < segments.Count && _firstBadOffset is null; i++)
        {
            if (segments[i].BaseOffset < _expected || (i > first && IsHole(_expected, segments[i].BaseOffset, recoveryPoint)))
                CutFrom(i, i, 0, BatchFault.BadOffsets);
            else
                CheckSegment(i, recoveryPoint);
        }

        return _expected;
    }

    public LogRecoveryResult Result(Offset recoveryPoint, IReadOnlyList<string> notes) => new()
    {
        SegmentsScanned = _scanned,
        BytesScanned = _bytesScanned,
        BytesCut = _bytesCut,
        FirstBadOffset = _firstBadOffset,
        FirstBadFile = _firstBadFile,
        FirstBadPosition = _firstBadPosition,
        Fault = _fault,
        LostFlushedRecords = _expected < recoveryPoint,
        Notes = notes,
    };

    /// <summary>A jump too far for one segment's relative offsets is how a follower's log looks, not what a crash leaves.</summary>
    private static bool IsHole(Offset end, Offset nextBase, Offset recoveryPoint) =>
        nextBase > end && nextBase > recoveryPoint && nextBase - end <= int.MaxValue;

    private void CheckSegment(int index, Offset recoveryPoint)
    {
        var segment = segments[index];
        segment.MarkIndexesReady();
        var log = segment.Acquire()!;
        try
        {
            SegmentIndexes.Clear(segment);
            _expected = Offset.MaxOf(_expected, segment.BaseOffset);
            var end = Scan(segment, log, recoveryPoint, out var unflushed, out var fault);
            _scanned++;
            _bytesScanned += segment.Size;
            if (fault != BatchFault.None)
            {
                var size = segment.Size;
                segment.Size = end;
                log.SetLength(end);
                CutFrom(index, index + 1, end, fault);
                _bytesCut += size - end;
            }

            if (rewriteTail)
                Rewrite(log, unflushed, end);
            log.Flush();
            segment.WriteOutIndexes();
            segment.FlushIndexes();
            segment.IsFlushed = true;
        }
        finally
        {
            segment.Release();
            segment.Close();
        }
    }

    private static void Rewrite(IFile log, long position, long end)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(RewriteBytes);
        try
        {
            while (position < end)
            {
                var read = log.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - position)), position);
                if (read == 0)
                    throw new EndOfStreamException("a segment ends before what was just read from it");
                log.Write(buffer.AsSpan(0, read), position);
                position += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <param name="unflushed">Where the first batch lies that reaches beyond the recovery point.</param>
    private long Scan(LogSegment segment, IFile log, Offset recoveryPoint, out long unflushed, out BatchFault fault)
    {
        unflushed = long.MaxValue;
        using var scanner = new BatchScanner(log, 0, segment.Size);
        while (scanner.TryNext())
        {
            var header = scanner.Header;
            fault = header.BaseOffset < _expected || header.LastOffset - segment.BaseOffset > int.MaxValue ? BatchFault.BadOffsets : BatchFault.None;
            if (fault == BatchFault.None && !scanner.ChecksumHolds())
                fault = scanner.Fault;
            if (fault != BatchFault.None)
                return scanner.Position;
            if (header.NextOffset > recoveryPoint)
                unflushed = Math.Min(unflushed, scanner.Position);
            segment.Note(header, scanner.Position, indexIntervalBytes);
            if (header.PartitionLeaderEpoch > epochs.Latest)
                epochs.Assign(header.PartitionLeaderEpoch, header.BaseOffset);
            _expected = header.NextOffset;
        }

        fault = scanner.Fault;
        return fault == BatchFault.None ? segment.Size : scanner.Position;
    }

    private void CutFrom(int badIndex, int firstRemoved, long position, BatchFault fault)
    {
        _firstBadOffset = _expected;
        _firstBadFile = segments[badIndex].LogPath;
        _firstBadPosition = position;
        _fault = fault;
        for (var i = segments.Count - 1; i >= firstRemoved; i--)
        {
            _bytesCut += segments[i].Size;
            segments[i].Delete();
            segments.RemoveAt(i);
        }
    }
}

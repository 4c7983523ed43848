using System.Buffers;

namespace ActorBroker.Log;

/// <summary>Reads batches out of one segment for <see cref="PartitionLog"/>; the caller holds the segment.</summary>
internal static class LogReader
{
    /// <summary>A stretch of a segment file: whole batches, the offset behind them.</summary>
    internal readonly record struct Stretch(byte[]? Pooled, int Start, int Length, Offset NextOffset)
    {
        /// <summary>The offset lies behind this segment's last batch.</summary>
        public static Stretch NotHere => new(null, 0, 0, Offset.None);

        public static Stretch Empty(Offset next) => new(null, 0, 0, next);
    }

    /// <summary>
    /// Reads into a pooled buffer. One read serves when the batches are near where the index points; a first batch larger
    /// than the limit takes a second one.
    /// </summary>
    public static Stretch Read(LogSegment segment, IFile log, long segmentEnd, Offset from, int maxBytes, Offset bound, bool minOneBatch, int slack)
    {
        long position = segment.Offsets.Lookup(from);
        var wanted = (int)Math.Min((long)maxBytes + slack + RecordBatchHeader.Size, Math.Min(segmentEnd - position, Array.MaxLength));
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, RecordBatchHeader.Size));
        try
        {
            var read = log.Read(buffer.AsSpan(0, wanted), position);
            var at = Skip(segment, buffer.AsSpan(0, read), position, from, out var first);
            if (at < 0)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                return ReadFar(segment, log, position - at - 1, segmentEnd, from, maxBytes, bound, minOneBatch);
            }

            var length = TakeWhole(segment, buffer.AsSpan(at, Math.Min(read - at, maxBytes)), position + at, bound, out var next);
            if (length > 0)
                return new Stretch(buffer, at, length, next);
            ArrayPool<byte>.Shared.Return(buffer);
            return minOneBatch && first.NextOffset <= bound
                ? ReadOne(segment, log, position + at, first)
                : Stretch.Empty(from);
        }
        catch (IOException)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    /// <summary>Where the batch with this offset (or the first behind it) starts; its header. Null when the segment ends before.</summary>
    public static (long Position, RecordBatchHeader Header)? Find(LogSegment segment, IFile log, long position, long segmentEnd, Offset from)
    {
        using var scanner = new BatchScanner(log, position, segmentEnd);
        while (scanner.TryNext())
        {
            if (scanner.Header.LastOffset >= from)
                return (scanner.Position, scanner.Header);
        }

        return scanner.Fault == BatchFault.None ? null : throw Corrupt(segment, scanner.Position, scanner.Fault);
    }

    /// <summary>The bytes at the front that are whole batches below the bound.</summary>
    public static int TakeWhole(LogSegment segment, ReadOnlySpan<byte> bytes, long position, Offset bound, out Offset next)
    {
        var length = 0;
        next = Offset.None;
        while (true)
        {
            var fault = RecordBatchValidator.CheckFrame(bytes[length..], out var header);
            if (fault == BatchFault.TooShort)
                return length;
            if (fault != BatchFault.None)
                throw Corrupt(segment, position + length, fault);
            if (header.NextOffset > bound)
                return length;
            length += (int)header.SizeInBytes;
            next = header.NextOffset;
        }
    }

    /// <summary>Where the first batch with this offset or a later one starts in these bytes; when they end before it, minus the place to go on at, minus 1.</summary>
    private static int Skip(LogSegment segment, ReadOnlySpan<byte> bytes, long position, Offset from, out RecordBatchHeader header)
    {
        long at = 0;
        while (RecordBatchHeader.TryParse(at < bytes.Length ? bytes[(int)at..] : default, out header))
        {
            var fault = RecordBatchValidator.CheckHeader(header);
            if (fault != BatchFault.None)
                throw Corrupt(segment, position + at, fault);
            if (header.LastOffset >= from)
                return (int)at;
            at += header.SizeInBytes;
        }

        return (int)-Math.Min(at, int.MaxValue - 1) - 1;
    }

    /// <summary>The batch lies further on than the index said: find it by headers first.</summary>
    private static Stretch ReadFar(LogSegment segment, IFile log, long position, long segmentEnd, Offset from, int maxBytes, Offset bound, bool minOneBatch)
    {
        if (Find(segment, log, position, segmentEnd, from) is not { } found)
            return Stretch.NotHere;
        if (found.Header.NextOffset > bound)
            return Stretch.Empty(from);
        if (found.Header.SizeInBytes > maxBytes)
            return minOneBatch ? ReadOne(segment, log, found.Position, found.Header) : Stretch.Empty(from);
        var wanted = (int)Math.Min(maxBytes, segmentEnd - found.Position);
        var buffer = ArrayPool<byte>.Shared.Rent(wanted);
        try
        {
            var read = log.Read(buffer.AsSpan(0, wanted), found.Position);
            var length = TakeWhole(segment, buffer.AsSpan(0, read), found.Position, bound, out var next);
            return new Stretch(buffer, 0, length, next);
        }
        catch (IOException)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private static Stretch ReadOne(LogSegment segment, IFile log, long position, in RecordBatchHeader header)
    {
        var size = (int)header.SizeInBytes;
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        if (log.Read(buffer.AsSpan(0, size), position) == size)
            return new Stretch(buffer, 0, size, header.NextOffset);
        ArrayPool<byte>.Shared.Return(buffer);
        throw Corrupt(segment, position, BatchFault.TooShort);
    }

    private static LogCorruptException Corrupt(LogSegment segment, long position, BatchFault fault) =>
        new(segment.LogPath, position, $"no sound batch ({fault})");
}

using System.Buffers;

namespace ActorBroker.Log;

/// <summary>Reads a closed segment from front to back, some whole batches at a time, checksums checked. The segment is held while reading only.</summary>
internal sealed class BatchStretch(int bufferBytes) : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(bufferBytes, RecordBatchHeader.Size));
    private LogSegment? _segment;
    private long _position;
    private long _end;
    private int _at;
    private int _length;
    private RecordBatchHeader _header;

    /// <summary>The segment's last batch has been passed.</summary>
    public bool IsAtEnd => _position + _at >= _end;

    /// <summary>Of the current batch.</summary>
    public ref readonly RecordBatchHeader Header => ref _header;

    public ReadOnlySpan<byte> Batch => _buffer.AsSpan(_at - (int)_header.SizeInBytes, (int)_header.SizeInBytes);

    /// <summary>Where the current batch starts in the file.</summary>
    public long Position => _position + _at - _header.SizeInBytes;

    public string Path => _segment!.LogPath;

    public void Begin(LogSegment segment, long position)
    {
        (_segment, _position, _end, _at, _length) = (segment, position, segment.Size, 0, 0);
    }

    /// <summary>Reads what comes next; the count of bytes read. -1 when the segment was deleted meanwhile.</summary>
    public int Fill()
    {
        var segment = _segment!;
        _position += _at;
        (_at, _length) = (0, 0);
        if (segment.Acquire() is not { } log)
            return -1;
        try
        {
            var read = Read(log, (int)Math.Min(_buffer.Length, _end - _position));
            var fault = RecordBatchValidator.CheckFrame(_buffer.AsSpan(0, _length), out var header);
            // A batch larger than the buffer: the size it claims is bounded by the file's.
            if (fault == BatchFault.TooShort && header.SizeInBytes > _length && header.SizeInBytes <= _end - _position)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = ArrayPool<byte>.Shared.Rent((int)header.SizeInBytes);
                read += Read(log, (int)header.SizeInBytes);
            }

            return read;
        }
        finally
        {
            segment.Release();
        }
    }

    /// <summary>The next batch of those that were read; false when more must be read first, or at the end.</summary>
    /// <exception cref="LogCorruptException">There is none that is sound.</exception>
    public bool TryNext()
    {
        if (IsAtEnd)
            return false;
        var rest = _buffer.AsSpan(_at, _length - _at);
        var fault = RecordBatchValidator.CheckFrame(rest, out _header);
        if (fault == BatchFault.TooShort && _at > 0)
            return false;
        if (fault == BatchFault.None)
            fault = RecordBatchValidator.CheckChecksum(rest, out _header);
        if (fault != BatchFault.None)
            throw new LogCorruptException(Path, _position + _at, $"no sound batch ({fault})");
        _at += (int)_header.SizeInBytes;
        return true;
    }

    public void Dispose()
    {
        var buffer = _buffer;
        _buffer = [];
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    private int Read(IFile log, int count) => _length = log.Read(_buffer.AsSpan(0, count), _position);
}

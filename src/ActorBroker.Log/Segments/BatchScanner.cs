using System.Buffers;

namespace ActorBroker.Log;

/// <summary>
/// Walks the batches of a stretch of a segment file, front to back. Reads ahead while batches are small and skips
/// bodies when they are large; memory is bounded whatever the bytes claim.
/// </summary>
internal sealed class BatchScanner(IFile file, long position, long end) : IDisposable
{
    private const int Window = 64 * 1024;
    private const int LargeBatch = 16 * 1024;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Window);
    private byte[]? _body;
    private long _bufferStart;
    private int _buffered;
    private long _next = position;
    private RecordBatchHeader _header;

    /// <summary>Of the batch found last; parsed as far as possible when it was unsound.</summary>
    public ref readonly RecordBatchHeader Header => ref _header;

    /// <summary>Where that batch starts.</summary>
    public long Position { get; private set; } = position;

    /// <summary>What was wrong with the bytes at <see cref="Position"/>, when <see cref="TryNext"/> said no before the end.</summary>
    public BatchFault Fault { get; private set; }

    /// <summary>The next batch whose header is sound and which lies wholly in the stretch. False at the end or on a fault.</summary>
    public bool TryNext()
    {
        if (Fault != BatchFault.None || _next >= end)
            return false;
        Position = _next;
        Span<byte> bytes = stackalloc byte[RecordBatchHeader.Size];
        if (end - _next < RecordBatchHeader.Size || !TryPeek(bytes))
        {
            Fault = BatchFault.TooShort;
            return false;
        }

        _ = RecordBatchHeader.TryParse(bytes, out _header);
        Fault = RecordBatchValidator.CheckHeader(_header);
        if (Fault == BatchFault.None && _header.SizeInBytes > end - _next)
            Fault = BatchFault.TooShort;
        if (Fault != BatchFault.None)
            return false;
        _next += _header.SizeInBytes;
        return true;
    }

    /// <summary>Whether the current batch's bytes match its checksum; a mismatch becomes the <see cref="Fault"/>.</summary>
    public bool ChecksumHolds()
    {
        var at = Position + RecordBatchHeader.AttributesAt;
        var left = _header.SizeInBytes - RecordBatchHeader.AttributesAt;
        var crc = Crc32C.Start;
        while (left > 0)
        {
            if (at < _bufferStart || at >= _bufferStart + _buffered)
                Fill(at, Window);
            var inBuffer = (int)(at - _bufferStart);
            var count = (int)Math.Min(left, _buffered - inBuffer);
            if (count <= 0)
                break;
            crc = Crc32C.Update(crc, _buffer.AsSpan(inBuffer, count));
            at += count;
            left -= count;
        }

        if (left == 0 && ~crc == _header.Crc)
            return true;
        Fault = left > 0 ? BatchFault.TooShort : BatchFault.BadCrc;
        return false;
    }

    /// <summary>The current batch's bytes, valid until the next call.</summary>
    public ReadOnlySpan<byte> ReadBatch()
    {
        var size = (int)_header.SizeInBytes;
        if (Position >= _bufferStart && Position + size <= _bufferStart + _buffered)
            return _buffer.AsSpan((int)(Position - _bufferStart), size);
        if (_body is null || _body.Length < size)
        {
            if (_body is not null)
                ArrayPool<byte>.Shared.Return(_body);
            _body = ArrayPool<byte>.Shared.Rent(size);
        }

        if (file.Read(_body.AsSpan(0, size), Position) != size)
            Fault = BatchFault.TooShort;
        return _body.AsSpan(0, size);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        if (_body is not null)
            ArrayPool<byte>.Shared.Return(_body);
        _body = null;
    }

    private bool TryPeek(Span<byte> header)
    {
        var inBuffer = _next - _bufferStart;
        if (inBuffer < 0 || inBuffer + RecordBatchHeader.Size > _buffered)
        {
            // Behind a large batch comes another: its header is all that is wanted.
            Fill(_next, _header.SizeInBytes >= LargeBatch ? RecordBatchHeader.Size : Window);
            inBuffer = 0;
        }

        if (_buffered - inBuffer < RecordBatchHeader.Size)
            return false;
        _buffer.AsSpan((int)inBuffer, RecordBatchHeader.Size).CopyTo(header);
        return true;
    }

    private void Fill(long from, int count)
    {
        _bufferStart = from;
        _buffered = file.Read(_buffer.AsSpan(0, (int)Math.Min(count, end - from)), from);
    }
}

namespace ActorBroker.Cli.Records;

/// <summary>
/// Lines of a stream as slices of the blocks it was read in: no copy per line. A line's memory is never reused, so it
/// may be kept until the record is delivered. \n ends a line, a \r before it is left out, the last line needs none.
/// </summary>
internal sealed class LineReader(Stream input)
{
    private const int BlockSize = 256 * 1024;

    private byte[] _block = [];
    private int _start;
    private int _scanned;
    private int _end;
    private bool _ended;

    /// <summary>Null at the end of the stream.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var at = _block.AsSpan(_scanned, _end - _scanned).IndexOf((byte)'\n');
            if (at >= 0)
            {
                var line = Trimmed(_start, _scanned + at);
                _start = _scanned = _scanned + at + 1;
                return line;
            }

            _scanned = _end;
            if (_ended)
            {
                if (_start == _end) return null;
                var last = Trimmed(_start, _end);
                _start = _end;
                return last;
            }

            await FillAsync(cancellation);
        }
    }

    private async ValueTask FillAsync(CancellationToken cancellation)
    {
        if (_end == _block.Length)
        {
            // What is left of the old block moves to a new one, twice as large where a single line fills it.
            var left = _end - _start;
            var next = new byte[Math.Max(BlockSize, left * 2)];
            _block.AsSpan(_start, left).CopyTo(next);
            _block = next;
            _start = 0;
            _scanned = _end = left;
        }

        var read = await input.ReadAsync(_block.AsMemory(_end), cancellation);
        _ended = read == 0;
        _end += read;
    }

    private ReadOnlyMemory<byte> Trimmed(int start, int end)
    {
        if (end > start && _block[end - 1] == '\r') end--;
        return _block.AsMemory(start, end - start);
    }
}

namespace ActorBroker.Log;

/// <summary>
/// Writes the segment that takes the place of others, under names that no opening takes for a segment. Its files are held until
/// <see cref="Finish"/> or <see cref="Discard"/>.
/// </summary>
internal sealed class CleanedSegment : IDisposable
{
    private readonly int _indexIntervalBytes;
    private readonly int _bufferBytes;
    private readonly PooledBuffer _buffer;
    private readonly IFile _log;
    private long _position;
    private bool _held = true;

    /// <param name="replaced">By offset, one behind the other.</param>
    public CleanedSegment(IFileSystem files, string directory, LogSegment[] replaced, int indexIntervalBytes, int bufferBytes)
    {
        Replaced = replaced;
        _indexIntervalBytes = indexIntervalBytes;
        _bufferBytes = bufferBytes;
        Segment = new LogSegment(files, directory, replaced[0].BaseOffset, 0, replaced[^1].LastModified, SegmentFiles.Cleaned);
        try
        {
            SegmentIndexes.ClearOnDisk(Segment);
            _log = Segment.Acquire()!;
        }
        catch
        {
            Segment.Delete();
            throw;
        }

        _buffer = new PooledBuffer(bufferBytes);
    }

    public LogSegment Segment { get; }

    public LogSegment[] Replaced { get; }

    public long SizeInBytes => _position + _buffer.Length;

    public void Append(ReadOnlySpan<byte> batch)
    {
        _ = RecordBatchHeader.TryParse(batch, out var header);
        if (SizeInBytes + batch.Length > int.MaxValue)
            throw new InvalidDataException($"{Segment.LogPath}: packed again, the batches no longer fit one file");
        Segment.Note(header, SizeInBytes, _indexIntervalBytes);
        if (_buffer.Length > 0 && _buffer.Length + batch.Length > _bufferBytes)
            WriteOut();
        if (batch.Length >= _bufferBytes)
        {
            _log.Write(batch, _position);
            _position += batch.Length;
            return;
        }

        batch.CopyTo(_buffer.GetSpan(batch.Length));
        _buffer.Advance(batch.Length);
    }

    /// <summary>All of it is on the device on return, and its files are closed.</summary>
    public void Finish()
    {
        WriteOut();
        Segment.Size = _position;
        _log.Flush();
        Segment.WriteOutIndexes();
        Segment.FlushIndexes();
        Segment.IsFlushed = true;
        LetGo();
    }

    /// <summary>Deletes the files, unless the log has taken over the segment.</summary>
    public void Discard()
    {
        LetGo();
        Segment.Delete();
    }

    public void Dispose() => LetGo();

    private void WriteOut()
    {
        _log.Write(_buffer.WrittenSpan, _position);
        _position += _buffer.Length;
        _buffer.SetLength(0);
    }

    private void LetGo()
    {
        if (!_held)
            return;
        _held = false;
        _buffer.Dispose();
        Segment.Release();
        Segment.Close();
    }
}

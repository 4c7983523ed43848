namespace ActorBroker.Log;

/// <summary>
/// One segment: a .log file of batches and its two indexes. Its files are opened when first needed. Whoever touches them
/// holds the segment (<see cref="Acquire"/>, <see cref="Release"/>); a deleted segment's files go when the last holder
/// lets go, since open files can't be deleted everywhere.
/// <para>
/// The writer sets size and times; what readers may see of the last segment is bounded by the log's <see cref="LogView"/>.
/// </para>
/// </summary>
internal sealed class LogSegment
{
    private const long NotRead = long.MinValue;
    private const long NoTimestamp = -1;

    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly Lock _gate = new();
    private IFile? _log;
    private int _holders;
    private bool _usedSinceTrim;
    private bool _indexesReady;
    private bool _deleted;
    private bool _superseded;
    private bool _shut;
    private long _size;
    private long _maxTimestamp = NotRead;
    private Offset _offsetOfMaxTimestamp;

    /// <param name="suffix">Behind the files' names, while they are not those of a segment that is found on opening.</param>
    public LogSegment(IFileSystem files, string directory, Offset baseOffset, long size, DateTimeOffset lastModified, string suffix = "")
    {
        _files = files;
        _directory = directory;
        BaseOffset = baseOffset;
        _size = size;
        LastModified = lastModified;
        LogPath = PathOf(SegmentFiles.Log, suffix);
        Offsets = new OffsetIndex(files, PathOf(SegmentFiles.OffsetIndex, suffix), baseOffset);
        Times = new TimeIndex(files, PathOf(SegmentFiles.TimeIndex, suffix), baseOffset);
    }

    public Offset BaseOffset { get; }

    public string LogPath { get; private set; }

    public OffsetIndex Offsets { get; }

    public TimeIndex Times { get; }

    /// <summary>Bytes of whole batches. Only the writer changes it.</summary>
    public long Size
    {
        get => Volatile.Read(ref _size);
        set => Volatile.Write(ref _size, value);
    }

    public DateTimeOffset LastModified { get; set; }

    /// <summary>Log bytes written behind the last index entry. The writer's.</summary>
    public int BytesSinceIndexEntry { get; set; }

    /// <summary>Log and indexes are on the device up to the end. An append to the active segment makes it false.</summary>
    public bool IsFlushed { get; set; }

    /// <summary>Counts indexes that were built anew on first use.</summary>
    public int IndexesRebuilt { get; private set; }

    public bool IsGone
    {
        get
        {
            lock (_gate)
                return _deleted && _holders == 0;
        }
    }

    /// <summary>Opens the segment for use and returns its log file; null when it was deleted meanwhile. Release it afterwards.</summary>
    public IFile? Acquire()
    {
        lock (_gate)
        {
            if (_deleted)
                return null;
            ObjectDisposedException.ThrowIf(_shut, this);
            _log ??= _files.Open(LogPath, FileOpenMode.OpenOrCreate);
            if (!_indexesReady)
            {
                IndexesRebuilt += SegmentIndexes.Prepare(_files, this, _log);
                _indexesReady = true;
            }

            _holders++;
            _usedSinceTrim = true;
            return _log;
        }
    }

    public void Release()
    {
        lock (_gate)
        {
            if (--_holders > 0)
                return;
            if (_deleted)
                Remove();
            else if (_shut)
                CloseFiles();
        }
    }

    /// <summary>The recovery or the log's maker has the indexes in hand: nothing on disk is to be looked at.</summary>
    public void MarkIndexesReady() => _indexesReady = true;

    /// <summary>A new segment takes this one's file names, so they must not be deleted when its last holder lets go.</summary>
    public void Supersede()
    {
        lock (_gate)
            _superseded = true;
    }

    public void Delete()
    {
        lock (_gate)
        {
            if (_deleted)
                return;
            _deleted = true;
            if (_holders == 0)
                Remove();
        }
    }

    /// <summary>
    /// Gives the files other names, the log last; true when that is done, false while somebody holds the segment or when it was
    /// deleted. After a fault it may be tried again.
    /// </summary>
    public bool TryMove(string suffix)
    {
        lock (_gate)
        {
            if (_deleted || _holders > 0)
                return false;
            CloseFiles();
            Offsets.File.Move(PathOf(SegmentFiles.OffsetIndex, suffix));
            Times.File.Move(PathOf(SegmentFiles.TimeIndex, suffix));
            var path = PathOf(SegmentFiles.Log, suffix);
            if (path != LogPath)
                _files.MoveFile(LogPath, path);
            LogPath = path;
            return true;
        }
    }

    /// <summary>Closes the files if nobody used them since the last call.</summary>
    public void TrimIdle()
    {
        lock (_gate)
        {
            if (!_usedSinceTrim && _holders == 0)
                CloseFiles();
            _usedSinceTrim = false;
        }
    }

    /// <summary>Closes the files when nobody holds them; the next use opens them again.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_holders == 0)
                CloseFiles();
        }
    }

    /// <summary>Closes the files for good, once the last holder lets go.</summary>
    public void Shut()
    {
        lock (_gate)
        {
            _shut = true;
            if (_holders == 0)
                CloseFiles();
        }
    }

    /// <summary>The highest timestamp and an offset at or behind it; -1 when records have none. Needs the segment held.</summary>
    public (long Timestamp, Offset Offset) MaxTimestamp()
    {
        lock (_gate)
        {
            if (_maxTimestamp == NotRead)
            {
                var (timestamp, offset) = Times.Count == 0 ? (NoTimestamp, BaseOffset) : Times.Entry(Times.Count - 1);
                _offsetOfMaxTimestamp = offset;
                _maxTimestamp = timestamp;
            }

            return (_maxTimestamp, _offsetOfMaxTimestamp);
        }
    }

    /// <summary>The highest timestamp when it has been read already, without opening anything.</summary>
    public long? KnownMaxTimestamp
    {
        get
        {
            lock (_gate)
                return _maxTimestamp == NotRead ? null : _maxTimestamp;
        }
    }

    /// <summary>Takes note of a batch just stored at this position, front to back; adds index entries when one is due.</summary>
    public void Note(in RecordBatchHeader header, long position, int indexIntervalBytes)
    {
        // A batch that compaction emptied keeps its timestamp, which is no record's.
        if (header.RecordCount > 0 && header.MaxTimestamp > MaxTimestamp().Timestamp)
            SetMaxTimestamp(header.MaxTimestamp, header.LastOffset);
        if (BytesSinceIndexEntry > indexIntervalBytes)
        {
            Offsets.Append(header.LastOffset, position);
            Times.AppendIfLater(_maxTimestamp, _offsetOfMaxTimestamp);
            BytesSinceIndexEntry = 0;
        }

        BytesSinceIndexEntry += (int)header.SizeInBytes;
    }

    public void SetMaxTimestamp(long timestamp, Offset offset)
    {
        lock (_gate)
        {
            _maxTimestamp = timestamp;
            _offsetOfMaxTimestamp = offset;
        }
    }

    /// <summary>Puts the indexes into their files, closed off by the highest timestamp. Needs the segment held.</summary>
    public void WriteOutIndexes()
    {
        var (timestamp, offset) = MaxTimestamp();
        Times.AppendIfLater(timestamp, offset);
        Offsets.File.WriteOut();
        Times.File.WriteOut();
    }

    public void FlushIndexes()
    {
        Offsets.File.Flush();
        Times.File.Flush();
    }

    private void CloseFiles()
    {
        _log?.Dispose();
        _log = null;
        Offsets.File.Close();
        Times.File.Close();
    }

    private void Remove()
    {
        CloseFiles();
        if (_superseded)
            return;
        _files.DeleteFile(Offsets.File.Path);
        _files.DeleteFile(Times.File.Path);
        // What was cleaned never had one, and must not take that of the segment whose name it bears.
        if (LogPath.EndsWith(SegmentFiles.Log, StringComparison.Ordinal))
            _files.DeleteFile(PathOf(SegmentFiles.TransactionIndex, ""));
        _files.DeleteFile(LogPath);
    }

    private string PathOf(string extension, string suffix) => SegmentFiles.Path(_directory, BaseOffset, extension + suffix);
}

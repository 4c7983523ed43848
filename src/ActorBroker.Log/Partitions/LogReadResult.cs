using System.Buffers;

namespace ActorBroker.Log;

public enum LogReadStatus
{
    /// <summary>Read; perhaps nothing, when the offset is at the upper bound.</summary>
    Ok,

    /// <summary>Below the log start offset or beyond the log's end.</summary>
    OutOfRange,
}

/// <summary>Whole batches read from a log, the first of which holds the offset asked for. Dispose gives a pooled buffer back.</summary>
public sealed class LogReadResult : IDisposable
{
    private byte[]? _pooled;

    internal LogReadResult(LogReadStatus status, ReadOnlyMemory<byte> batches, byte[]? pooled, Offset nextOffset, Offset logStartOffset, Offset logEndOffset)
    {
        Status = status;
        Batches = batches;
        _pooled = pooled;
        NextOffset = nextOffset;
        LogStartOffset = logStartOffset;
        LogEndOffset = logEndOffset;
    }

    public LogReadStatus Status { get; }

    public ReadOnlyMemory<byte> Batches { get; private set; }

    /// <summary>Where to read on.</summary>
    public Offset NextOffset { get; }

    /// <summary>At the time of the read, as is <see cref="LogEndOffset"/>.</summary>
    public Offset LogStartOffset { get; }

    public Offset LogEndOffset { get; }

    public void Dispose()
    {
        var pooled = _pooled;
        _pooled = null;
        Batches = default;
        if (pooled is not null)
            ArrayPool<byte>.Shared.Return(pooled);
    }
}

/// <summary>
/// Stored bytes described, not read: a range of a file for the kernel to send. The last batch may be cut short, which
/// Kafka's protocol allows. The file stays until it is disposed, even when retention deletes the segment.
/// </summary>
public sealed class LogFileRegion : IDisposable
{
    private LogSegment? _segment;

    internal LogFileRegion(LogSegment segment, IFile file, long position, int length)
    {
        _segment = segment;
        File = file;
        Position = position;
        Length = length;
    }

    internal LogSegment Segment => _segment ?? throw new ObjectDisposedException(nameof(LogFileRegion));

    public IFile File { get; }

    public long Position { get; }

    public int Length { get; }

    public void Dispose()
    {
        var segment = _segment;
        _segment = null;
        segment?.Release();
    }
}

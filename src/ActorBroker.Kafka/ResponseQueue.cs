using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using ActorBroker.Protocol;

namespace ActorBroker.Kafka;

/// <summary>
/// Writes a connection's responses in the order of its requests, whatever the order in which they are ready. Whoever completes
/// the response that is due writes it, and those behind it that are ready too; so nothing waits while there is nothing to write.
/// Invariant: one at a time writes, and none once the queue has ended.
/// </summary>
/// <param name="written">Called with each response that has left, and with each that is none.</param>
/// <param name="failed">Called when a response can't be written: the connection is of no use any more.</param>
internal sealed class ResponseQueue(PipeWriter output, Action<PendingResponse> written, Action<Exception?> failed)
{
    private const int LargestBlock = 1 << 20;

    private readonly Lock _lock = new();
    private readonly Queue<PendingResponse> _queue = [];
    private readonly List<RecordSegment> _segments = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isWriting;
    private bool _isEnding;

    public void Enqueue(PendingResponse response)
    {
        lock (_lock) _queue.Enqueue(response);
    }

    /// <summary>From any thread, once for each.</summary>
    public void Complete(PendingResponse pending, IResponse? response)
    {
        lock (_lock)
        {
            pending.Complete(response);
            if (_isWriting || _isEnding || !ReferenceEquals(_queue.Peek(), pending)) return;
            _isWriting = true;
        }

        _ = WriteReadyAsync();
    }

    /// <summary>Nothing is written any more once this has completed; where it has not at once, that may take an abort of the transport.</summary>
    public Task EndAsync()
    {
        lock (_lock)
        {
            _isEnding = true;
            if (!_isWriting) _ended.TrySetResult();
        }

        return _ended.Task;
    }

    private async Task WriteReadyAsync()
    {
        var isFlushed = true;
        try
        {
            while (true)
            {
                if (TryTake(isFlushed, out var next, out var isOver))
                {
                    if (next.Response is { } response)
                    {
                        await WriteAsync(next, response);
                        isFlushed = false;
                    }

                    written(next);
                }
                else if (isOver)
                {
                    return;
                }
                else
                {
                    Check(await output.FlushAsync());
                    isFlushed = true;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            Stop(null); // The client is gone.
        }
        catch (Exception e)
        {
            Stop(e);
        }
    }

    /// <summary>Where nothing is ready, writing is over, unless something is to be flushed first.</summary>
    private bool TryTake(bool isFlushed, out PendingResponse next, out bool isOver)
    {
        lock (_lock)
        {
            if (!_isEnding && _queue.TryPeek(out next!) && next.IsComplete)
            {
                _queue.Dequeue();
                isOver = false;
                return true;
            }

            next = null!;
            isOver = isFlushed || _isEnding;
            if (isOver) StopWriting();
            return false;
        }
    }

    private void Stop(Exception? cause)
    {
        lock (_lock)
        {
            _isEnding = true;
            StopWriting();
        }

        failed(cause);
    }

    private void StopWriting()
    {
        _isWriting = false;
        if (_isEnding) _ended.TrySetResult();
    }

    /// <summary>Record batches go to the transport from where they lie, and each waits until the client has room for it.</summary>
    private async ValueTask WriteAsync(PendingResponse pending, IResponse response)
    {
        var rest = WriteFields(pending, response, out var fields);
        if (_segments.Count == 0) return;
        var position = 0;
        foreach (var segment in _segments)
        {
            output.Write(fields.AsSpan(position, segment.Position - position));
            position = segment.Position;
            await WriteRecordsAsync(segment.Bytes);
        }

        output.Write(fields.AsSpan(position, rest - position));
    }

    /// <summary>In large blocks: the transport's own are so small that the kernel would be given hundreds of them.</summary>
    private async ValueTask WriteRecordsAsync(ReadOnlyMemory<byte> records)
    {
        for (; records.Length > 0; records = records[Math.Min(LargestBlock, records.Length)..])
        {
            var block = records[..Math.Min(LargestBlock, records.Length)];
            block.CopyTo(output.GetMemory(block.Length));
            output.Advance(block.Length);
            Check(await output.FlushAsync());
        }
    }

    /// <summary>All of a response that has no records, straight into the transport's buffer; otherwise its fields, for the caller to write.</summary>
    private int WriteFields(PendingResponse pending, IResponse response, out byte[] fields)
    {
        const int Prefix = sizeof(int);
        var header = new ResponseHeader(pending.Header.CorrelationId);
        var headerVersion = ApiRegistry.ResponseHeaderVersion(pending.Header.ApiKey, pending.Header.ApiVersion);
        var measure = ProtocolWriter.Measure();
        header.Write(ref measure, headerVersion);
        response.Write(ref measure, pending.BodyVersion);
        var size = measure.Length - measure.RecordBytes;
        _segments.Clear();
        fields = measure.RecordBytes > 0 ? new byte[Prefix + size] : [];
        var target = measure.RecordBytes > 0 ? fields : output.GetSpan(Prefix + size);
        BinaryPrimitives.WriteInt32BigEndian(target, measure.Length);
        var writer = new ProtocolWriter(target[Prefix..(Prefix + size)], _segments);
        header.Write(ref writer, headerVersion);
        response.Write(ref writer, pending.BodyVersion);
        if (measure.RecordBytes == 0) output.Advance(Prefix + size);
        else for (var i = 0; i < _segments.Count; i++) _segments[i] = _segments[i] with { Position = _segments[i].Position + Prefix };
        return Prefix + size;
    }

    private static void Check(FlushResult flushed)
    {
        if (flushed.IsCompleted || flushed.IsCanceled) throw new IOException("The connection is closed.");
    }
}

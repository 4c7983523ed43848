using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Groups;

/// <summary>A record batch on its way to the partition, and what it stands for.</summary>
/// <param name="Completes">Writes that end with this batch.</param>
internal sealed record GroupBatch(long Id, List<GroupEvent> Events, List<GroupWrite> Writes, List<GroupWrite> Completes);

/// <summary>
/// Makes record batches of a coordinator's writes, in order. While few batches are under way each write has its own; then
/// the next ones wait together, so that a busy coordinator writes few large batches. Owns pooled buffers.
/// </summary>
internal sealed class GroupWriteQueue(int maxBatchBytes) : IDisposable
{
    /// <summary>Enough to keep replication busy over one round trip.</summary>
    private const int MostUnderWay = 4;

    private readonly RecordBatchBuilder _builder = new(maxBatchBytes);
    private readonly GroupRecordCodec _codec = new();
    private readonly Queue<GroupBatch> _underWay = new();
    private readonly Queue<(GroupBatch Batch, Memory<byte> Bytes)> _sealed = new();
    private GroupBatch? _open;
    private long _lastId;

    public void Add(GroupWrite write, long unixMs)
    {
        foreach (var change in write.Events)
        {
            var (key, value) = _codec.Encode(change);
            if (!_builder.TryAppend(unixMs, key, value))
            {
                Seal();
                _builder.TryAppend(unixMs, key, value);
            }

            var batch = _open ??= new GroupBatch(++_lastId, [], [], []);
            batch.Events.Add(change);
            if (batch.Writes.Count == 0 || batch.Writes[^1] != write) batch.Writes.Add(write);
        }

        _open!.Completes.Add(write);
    }

    /// <summary>The next batch to send, if it should be sent now. The bytes are the receiver's.</summary>
    public bool TryTake(out long id, out Memory<byte> bytes)
    {
        (id, bytes) = (0, default);
        if (_underWay.Count >= MostUnderWay) return false;
        if (_sealed.Count == 0) Seal();
        if (!_sealed.TryDequeue(out var next)) return false;
        _underWay.Enqueue(next.Batch);
        (id, bytes) = (next.Batch.Id, next.Bytes);
        return true;
    }

    /// <summary>The answer to the oldest batch under way. Null for an answer that is not due, of a former time.</summary>
    public GroupBatch? OnAnswer(long id, ErrorCode error)
    {
        if (!_underWay.TryPeek(out var oldest) || oldest.Id != id) return null;
        _underWay.Dequeue();
        if (error != ErrorCode.None)
            foreach (var write in oldest.Writes) write.Fail(error);
        return oldest;
    }

    /// <summary>Gives up on everything: the writes that have not ended, in order.</summary>
    public List<GroupWrite> Abandon(ErrorCode reason)
    {
        Seal();
        List<GroupWrite> abandoned = [.. _underWay.SelectMany(batch => batch.Completes), .. _sealed.SelectMany(next => next.Batch.Completes)];
        foreach (var write in abandoned) write.Fail(reason);
        _underWay.Clear();
        _sealed.Clear();
        return abandoned;
    }

    public void Dispose() => _builder.Dispose();

    private void Seal()
    {
        if (_open is null) return;
        _sealed.Enqueue((_open, _builder.Build().ToArray()));
        _builder.Reset();
        _open = null;
    }
}

using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>What became of a record that was offered.</summary>
internal enum Acceptance
{
    Accepted,

    /// <summary>No memory for another batch now.</summary>
    Full,

    TooLarge,

    /// <summary>The topic has no such partition.</summary>
    NoSuchPartition,
}

/// <summary>
/// The producer's buffer: fills one open batch per partition and closes it when it is full, has lingered, or must go.
/// Invariants: records of one partition keep the order in which they were offered; open batches hold batch.size bytes of
/// memory (more for a larger record, less where no more is free) and closed ones their own size, together never above
/// buffer.memory. Any free memory that a record fits into is enough to take it.
/// Left to <see cref="ProducerCore"/>: when and where batches are sent, and their outcome.
/// </summary>
internal sealed class RecordAccumulator
{
    private const int SparesKept = 16;

    private readonly ProducerSettings _settings;
    private readonly FrameBudget _frame;
    private readonly int _batchBytes;
    private readonly Action<PartitionQueue> _onClosed;
    private readonly Stack<RecordBatchBuilder> _spares = new();
    private readonly LinkedList<ProducerBatch> _open = [];
    private readonly LinkedList<ProducerBatch> _live = [];
    private long _lastNumber;
    private long _plainBytes;
    private long _packedBytes;

    /// <param name="settings">Sizes and linger.</param>
    /// <param name="frame">What a request may hold.</param>
    /// <param name="onClosed">Called for the partition of every batch that was closed.</param>
    public RecordAccumulator(ProducerSettings settings, FrameBudget frame, Action<PartitionQueue> onClosed)
    {
        _settings = settings;
        _frame = frame;
        _onClosed = onClosed;
        _batchBytes = Math.Min(settings.BatchSize, Math.Min(frame.PayloadBytes, settings.MaxRequestSize));
    }

    /// <summary>Of buffer.memory.</summary>
    public long BytesUsed { get; private set; }

    public int OpenBatches => _open.Count;

    /// <summary>Bytes of closed batches to what they were before packing; 1 without compression.</summary>
    public double CompressionRate => _plainBytes == 0 ? 1 : (double)_packedBytes / _plainBytes;

    /// <summary>When <see cref="CloseLingering"/> next has something to do.</summary>
    public TimeSpan NextLinger =>
        _open.First is { } first ? first.Value.Opened + _settings.Linger : TimeSpan.MaxValue;

    /// <summary>The batch without outcome whose first record was handed over longest ago.</summary>
    public ProducerBatch? Oldest => _live.First?.Value;

    /// <summary>Whether a record could ever be sent; <paramref name="fault"/> says why not and what to change.</summary>
    public bool FitsAtAll(in OutgoingRecord record, out string fault)
    {
        var size = record.SizeInBytes;
        var frame = FrameBudget.FrameFor(size, record.Topic);
        fault = frame > _frame.FrameBytes
            ? $"a record of {size} bytes does not fit into a frame: set {FrameBudget.Setting} to at least {frame}b here and on the brokers (it is {_frame.FrameBytes}b)"
            : size > _settings.MaxRequestSize ? $"a record of {size} bytes is larger than max.request.size = {_settings.MaxRequestSize}"
            : size > _settings.BufferMemory ? $"a record of {size} bytes is larger than buffer.memory = {_settings.BufferMemory}"
            : "";
        return fault.Length == 0;
    }

    /// <summary>Whether memory for one more record outside batches is free.</summary>
    public bool TryReserve(long bytes)
    {
        if (BytesUsed + bytes > _settings.BufferMemory)
            return false;
        BytesUsed += bytes;
        return true;
    }

    public void Release(long bytes) => BytesUsed -= bytes;

    /// <summary>Takes back what was released just before, nothing having happened since.</summary>
    public void Recharge(long bytes) => BytesUsed += bytes;

    /// <summary>Copies a record into its partition's open batch, opening one if need be.</summary>
    /// <param name="appended">The bytes it takes in its batch.</param>
    public Acceptance TryAppend(PartitionQueue queue, in OutgoingRecord record, FlushGroup group, TimeSpan now, long timestampMs, out int appended)
    {
        appended = 0;
        if (queue.Open is { } open)
        {
            if (open.Group == group && HasRoom(open, record) && Fill(queue, record, timestampMs, out appended))
                return Acceptance.Accepted;
            Close(queue);
        }

        if (!FitsAtAll(record, out _))
            return Acceptance.TooLarge;
        var size = record.SizeInBytes;
        var reserve = Math.Max(size, Math.Min(_batchBytes, _settings.BufferMemory - BytesUsed));
        if (!TryReserve(reserve))
            return Acceptance.Full;
        Open(queue, group, reserve, now, record.Taken);
        Fill(queue, record, timestampMs, out appended);
        return Acceptance.Accepted;
    }

    /// <summary>Closes what has lingered for linger.ms.</summary>
    public void CloseLingering(TimeSpan now)
    {
        while (_open.First is { } first && first.Value.Opened + _settings.Linger <= now)
            Close(first.Value.Queue);
    }

    /// <summary>Closes every open batch: for a flush, or because memory ran out.</summary>
    public void CloseAll()
    {
        while (_open.First is { } first)
            Close(first.Value.Queue);
    }

    /// <summary>Makes the open batch one to send.</summary>
    public void Close(PartitionQueue queue)
    {
        if (queue.Open is not { } batch)
            return;
        batch.BecomeClosed(queue.Builder!);
        _plainBytes += queue.Builder!.SizeInBytes;
        _packedBytes += batch.Bytes.Length;
        BytesUsed -= batch.Reserved - batch.Bytes.Length;
        batch.Reserved = batch.Bytes.Length;
        Recycle(queue);
        queue.Append(batch);
        _onClosed(queue);
    }

    /// <summary>Frees a batch that has its outcome, open or not.</summary>
    public void Discard(ProducerBatch batch)
    {
        if (batch.IsOpen)
            Recycle(batch.Queue);
        else if (batch.IsQueued)
            batch.Queue.Remove(batch);
        _live.Remove(batch.LiveNode!);
        BytesUsed -= batch.Reserved;
        batch.Reserved = 0;
        batch.BecomeDone();
    }

    /// <summary>Whether an open batch's memory covers one more record; reserves what is missing where the batch got less than it may hold.</summary>
    private bool HasRoom(ProducerBatch open, in OutgoingRecord record)
    {
        if (open.Reserved >= _batchBytes)
            return true;
        var missing = open.Queue.Builder!.SizeInBytes + record.SizeInBytes - open.Reserved;
        if (missing <= 0)
            return true;
        if (!TryReserve(missing))
            return false;
        open.Reserved += missing;
        return true;
    }

    private void Open(PartitionQueue queue, FlushGroup group, long reserve, TimeSpan now, TimeSpan firstTaken)
    {
        queue.Builder = _spares.TryPop(out var spare) ? spare : new RecordBatchBuilder(_batchBytes, _settings.CompressionType);
        queue.Open = new ProducerBatch(queue, ++_lastNumber, group, now, firstTaken) { Reserved = reserve };
        queue.Open.OpenNode = _open.AddLast(queue.Open);
        queue.Open.LiveNode = AddLive(queue.Open);
    }

    /// <summary>By the time of the first record; only records that had to wait before come in late.</summary>
    private LinkedListNode<ProducerBatch> AddLive(ProducerBatch batch)
    {
        var after = _live.Last;
        while (after is not null && after.Value.FirstTaken > batch.FirstTaken)
            after = after.Previous;
        return after is null ? _live.AddFirst(batch) : _live.AddAfter(after, batch);
    }

    private static bool Fill(PartitionQueue queue, in OutgoingRecord record, long timestampMs, out int appended)
    {
        var builder = queue.Builder!;
        var before = builder.SizeInBytes;
        appended = 0;
        record.Delivery.TimestampMs = timestampMs;
        if (!builder.TryAppend(timestampMs, record.Key, record.Value, record.Headers))
            return false;
        appended = builder.SizeInBytes - before;
        queue.Open!.Add(record.Delivery);
        return true;
    }

    private void Recycle(PartitionQueue queue)
    {
        var builder = queue.Builder!;
        _open.Remove(queue.Open!.OpenNode!);
        (queue.Open, queue.Builder) = (null, null);
        if (builder.SizeInBytes > _batchBytes || _spares.Count == SparesKept)
        {
            builder.Dispose();
            return;
        }

        builder.Reset();
        _spares.Push(builder);
    }
}

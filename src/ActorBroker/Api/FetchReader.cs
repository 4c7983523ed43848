using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api;

/// <summary>One partition of a fetch, and what the last pass found there.</summary>
internal sealed class FetchSlot(FetchRequest.FetchTopic topic, FetchRequest.FetchPartition partition)
{
    public FetchRequest.FetchTopic Topic => topic;

    public FetchRequest.FetchPartition Request => partition;

    public PartitionHandle? Handle { get; set; }

    /// <summary>The moment the last pass read at; null where it found no partition.</summary>
    public PartitionView? View { get; set; }

    public ErrorCode Error { get; set; }

    public ReadOnlyMemory<byte> Records { get; set; }

    /// <summary>The partition's actor has promised to say when there is more.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>Size of a batch that no response to this client can carry; 0 when there is none.</summary>
    public int Unsendable { get; set; }

    public void Reset()
    {
        Handle = null;
        View = null;
        Error = ErrorCode.None;
        Records = default;
        Unsendable = 0;
    }
}

/// <summary>
/// Reads what a fetch asks for, by positional reads of the logs and never above the high watermark. Limits: max_bytes in
/// all and per partition, except that the first partition with data gives at least one batch; and what the client's
/// transport can take, without exception.
/// </summary>
internal sealed class FetchReader
{
    /// <summary>More than the envelope and the response's own fields take, in any version.</summary>
    private const int FixedOverhead = 128;

    /// <summary>More than a partition's fields take, in any version.</summary>
    private const int PartitionOverhead = 128;

    private readonly PartitionLocator _locator;
    private readonly RequestContext _context;
    private readonly FetchRequest _request;

    public FetchReader(PartitionLocator locator, RequestContext context, FetchRequest request)
    {
        _locator = locator;
        _context = context;
        _request = request;
        var slots = new List<FetchSlot>();
        long overhead = FixedOverhead;
        foreach (var topic in request.Topics)
        {
            overhead += 32 + (3L * topic.Topic.Length);
            foreach (var partition in topic.Partitions) slots.Add(new FetchSlot(topic, partition));
        }

        Slots = slots;
        Overhead = overhead + ((long)slots.Count * PartitionOverhead);
        Transportable = Math.Max(context.MaxResponseBytes - Overhead, 0);
    }

    public IReadOnlyList<FetchSlot> Slots { get; }

    /// <summary>An upper bound of the response without records, in bytes.</summary>
    public long Overhead { get; }

    /// <summary>Record bytes that a response to this client can carry.</summary>
    public long Transportable { get; }

    /// <summary>Record bytes found by the last pass.</summary>
    public long Found { get; private set; }

    /// <summary>At least one partition has something to say that can't wait.</summary>
    public bool HasError { get; private set; }

    /// <summary>Bytes that are worth an answer; never more than one may hold.</summary>
    public long Wanted => Math.Min(_request.MinBytes, Math.Min(_request.MaxBytes, Transportable));

    /// <summary>One pass over all partitions, in the order of the request. Forgets what the pass before found.</summary>
    public void Read()
    {
        Found = 0;
        HasError = false;
        foreach (var slot in Slots)
        {
            slot.Reset();
            slot.Error = Open(slot);
            if (slot.Error == ErrorCode.None) slot.Error = ReadRecords(slot);
            Found += slot.Records.Length;
            HasError |= slot.Error != ErrorCode.None || slot.Unsendable > 0;
        }
    }

    /// <summary>Lets go of the records found, while the fetch waits for more.</summary>
    public void Release()
    {
        foreach (var slot in Slots) slot.Records = default;
    }

    private ErrorCode Open(FetchSlot slot)
    {
        var located = _locator.Find(_context, AclOperation.Read, slot.Topic.Topic, slot.Topic.TopicId, slot.Request.Partition);
        if (located.Handle is not { } handle) return located.Error;
        slot.Handle = handle;
        var view = handle.View;
        slot.View = view;
        if (!view.IsLeader) return ErrorCode.NotLeaderOrFollower;
        var epoch = PartitionCore.CheckEpoch(view.LeaderEpoch, new LeaderEpoch(slot.Request.CurrentLeaderEpoch));
        if (epoch != PartitionError.None) return PartitionErrors.Code(epoch);
        var offset = slot.Request.FetchOffset;
        return offset < view.LogStart.Value || offset > view.LogEnd.Value ? ErrorCode.OffsetOutOfRange : ErrorCode.None;
    }

    private ErrorCode ReadRecords(FetchSlot slot)
    {
        var from = new Offset(slot.Request.FetchOffset);
        var bound = slot.View!.HighWatermark;
        var budget = Math.Min(slot.Request.PartitionMaxBytes, Math.Min(_request.MaxBytes, Transportable) - Found);
        if (from >= bound || (budget <= 0 && Found > 0)) return ErrorCode.None;
        try
        {
            using var read = slot.Handle!.Log.Read(from, (int)Math.Max(budget, 0), bound, minOneBatch: Found == 0);
            if (read.Status == LogReadStatus.OutOfRange) return ErrorCode.OffsetOutOfRange;
            if (read.Batches.Length > Transportable)
                slot.Unsendable = read.Batches.Length;
            else
                slot.Records = read.Batches.ToArray();
            return ErrorCode.None;
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            // Damaged or closing under the reader; the partition's own actor finds out and says so in the log.
            return ErrorCode.KafkaStorageError;
        }
    }
}

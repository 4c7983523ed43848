using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client.Tests.Producing;

/// <summary>
/// What a leader does with numbered batches, written down naively: the whole log is looked through each time. Known of a producer
/// are its newest epoch and the last five batches of that; a log may lose what is not committed.
/// </summary>
internal sealed class ModelPartition
{
    private const int Remembered = 5;

    private readonly List<Entry> _entries = [];
    private int _committed;

    private sealed record Entry(ProducerId Id, ProducerEpoch Epoch, int First, int Last, List<int> Records);

    /// <summary>Ids of the records, by offset.</summary>
    public IEnumerable<int> Records => _entries.SelectMany(entry => entry.Records);

    public (ErrorCode Error, long Offset) Append(ReadOnlySpan<byte> batch)
    {
        Assert.Equal(BatchFault.None, RecordBatchValidator.CheckProduced(batch, int.MaxValue, out var header));
        var entry = new Entry(header.ProducerId, header.ProducerEpoch, header.BaseSequence, header.LastSequence, ProducerRig.IdsOf(batch));
        var verdict = Judge(entry, out var stored);
        if (verdict != ErrorCode.None)
            return (verdict, -1);
        if (stored < 0)
        {
            stored = _entries.Count;
            _entries.Add(entry);
        }

        return (ErrorCode.None, OffsetOf(stored));
    }

    /// <summary>Whatever is answered as written is committed, and all before it.</summary>
    public void Commit(long offset)
    {
        while (OffsetOf(_committed) <= offset)
            _committed++;
    }

    /// <summary>A new leader has all that is committed, and some of the rest.</summary>
    public void Elect(Random random)
    {
        var kept = random.Next(_committed, _entries.Count + 1);
        _entries.RemoveRange(kept, _entries.Count - kept);
    }

    private ErrorCode Judge(Entry entry, out int stored)
    {
        stored = -1;
        var known = Enumerable.Range(0, _entries.Count).Where(i => _entries[i].Id == entry.Id).ToList();
        if (known.Count == 0)
            return ErrorCode.None;
        var newest = _entries[known[^1]];
        if (entry.Epoch.Value != newest.Epoch.Value)
            return entry.Epoch.Value < newest.Epoch.Value ? ErrorCode.InvalidProducerEpoch : entry.First == 0 ? ErrorCode.None : ErrorCode.OutOfOrderSequenceNumber;
        foreach (var i in known.Where(i => _entries[i].Epoch == newest.Epoch).TakeLast(Remembered))
        {
            if (_entries[i].First == entry.First && _entries[i].Last == entry.Last)
                stored = i;
        }

        return stored >= 0 || entry.First == RecordBatchHeader.AddSequence(newest.Last, 1) ? ErrorCode.None : ErrorCode.OutOfOrderSequenceNumber;
    }

    private long OffsetOf(int entry) => _entries.Take(entry).Sum(before => (long)before.Records.Count);
}

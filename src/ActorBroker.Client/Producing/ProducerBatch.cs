using System.Runtime.InteropServices;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Client;

/// <summary>
/// Records of one partition that travel together: open while a builder fills, then frozen bytes. The bytes are never
/// pooled: a broker in the same process, or remoting's queue, may still hold them after an outcome is known.
/// </summary>
internal sealed class ProducerBatch(PartitionQueue queue, long number, FlushGroup group, TimeSpan opened, TimeSpan firstTaken)
{
    private Delivery[] _deliveries = new Delivery[16];

    public PartitionQueue Queue { get; } = queue;

    /// <summary>Ascending in the order of opening, which is the order within the partition.</summary>
    public long Number { get; } = number;

    public FlushGroup Group { get; } = group;

    public TimeSpan Opened { get; } = opened;

    /// <summary>When its first record was handed over: delivery.timeout.ms counts from here.</summary>
    public TimeSpan FirstTaken { get; } = firstTaken;

    public int RecordCount { get; private set; }

    public ReadOnlyMemory<byte> Bytes { get; private set; }

    public bool IsOpen { get; private set; } = true;

    /// <summary>An outcome was given; whatever answer still comes is ignored.</summary>
    public bool IsDone { get; private set; }

    /// <summary>What it holds of buffer.memory.</summary>
    public long Reserved { get; set; }

    /// <summary>How often it came back without success.</summary>
    public int Failures { get; set; }

    /// <summary>How often it left, tries that certainly reached no broker not counted.</summary>
    public int TimesSent { get; set; }

    /// <summary>It has a producer's sequence number, which it keeps on every repetition.</summary>
    public bool IsStamped { get; private set; }

    /// <summary>Counts its partition's stamps.</summary>
    public long StampNumber { get; private set; }

    /// <summary>A request with it was lost, or refused in a way that leaves open whether it was written first.</summary>
    public bool MayBeWritten { get; set; }

    public ErrorCode LastError { get; set; }

    public string? LastMessage { get; set; }

    /// <summary>In its partition's queue of closed batches.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Its place among the open batches, and among all without outcome.</summary>
    public LinkedListNode<ProducerBatch>? OpenNode { get; set; }

    public LinkedListNode<ProducerBatch>? LiveNode { get; set; }

    /// <summary>The back-off's end.</summary>
    public TimeSpan NotBefore { get; private set; }

    private int TimesStamped { get; set; }

    /// <summary>Failures in a row under one leader.</summary>
    private int Pauses { get; set; }

    /// <summary>The leader it was last sent to.</summary>
    public LeaderEpoch SentUnder { get; set; } = LeaderEpoch.None;

    /// <summary>Its queue's when it was last sent.</summary>
    public int Term { get; set; }

    public ReadOnlySpan<Delivery> Deliveries => _deliveries.AsSpan(0, RecordCount);

    public void Add(Delivery delivery)
    {
        if (RecordCount == _deliveries.Length)
            Array.Resize(ref _deliveries, RecordCount * 2);
        _deliveries[RecordCount++] = delivery;
    }

    public void BackOff(TimeSpan now, Backoff backoff) => NotBefore = now + backoff.Delay(++Pauses);

    public void EndBackoff() => (NotBefore, Pauses) = (TimeSpan.Zero, 0);

    public void BecomeClosed(RecordBatchBuilder builder)
    {
        var built = builder.Build().Span;
        var bytes = GC.AllocateUninitializedArray<byte>(built.Length);
        built.CopyTo(bytes);
        Bytes = bytes;
        IsOpen = false;
    }

    public void BecomeStamped(ProducerId id, ProducerEpoch epoch, int sequence, long stampNumber)
    {
        StampNumber = stampNumber;
        // Bytes that left once may still be read by others.
        if (TimesStamped++ > 0)
            Bytes = Bytes.ToArray();
        RecordBatchHeader.PatchProducer(MemoryMarshal.AsMemory(Bytes).Span, id, epoch, sequence);
        IsStamped = true;
    }

    public void BecomeUnstamped() => IsStamped = false;

    public void BecomeDone() => (IsDone, IsOpen, Bytes) = (true, false, default);
}

/// <summary>The records accepted between two flushes; a flush is over when its group and all before it have none left.</summary>
internal sealed class FlushGroup
{
    public long Outstanding { get; set; }

    /// <summary>The flushes that end this group; empty for the current one.</summary>
    public List<long> Tokens { get; } = [];

    public bool IsSealed => Tokens.Count > 0;
}

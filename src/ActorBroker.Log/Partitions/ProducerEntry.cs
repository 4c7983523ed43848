using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace ActorBroker.Log;

/// <summary>One producer in a <see cref="ProducerTable"/>: its last batches stored, those admitted behind them, and what is awaited while there are neither.</summary>
internal sealed class ProducerEntry(long seenMs)
{
    private readonly record struct StoredBatch(int LastSequence, int OffsetDelta, Offset LastOffset, long TimestampMs)
    {
        public int BaseSequence => SubtractSequence(LastSequence, OffsetDelta);

        public Offset BaseOffset => LastOffset - OffsetDelta;

        private static int SubtractSequence(int sequence, int count) =>
            sequence >= count ? sequence - count : (int)(sequence - (long)count + int.MaxValue + 1);
    }

    [InlineArray(Remembered)]
    [SuppressMessage("Style", "IDE0044", Justification = "an inline array's only field")]
    [SuppressMessage("CodeQuality", "IDE0051", Justification = "an inline array's only field")]
    private struct StoredBatches
    {
        private StoredBatch _first;
    }

    /// <summary>As many as Kafka's producers have in flight at most.</summary>
    public const int Remembered = 5;

    /// <summary>A ring of the last batches, all of <see cref="_epoch"/>; the oldest at <see cref="_oldest"/>.</summary>
    private StoredBatches _stored;
    private int _oldest;
    private int _count;

    /// <summary>None while nothing was stored.</summary>
    private ProducerEpoch _epoch = ProducerEpoch.None;

    /// <summary>In order; null until the first.</summary>
    private Queue<(ProducerStamp Stamp, long Ticket)>? _admitted;
    private ProducerStamp _newestAdmitted;

    /// <summary>What must come first, while nothing is stored in its epoch.</summary>
    private ProducerStamp _awaited = ProducerStamp.None;

    /// <summary>Nothing of it is stored: its first batch was turned away.</summary>
    public ProducerEntry(long seenMs, in ProducerStamp awaited)
        : this(seenMs) => _awaited = awaited;

    public long SeenMs { get; private set; } = seenMs;

    [MemberNotNullWhen(true, nameof(_admitted))]
    public bool HasAdmitted => _admitted is { Count: > 0 };

    public ProducerVerdict Judge(in ProducerStamp stamp)
    {
        var epoch = HasAdmitted ? _newestAdmitted.Epoch : _epoch == ProducerEpoch.None ? _awaited.Epoch : _epoch;
        if (stamp.Epoch.Value < epoch.Value) return new ProducerVerdict(ProducerJudgement.StaleEpoch);
        if (stamp.Epoch != epoch) return Begins(stamp, 0);
        if (HasAdmitted)
        {
            foreach (var (admitted, ticket) in _admitted)
                if (admitted == stamp) return new ProducerVerdict(ProducerJudgement.DuplicateInFlight, Ticket: ticket);
        }

        for (var i = 0; i < _count && stamp.Epoch == _epoch; i++)
        {
            ref readonly var stored = ref _stored[(_oldest + i) % Remembered];
            if (stored.LastSequence == stamp.LastSequence && stored.BaseSequence == stamp.BaseSequence)
                return new ProducerVerdict(ProducerJudgement.Duplicate, stored.BaseOffset, stored.LastOffset, stored.TimestampMs);
        }

        return Begins(stamp, HasAdmitted ? Next(_newestAdmitted.LastSequence) : _count > 0 ? Next(Newest.LastSequence) : Math.Max(_awaited.BaseSequence, 0));
    }

    public void Admit(in ProducerStamp stamp, long ticket)
    {
        (_admitted ??= new()).Enqueue((stamp, ticket));
        _newestAdmitted = stamp;
    }

    public void DropAdmitted()
    {
        if (!HasAdmitted) return;
        if (_epoch == ProducerEpoch.None && !_awaited.IsIdempotent) _awaited = _admitted.Peek().Stamp;
        _admitted.Clear();
    }

    public void Apply(in ProducerStamp stamp, Offset lastOffset, int offsetDelta, long timestampMs, long seenMs)
    {
        if (HasAdmitted && _admitted.Peek().Stamp == stamp) _admitted.Dequeue();
        SeenMs = Math.Max(SeenMs, seenMs);
        Begin(stamp.Epoch);
        Remember(new StoredBatch(stamp.LastSequence, offsetDelta, lastOffset, timestampMs));
    }

    public void Load(in ProducerSnapshotEntry entry, long seenMs)
    {
        SeenMs = Math.Max(SeenMs, seenMs);
        Begin(entry.Epoch);
        // Kafka keeps producers of whom it knows nothing but the epoch.
        if (entry.LastOffset.Value >= 0) Remember(new StoredBatch(entry.LastSequence, entry.OffsetDelta, entry.LastOffset, entry.TimestampMs));
    }

    public void SnapshotTo(List<ProducerSnapshotEntry> entries, ProducerId id)
    {
        for (var i = 0; i < _count; i++)
        {
            ref readonly var stored = ref _stored[(_oldest + i) % Remembered];
            entries.Add(new ProducerSnapshotEntry(
                id, _epoch, stored.LastSequence, stored.LastOffset, stored.OffsetDelta, stored.TimestampMs, CoordinatorEpoch: -1, CurrentTransactionFirstOffset: Offset.None));
        }
    }

    private ref readonly StoredBatch Newest => ref _stored[(_oldest + _count - 1) % Remembered];

    private static int Next(int sequence) => RecordBatchHeader.AddSequence(sequence, 1);

    private static ProducerVerdict Begins(in ProducerStamp stamp, int expected) =>
        new(stamp.BaseSequence == expected ? ProducerJudgement.Next : ProducerJudgement.OutOfOrder);

    private void Begin(ProducerEpoch epoch)
    {
        if (epoch == _epoch) return;
        (_epoch, _count, _awaited) = (epoch, 0, ProducerStamp.None);
    }

    private void Remember(in StoredBatch batch)
    {
        if (_count < Remembered) _count++;
        else _oldest = (_oldest + 1) % Remembered;
        _stored[(_oldest + _count - 1) % Remembered] = batch;
    }
}

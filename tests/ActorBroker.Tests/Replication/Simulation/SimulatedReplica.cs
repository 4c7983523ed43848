using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication.Simulation;

/// <summary>A record as the simulation's logs hold it.</summary>
/// <param name="Sequence">Of the idempotent producer's; -1: nobody's in particular.</param>
internal readonly record struct Entry(int Epoch, int Value, int Sequence = -1)
{
    public ProducerStamp Producer => Sequence < 0 ? ProducerStamp.None : new(new ProducerId(7), new ProducerEpoch(0), Sequence, Sequence);
}

/// <summary>
/// One replica: the real core, on a log that is a list, with writes that take time and may be rejected, which takes along what was
/// begun before the core heard of it. What goes to others is left to the simulation.
/// </summary>
internal sealed class SimulatedReplica(BrokerId id, TopicSettings settings, ImmutableArray<BrokerId> replicas, BrokenRule broken) : IReplicaLog
{
    private readonly Queue<(Entry[] Entries, int RejectionsHeard)> _unwritten = new();

    /// <summary>Null: rejected.</summary>
    private readonly Queue<(Entry[] Entries, BatchAppended? Written)> _unreported = new();
    private (int LogEnd, List<ProducerSnapshotEntry> Producers) _snapshot = (0, []);
    private int _rejections;
    private (int Epoch, int Start)? _emptyEpoch;

    public BrokerId Id => id;

    public List<Entry> Log { get; } = [];

    public List<PartitionEffect> Effects { get; } = [];

    public PartitionCore Core { get; private set; } = null!;

    public bool IsUp { get; private set; }

    public long BrokerEpoch { get; private set; }

    public Decided Known { get; private set; } = null!;

    /// <summary>Where it fetches next; null while it does not.</summary>
    public FetchPosition? Fetching { get; set; }

    public int Checkpoint { get; set; }

    public bool HasWork => _unwritten.Count + _unreported.Count > 0;

    public Offset FirstBatchOffset => Offset.Zero;

    public void Start(long brokerEpoch, Decided decided, long nowMs)
    {
        (IsUp, BrokerEpoch) = (true, brokerEpoch);
        Recover(Checkpoint, decided, nowMs);
    }

    /// <summary>What was written stays, as far as <paramref name="keep"/> says.</summary>
    public void Crash(int keep)
    {
        IsUp = false;
        Fetching = null;
        _unwritten.Clear();
        _unreported.Clear();
        if (_snapshot.LogEnd > keep) _snapshot = (0, []);
        if (keep < Log.Count) Log.RemoveRange(keep, Log.Count - keep);
        if (_emptyEpoch is { } empty && empty.Start > Log.Count) _emptyEpoch = null;
    }

    public void Learn(Decided decided, long nowMs)
    {
        if (decided.PartitionEpoch < Known.PartitionEpoch) return;
        if (Fetching is { } position && position.LeaderEpoch.Value != decided.LeaderEpoch) Fetching = null;
        Known = decided;
        Core.OnAssignment(decided.For(id, replicas), nowMs, Effects);
    }

    /// <summary>Of the idempotent producer where there is a sequence.</summary>
    public void Produce(int value, Acks acks, int sequence = -1)
    {
        var entry = new Entry(Core.LeaderEpoch.Value, value, sequence);
        var judged = broken == BrokenRule.DuplicatesAreNotJudged ? ProducerStamp.None : entry.Producer;
        var decided = Effects.Count;
        Core.OnAppend(new AppendInput(new RequestKey(sequence < 0 ? "client" : "producer", value, sequence), acks, LeaderEpoch.None, 1, judged), 0, Effects);
        if (Effects.Count > decided && Effects[decided].Kind == PartitionEffectKind.Append) _unwritten.Enqueue(([entry], Core.Rejections));
    }

    public void TakeCheckpoint()
    {
        Checkpoint = (int)Core.State.HighWatermark.Value;
        _snapshot = ((int)Core.State.LogEnd.Value, Core.State.Producers.Snapshot());
    }

    public void OnFetched(LeaderEpoch epoch, Offset from, Entry[] entries, Offset highWatermark)
    {
        if (entries.Length > 0 && from.Value == Log.Count && entries[0].Epoch < LastEpoch.Value) return;
        var headers = broken == BrokenRule.WhatIsFetchedCountsLate ? [] : Headers(entries, (int)from.Value);
        if (Core.OnFetched(new FetchedInput(epoch, from, entries.Length, highWatermark, Offset.Zero), headers, 0, Effects)) _unwritten.Enqueue((entries, Core.Rejections));
    }

    /// <summary>The oldest write reaches the log, or the oldest in the log is reported.</summary>
    /// <param name="isFull">There is no room for a write just now.</param>
    public void Work(bool writeFirst, bool isFull, long nowMs)
    {
        if (_unwritten.Count > 0 && (writeFirst || _unreported.Count == 0)) Write(isFull);
        else if (_unreported.Count > 0) Report(nowMs);
    }

    private void Write(bool isFull)
    {
        var (entries, heard) = _unwritten.Dequeue();
        if (isFull || (heard < _rejections && broken != BrokenRule.RejectionsTakeNothingAlong))
        {
            _rejections = Math.Max(_rejections, heard + 1);
            _unreported.Enqueue((entries, null));
            return;
        }

        var first = new Offset(Log.Count);
        Log.AddRange(entries);
        _emptyEpoch = null;
        _unreported.Enqueue((entries, new BatchAppended(first, new Offset(Log.Count - 1), new LeaderEpoch(entries[^1].Epoch), -1, entries.Length)));
    }

    private void Report(long nowMs)
    {
        var (entries, written) = _unreported.Dequeue();
        if (written is { } batch) Core.OnPersisted(batch, Headers(entries, (int)batch.BaseOffset.Value), nowMs, Effects);
        else Core.OnPersistRejected(PartitionError.StorageFull, Effects);
    }

    private static RecordBatchHeader[] Headers(IEnumerable<Entry> entries, int first) => [.. entries.Select((entry, i) => new RecordBatchHeader
    {
        BaseOffset = new Offset(first + i),
        ProducerId = entry.Producer.Id,
        ProducerEpoch = entry.Producer.Epoch,
        BaseSequence = entry.Producer.BaseSequence,
    })];

    public void AssignEpoch(LeaderEpoch epoch) => _emptyEpoch = (epoch.Value, Log.Count);

    public void DropEmptyEpoch() => _emptyEpoch = null;

    /// <summary>This incarnation ends, and the next begins on what is left.</summary>
    public void Cut(int at, long nowMs)
    {
        var committed = (int)Core.State.HighWatermark.Value;
        Crash(at);
        IsUp = true;
        Recover(Math.Min(committed, Log.Count), Known, nowMs);
    }

    public FetchPosition Position(LeaderEpoch epoch) => new(epoch, Core.State.LogEnd, LastEpoch, Offset.Zero);

    public EpochEnd EndOffsetFor(LeaderEpoch epoch)
    {
        var entries = new List<(int Epoch, int Start)>();
        for (var i = 0; i < Log.Count; i++)
            if (i == 0 || Log[i].Epoch != Log[i - 1].Epoch) entries.Add((Log[i].Epoch, i));
        if (_emptyEpoch is { } empty)
        {
            while (entries is [.., var last] && last.Start >= empty.Start) entries.RemoveAt(entries.Count - 1);
            entries.Add(empty);
        }

        if (epoch.Value < 0 || entries.Count == 0) return new EpochEnd(LeaderEpoch.None, Offset.None);
        if (entries[^1].Epoch == epoch.Value) return new EpochEnd(epoch, new Offset(Log.Count));
        var higher = entries.FindIndex(entry => entry.Epoch > epoch.Value);
        if (higher < 0) return new EpochEnd(LeaderEpoch.None, Offset.None);
        return new EpochEnd(higher == 0 ? epoch : new LeaderEpoch(entries[higher - 1].Epoch), new Offset(entries[higher].Start));
    }

    private LeaderEpoch LastEpoch => Core.State.LogEnd == Offset.Zero ? LeaderEpoch.None : Core.State.LastBatchEpoch;

    private void Recover(int highWatermark, Decided decided, long nowMs)
    {
        Known = decided;
        var last = Log.Count == 0 ? LeaderEpoch.None : new LeaderEpoch(Log[^1].Epoch);
        var state = new PartitionState(Offset.Zero, new Offset(Log.Count), last);
        if (broken != BrokenRule.ProducersAreForgotten) RecoverProducers(state.Producers);
        Core = new PartitionCore(state, settings, this, ReplicationSimulation.LagTimeMs);
        _rejections = 0;
        Core.OnRecovered(new Offset(highWatermark));
        Core.OnAssignment(decided.For(id, replicas), nowMs, Effects);
    }

    private void RecoverProducers(ProducerTable producers)
    {
        foreach (var producer in _snapshot.Producers) producers.Load(producer, 0);
        foreach (var header in Headers(Log.Skip(_snapshot.LogEnd), _snapshot.LogEnd)) producers.Apply(header, 0);
    }
}

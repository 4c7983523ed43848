using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication.Simulation;

/// <summary>A record as the simulation's logs hold it.</summary>
internal readonly record struct Entry(int Epoch, int Value);

/// <summary>One replica: the real core, on a log that is a list, with writes that take time. What goes to others is left to the simulation.</summary>
internal sealed class SimulatedReplica(BrokerId id, TopicSettings settings, ImmutableArray<BrokerId> replicas) : IReplicaLog
{
    private readonly Queue<(Entry[] Entries, int? Value)> _unwritten = new();
    private readonly Queue<BatchAppended> _unreported = new();
    private (int Epoch, int Start)? _emptyEpoch;
    private Entry[] _fetched = [];

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

    public void Produce(int value, Acks acks)
    {
        Core.OnAppend(new AppendInput(new RequestKey("client", value, 0), acks, LeaderEpoch.None, 1, ProducerStamp.None), 0, Effects);
        if (Effects[^1].Kind == PartitionEffectKind.Append) _unwritten.Enqueue(([new Entry(Core.LeaderEpoch.Value, value)], value));
    }

    public void OnFetched(LeaderEpoch epoch, Offset from, Entry[] entries, Offset highWatermark)
    {
        if (entries.Length > 0 && from.Value == Log.Count && entries[0].Epoch < LastEpoch.Value) return;
        _fetched = entries;
        if (Core.OnFetched(new FetchedInput(epoch, from, entries.Length, highWatermark, Offset.Zero), Effects)) _unwritten.Enqueue((_fetched, null));
    }

    /// <summary>The oldest write reaches the log, or the oldest in the log is reported.</summary>
    public void Work(bool writeFirst, long nowMs)
    {
        if (_unwritten.Count > 0 && (writeFirst || _unreported.Count == 0))
        {
            var (entries, _) = _unwritten.Dequeue();
            var first = new Offset(Log.Count);
            Log.AddRange(entries);
            _emptyEpoch = null;
            _unreported.Enqueue(new BatchAppended(first, new Offset(Log.Count - 1), new LeaderEpoch(entries[^1].Epoch), -1, entries.Length));
        }
        else if (_unreported.Count > 0)
        {
            Core.OnPersisted(_unreported.Dequeue(), [], nowMs, Effects);
        }
    }

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
        Core = new PartitionCore(new PartitionState(Offset.Zero, new Offset(Log.Count), last), settings, this, ReplicationSimulation.LagTimeMs);
        Core.OnRecovered(new Offset(highWatermark));
        Core.OnAssignment(decided.For(id, replicas), nowMs, Effects);
    }
}

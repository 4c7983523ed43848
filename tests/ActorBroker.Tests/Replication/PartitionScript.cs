using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication;

/// <summary>Drives a <see cref="PartitionCore"/> with short commands and writes down what it did, for golden comparisons.</summary>
internal sealed class PartitionScript : IReplicaLog
{
    private readonly List<PartitionEffect> _effects = [];
    private readonly StringBuilder _transcript = new();

    private readonly bool _showsReplication;

    /// <param name="showsReplication">Also what goes to other replicas and to the controller.</param>
    public PartitionScript(int minIsr = 1, int maxMessageBytes = 1000, long logStart = 0, long logEnd = 0, int lastEpoch = -1, bool showsReplication = false)
    {
        _showsReplication = showsReplication;
        Core = new PartitionCore(
            new PartitionState(new Offset(logStart), new Offset(logEnd), new LeaderEpoch(lastEpoch)),
            Settings(minIsr, maxMessageBytes),
            this,
            LagTimeMs);
    }

    public const long LagTimeMs = 100;

    /// <summary>What the log says of epochs' ends.</summary>
    public Dictionary<int, EpochEnd> EpochEnds { get; } = [];

    public Offset FirstBatchOffset { get; set; } = new(long.MaxValue);

    public EpochEnd EndOffsetFor(LeaderEpoch epoch) => EpochEnds.TryGetValue(epoch.Value, out var end) ? end : new EpochEnd(LeaderEpoch.None, Offset.None);

    /// <summary>Brokers as assignments from now on say.</summary>
    public BrokerStandings Brokers { get; set; } = BrokerStandings.None;

    public long NowMs { get; private set; }

    public PartitionCore Core { get; }

    public string Transcript => _transcript.ToString().TrimEnd();

    public static TopicSettings Settings(int minIsr = 1, int maxMessageBytes = 1000) => new(
        LogOptions.Default with { MaxMessageBytes = maxMessageBytes }, minIsr, long.MaxValue, long.MaxValue, UncleanLeaderElection: false);

    public static RequestKey Key(string name) => new(name, 0, 0);

    public PartitionScript Lead(int epoch, int partitionEpoch, int[] isr, int[]? replicas = null) =>
        Assign(1, epoch, partitionEpoch, isr, replicas ?? isr);

    public PartitionScript LedBy(int? leader, int epoch, int partitionEpoch, params int[] isr) =>
        Assign(leader, epoch, partitionEpoch, isr, isr);

    public PartitionScript Append(string name, Acks acks = Acks.All, int epoch = -1, int bytes = 100, ProducerStamp? producer = null, bool goesOn = false) =>
        Step($"append {name}", () => Core.OnAppend(new AppendInput(Key(name), acks, new LeaderEpoch(epoch), bytes, producer ?? ProducerStamp.None, goesOn), NowMs, _effects));

    /// <summary>The oldest batch in flight is stored, <paramref name="records"/> long.</summary>
    /// <param name="producer">Who made it, if somebody idempotent.</param>
    public PartitionScript Persisted(int records = 1, int bytes = 100, ProducerStamp? producer = null)
    {
        var first = Core.State.LogEnd;
        var batch = new BatchAppended(first, first + (records - 1), Core.LeaderEpoch, -1, bytes);
        var made = producer ?? ProducerStamp.None;
        RecordBatchHeader[] headers =
        [
            new()
            {
                BaseOffset = first,
                LastOffsetDelta = records - 1,
                ProducerId = made.Id,
                ProducerEpoch = made.Epoch,
                BaseSequence = made.BaseSequence,
                MaxTimestamp = 77,
            },
        ];
        return Step("persisted", () => Core.OnPersisted(batch, headers, NowMs, _effects));
    }

    public PartitionScript Rejected() => Step("rejected", () => Core.OnPersistRejected(PartitionError.StorageFull, _effects));

    public PartitionScript PersistFailed() => Step("persist failed", () => Core.OnPersistFailed(_effects));

    public PartitionScript Replica(int id, long logEnd, int epoch) =>
        Fetch($"replica {id} has {logEnd}", id, logEnd, epoch);

    public PartitionScript Fetch(int id, long from, int epoch, int lastEpoch = -1, long brokerEpoch = 1) =>
        Fetch($"{id} fetches from {from}", id, from, epoch, lastEpoch, brokerEpoch);

    public PartitionScript Fetched(int epoch, long from, int bytes, long highWatermark, long logStart = 0, ProducerStamp? producer = null) => Step(
        $"fetched from {from}",
        () => Core.OnFetched(
            new FetchedInput(new LeaderEpoch(epoch), new Offset(from), bytes, new Offset(highWatermark), new Offset(logStart)),
            producer is { } made ? [new() { ProducerId = made.Id, ProducerEpoch = made.Epoch, BaseSequence = made.BaseSequence }] : [],
            NowMs,
            _effects));

    public PartitionScript Diverging(int epoch, long from, int sharedEpoch, long end) => Step(
        $"diverging at {sharedEpoch}:{end}",
        () => Core.OnDiverging(new LeaderEpoch(epoch), new Offset(from), new EpochEnd(new LeaderEpoch(sharedEpoch), new Offset(end)), _effects));

    public PartitionScript OutOfRange(int epoch, long from, long leaderLogStart) => Step(
        $"out of range below {leaderLogStart}", () => Core.OnOutOfRange(new LeaderEpoch(epoch), new Offset(from), new Offset(leaderLogStart), _effects));

    public PartitionScript After(long ms)
    {
        NowMs += ms;
        return this;
    }

    public PartitionScript IsrTick() => Step("isr tick", () => Core.OnIsrTick(NowMs, _effects));

    public PartitionScript IsrRefused(int partitionEpoch) => Step("isr refused", () => Core.OnIsrRefused(partitionEpoch, NowMs, _effects));

    public PartitionScript Wait(string name, long seen, int epoch = -1) =>
        Step($"wait {name}", () => Core.OnWait(new WaitInput(Key(name), new LeaderEpoch(epoch), new Offset(seen)), _effects));

    public PartitionScript Delete(string name, long before) => Step($"delete {name} {before}", () => Core.OnDeleteRecords(Key(name), new Offset(before), _effects));

    public PartitionScript LogStart(long offset) => Step($"log start {offset}", () => Core.OnLogStart(new Offset(offset), _effects));

    public PartitionScript Cancel(string name) => Step($"cancel {name}", () => Core.OnCancelWait(Key(name)));

    public PartitionScript MinIsr(int count) =>
        Step($"min isr {count}", () => Core.OnSettings(Settings(count), NowMs, _effects));

    public PartitionScript Drain() => Step("drain", Core.OnDrain);

    public PartitionScript Close() => Step("close", () => Core.OnClose(_effects));

    private PartitionScript Fetch(string title, int id, long from, int epoch, int lastEpoch = -1, long brokerEpoch = 1) => Step(title, () => Core.OnFollowerFetch(
        new FollowerFetch(Key(string.Intern($"replica {id}")), new BrokerId(id), brokerEpoch, new LeaderEpoch(epoch), new Offset(from), new LeaderEpoch(lastEpoch)), NowMs, _effects));

    public PartitionScript Assign(int? leader, int epoch, int partitionEpoch, int[] isr, int[] replicas, params int[] eligible)
    {
        var assignment = new PartitionAssignment(
            new BrokerId(1), leader is { } id ? new BrokerId(id) : null, new LeaderEpoch(epoch), Ids(replicas), Ids(isr), Ids(eligible), partitionEpoch, Brokers);
        return Step($"assign epoch {epoch}", () => Core.OnAssignment(assignment, NowMs, _effects));
    }

    private static ImmutableArray<BrokerId> Ids(int[] ids) => [.. ids.Select(id => new BrokerId(id))];

    private PartitionScript Step(string title, Action input)
    {
        input();
        var outcome = string.Join(", ", _effects.Where(effect => _showsReplication || IsForClients(effect)).Select(Text));
        _effects.Clear();
        _transcript.Append(CultureInfo.InvariantCulture, $"{title} -> {(outcome.Length == 0 ? "nothing" : outcome)}");
        _transcript.Append(CultureInfo.InvariantCulture, $" | hw {Core.State.HighWatermark} end {Core.State.LogEnd}\n");
        return this;
    }

    private static bool IsForClients(PartitionEffect effect) =>
        effect.Kind is PartitionEffectKind.Append or PartitionEffectKind.ProduceReply or PartitionEffectKind.WakeFetch or PartitionEffectKind.DeletionReply;

    private static string Text(PartitionEffect effect) => effect.Kind switch
    {
        PartitionEffectKind.FollowerAnswer when effect.Error == PartitionError.Diverging => $"tell {effect.Key.Client} diverging at {effect.Epoch}:{effect.Offset}",
        PartitionEffectKind.FollowerAnswer => $"tell {effect.Key.Client} {(effect.Error == PartitionError.None ? "data" : effect.Error)}",
        PartitionEffectKind.ProposeIsr => $"propose {string.Join("+", effect.Isr!.Members.Select(member => $"{member.Id}@{member.BrokerEpoch}"))} against {effect.Isr.PartitionEpoch}",
        PartitionEffectKind.FollowerAccepted => $"accept {effect.Key.Client}",
        PartitionEffectKind.LookAgain => "look again",
        PartitionEffectKind.AssignEpoch => $"epoch {effect.Epoch} begins",
        PartitionEffectKind.StartFetching => $"fetch from {effect.Offset}",
        PartitionEffectKind.AppendFetched => "write fetched",
        PartitionEffectKind.Replicated => effect.Error == PartitionError.None ? $"replicated to {effect.Offset}" : $"not replicated {effect.Error}",
        PartitionEffectKind.AdvanceLogStart => $"delete below {effect.Offset}",
        PartitionEffectKind.Cut => $"cut from {effect.Offset}",
        PartitionEffectKind.StartOver => $"start over at {effect.Offset}",
        PartitionEffectKind.Append => $"write {effect.Key.Client}",
        PartitionEffectKind.WakeFetch when effect.Error == PartitionError.None => $"wake {effect.Key.Client}",
        PartitionEffectKind.WakeFetch => $"wake {effect.Key.Client} {effect.Error}",
        PartitionEffectKind.DeletionReply when effect.Error == PartitionError.None => $"tell {effect.Key.Client} it begins at {effect.Offset}",
        _ when effect.Error == PartitionError.None => $"ack {effect.Key.Client} at {effect.Offset}",
        _ => $"refuse {effect.Key.Client} {effect.Error}",
    };
}

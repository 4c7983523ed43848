using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Replication;

namespace ActorBroker.Tests.Replication;

/// <summary>Drives a <see cref="PartitionCore"/> with short commands and writes down what it did, for golden comparisons.</summary>
internal sealed class PartitionScript
{
    private readonly List<PartitionEffect> _effects = [];
    private readonly StringBuilder _transcript = new();

    public PartitionScript(int minIsr = 1, int maxMessageBytes = 1000, long logStart = 0, long logEnd = 0)
    {
        Core = new PartitionCore(
            new PartitionState(new Offset(logStart), new Offset(logEnd), LeaderEpoch.None),
            Settings(minIsr, maxMessageBytes));
    }

    public PartitionCore Core { get; }

    public string Transcript => _transcript.ToString().TrimEnd();

    public static TopicSettings Settings(int minIsr = 1, int maxMessageBytes = 1000) => new(
        LogOptions.Default with { MaxMessageBytes = maxMessageBytes }, minIsr, long.MaxValue, long.MaxValue, UncleanLeaderElection: false);

    public static RequestKey Key(string name) => new(name, 0, 0);

    public PartitionScript Lead(int epoch, int partitionEpoch, int[] isr, int[]? replicas = null) =>
        Assign(1, epoch, partitionEpoch, isr, replicas ?? isr);

    public PartitionScript LedBy(int? leader, int epoch, int partitionEpoch, params int[] isr) =>
        Assign(leader, epoch, partitionEpoch, isr, isr);

    public PartitionScript Append(string name, Acks acks = Acks.All, int epoch = -1, int bytes = 100) =>
        Step($"append {name}", () => Core.OnAppend(new AppendInput(Key(name), acks, new LeaderEpoch(epoch), bytes), _effects));

    /// <summary>The oldest batch in flight is stored, <paramref name="records"/> long.</summary>
    public PartitionScript Persisted(int records = 1, int bytes = 100)
    {
        var first = Core.State.LogEnd;
        var batch = new BatchAppended(first, first + (records - 1), Core.LeaderEpoch, -1, bytes);
        return Step("persisted", () => Core.OnPersisted(batch, _effects));
    }

    public PartitionScript Rejected() => Step("rejected", () => Core.OnPersistRejected(PartitionError.StorageFull, _effects));

    public PartitionScript PersistFailed() => Step("persist failed", () => Core.OnPersistFailed(_effects));

    public PartitionScript Replica(int id, long logEnd, int epoch) =>
        Step($"replica {id} has {logEnd}", () => Core.OnReplicaLogEnd(new BrokerId(id), new LeaderEpoch(epoch), new Offset(logEnd), _effects));

    public PartitionScript Wait(string name, long seen, int epoch = -1) =>
        Step($"wait {name}", () => Core.OnWait(new WaitInput(Key(name), new LeaderEpoch(epoch), new Offset(seen)), _effects));

    public PartitionScript Cancel(string name) => Step($"cancel {name}", () => Core.OnCancelWait(Key(name)));

    public PartitionScript MinIsr(int count) =>
        Step($"min isr {count}", () => Core.OnSettings(Settings(count), _effects));

    public PartitionScript Drain() => Step("drain", Core.OnDrain);

    public PartitionScript Close() => Step("close", () => Core.OnClose(_effects));

    private PartitionScript Assign(int? leader, int epoch, int partitionEpoch, int[] isr, int[] replicas)
    {
        var assignment = new PartitionAssignment(
            new BrokerId(1), leader is { } id ? new BrokerId(id) : null, new LeaderEpoch(epoch), Ids(replicas), Ids(isr), partitionEpoch);
        return Step($"assign epoch {epoch}", () => Core.OnAssignment(assignment, _effects));
    }

    private static ImmutableArray<BrokerId> Ids(int[] ids) => [.. ids.Select(id => new BrokerId(id))];

    private PartitionScript Step(string title, Action input)
    {
        input();
        var outcome = string.Join(", ", _effects.Select(Text));
        _effects.Clear();
        _transcript.Append(CultureInfo.InvariantCulture, $"{title} -> {(outcome.Length == 0 ? "nothing" : outcome)}");
        _transcript.Append(CultureInfo.InvariantCulture, $" | hw {Core.State.HighWatermark} end {Core.State.LogEnd}\n");
        return this;
    }

    private static string Text(PartitionEffect effect) => effect.Kind switch
    {
        PartitionEffectKind.Append => $"write {effect.Key.Client}",
        PartitionEffectKind.WakeFetch when effect.Error == PartitionError.None => $"wake {effect.Key.Client}",
        PartitionEffectKind.WakeFetch => $"wake {effect.Key.Client} {effect.Error}",
        _ when effect.Error == PartitionError.None => $"ack {effect.Key.Client} at {effect.BaseOffset}",
        _ => $"refuse {effect.Key.Client} {effect.Error}",
    };
}
